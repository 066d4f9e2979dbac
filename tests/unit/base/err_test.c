/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: text, context, hint, kind and exit code. */
#include "tests/unit/unit.h"

static void number_kind_and_text(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(err_set(&e, ENOENT, ERR_NOT_FOUND, "container %s: none", "web"), -ENOENT);
	assert_int_equal(e.number, ENOENT);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_string_equal(e.text, "container web: none");
	assert_string_equal(e.hint, "");
	assert_int_equal(err_set(&e, 0, ERR_INTERNAL, "x"), -EIO);
	assert_int_equal(err_set(&e, -EBUSY, ERR_CONFLICT, "x"), -EBUSY);
}

static void errno_gives_text_kind_and_hint(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(err_errno(&e, -ENOSPC, "cannot write %s", "f"), -ENOSPC);
	assert_string_equal(e.text, "cannot write f: No space left on device");
	assert_int_equal(e.kind, ERR_SYSTEM);
	assert_true(e.hint[0] != '\0');
	err_errno(&e, EACCES, "x");
	assert_int_equal(e.kind, ERR_DENIED);
	err_errno(&e, 99999, "x");
	assert_string_equal(e.text, "x: unknown error");
}

static void context_comes_in_front(void **state)
{
	(void)state;
	struct err e;
	err_set(&e, EINVAL, ERR_INVALID, "inner");
	err_hint(&e, "do %d", 1);
	assert_int_equal(err_context(&e, "outer %d", 2), -EINVAL);
	assert_string_equal(e.text, "outer 2: inner");
	assert_string_equal(e.hint, "do 1");
	assert_int_equal(e.kind, ERR_INVALID);
}

static void long_texts_are_cut(void **state)
{
	(void)state;
	struct err e;
	char big[4096];
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_errno(&e, EIO, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_context(&e, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	err_hint(&e, "%s", big);
	assert_int_equal(strlen(e.hint), sizeof(e.hint) - 1);
}

static void exit_codes_are_dockers(void **state)
{
	(void)state;
	assert_int_equal(err_exit_code(ERR_NONE), 0);
	assert_int_equal(err_exit_code(ERR_NO_COMMAND), 127);
	assert_int_equal(err_exit_code(ERR_NOT_EXECUTABLE), 126);
	assert_int_equal(err_exit_code(ERR_INTERNAL), 125);
	assert_int_equal(err_exit_code(ERR_NOT_FOUND), 125);
	assert_int_equal(err_exit_code(12345), 125);
	assert_int_equal(err_exit_code(ERR_OUTPUT), 1);
	for (int kind = 1; kind < ERR_KINDS; kind++)
		assert_true(kind == ERR_OUTPUT ||
			    (err_exit_code(kind) >= 125 && err_exit_code(kind) <= 127));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_kind_and_text),
		cmocka_unit_test(errno_gives_text_kind_and_hint),
		cmocka_unit_test(context_comes_in_front),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(exit_codes_are_dockers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
