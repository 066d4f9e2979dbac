/* SPDX-License-Identifier: Apache-2.0 */
/* Growing strings and their maximum. */
#include "tests/unit/unit.h"

#include "base/strbuf.h"

static void text_is_appended(void **state)
{
	(void)state;
	CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(1000);
	assert_string_equal(strbuf_text(&s), "");
	strbuf_puts(&s, "a");
	strbuf_putc(&s, 'b');
	strbuf_add(&s, "cdx", 2);
	strbuf_printf(&s, "%s-%d", "e", 5);
	assert_true(strbuf_ok(&s));
	assert_string_equal(strbuf_text(&s), "abcde-5");
	assert_int_equal(s.len, 7);
}

static void exactly_the_maximum_fits(void **state)
{
	(void)state;
	for (size_t max = 0; max < 300; max++) {
		CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(max);
		for (size_t i = 0; i < max; i++)
			strbuf_putc(&s, 'x');
		assert_true(strbuf_ok(&s));
		assert_int_equal(s.len, max);
		assert_int_equal(strlen(strbuf_text(&s)), max);
		strbuf_putc(&s, 'y');
		assert_false(strbuf_ok(&s));
		assert_int_equal(strlen(strbuf_text(&s)), max);
	}
}

/* What was there stays; what does not fit is not cut but left out, and so is all that follows. */
static void failure_keeps_what_was_there(void **state)
{
	(void)state;
	CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(5);
	strbuf_puts(&s, "abc");
	strbuf_printf(&s, "%s", "defghi");
	assert_false(strbuf_ok(&s));
	strbuf_putc(&s, 'd');
	assert_string_equal(strbuf_text(&s), "abc");
}

static void reserve_gives_room(void **state)
{
	(void)state;
	CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(100000);
	for (int i = 0; i < 90; i++) {
		char *at = strbuf_reserve(&s, 1000);
		assert_non_null(at);
		memset(at, 'a' + i % 26, 1000);
		s.len += 1000;
	}
	assert_int_equal(s.buf[89999], 'a' + 89 % 26);
	assert_null(strbuf_reserve(&s, SIZE_MAX));
	assert_false(strbuf_ok(&s));
}

static void free_leaves_it_usable(void **state)
{
	(void)state;
	CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(10);
	strbuf_puts(&s, "one");
	strbuf_free(&s);
	strbuf_puts(&s, "two");
	assert_string_equal(strbuf_text(&s), "two");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_appended),
		cmocka_unit_test(exactly_the_maximum_fits),
		cmocka_unit_test(failure_keeps_what_was_there),
		cmocka_unit_test(reserve_gives_room),
		cmocka_unit_test(free_leaves_it_usable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
