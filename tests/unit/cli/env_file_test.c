/* SPDX-License-Identifier: Apache-2.0 */
/* --env-file and --label-file by docker's rules. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "cli/env_file.h"

static struct arena arena;

static struct strv parsed(const char *text, enum env_bare bare)
{
	struct strv lines = {0};
	struct err e = {0};
	if (env_text_read(text, strlen(text), bare, &lines, &arena, &e) < 0)
		fail_msg("%s", e.text);
	return lines;
}

static void lines_are_taken_as_they_are(void **state)
{
	(void)state;
	struct strv v = parsed(
		"\xef\xbb\xbf"
		"A=1\n\n# comment\n  #another\n  B= x y \nC='q'\r\nD=a=b#c\n\tE=\nF=\xc3\xa4",
		ENV_BARE_INHERIT);
	static const char *const want[] = {"A=1",     "B= x y ", "C='q'",
					   "D=a=b#c", "E=",      "F=\xc3\xa4"};
	assert_int_equal(v.count, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; i < v.count; i++)
		assert_string_equal(v.items[i], want[i]);
	assert_int_equal(parsed("", ENV_BARE_INHERIT).count, 0);
}

static void bare_names(void **state)
{
	(void)state;
	setenv("HULL_TEST_VARIABLE", "v w", 1);
	struct strv v = parsed("HULL_TEST_VARIABLE\nHULL_TEST_NOT_SET\n", ENV_BARE_INHERIT);
	assert_int_equal(v.count, 1);
	assert_string_equal(v.items[0], "HULL_TEST_VARIABLE=v w");
	v = parsed("com.example.label\n", ENV_BARE_EMPTY);
	assert_string_equal(v.items[0], "com.example.label");
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"=x", "poorly formatted environment: no variable name on line '=x'"},
		{"A B=x", "poorly formatted environment: variable 'A B' contains whitespaces"},
		{"A =x", "poorly formatted environment: variable 'A ' contains whitespaces"},
		{"A=1\nB=\xff", "invalid utf8 bytes at line 2"},
		{"A=\xc0\xaf", "invalid utf8 bytes at line 1"},     /* overlong */
		{"A=\xed\xa0\x80", "invalid utf8 bytes at line 1"}, /* a surrogate */
		{"A=\xf4\x90\x80\x80", "invalid utf8 bytes at line 1"},
		{"A=\xe2\x82", "invalid utf8 bytes at line 1"}, /* cut off */
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strv v = {0};
		struct err e = {0};
		assert_true(env_text_read(cases[i].text, strlen(cases[i].text), ENV_BARE_INHERIT,
					  &v, &arena, &e) < 0);
		assert_string_equal(e.text, cases[i].why);
	}
}

static void limits(void **state)
{
	(void)state;
	struct strv v = {0};
	struct err e = {0};
	char *text = arena_alloc(&arena, ENV_LINES_MAX + 1);
	memset(text, '\n', ENV_LINES_MAX);
	assert_int_equal(env_text_read(text, ENV_LINES_MAX - 1, ENV_BARE_INHERIT, &v, &arena, &e),
			 0);
	assert_int_equal(env_text_read(text, ENV_LINES_MAX, ENV_BARE_INHERIT, &v, &arena, &e),
			 -E2BIG);
	assert_int_equal(env_file_read("/nonexistent", ENV_BARE_INHERIT, &v, &arena, &e), -ENOENT);
	assert_int_equal(env_file_read("/", ENV_BARE_INHERIT, &v, &arena, &e), -EISDIR);
}

static int release(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_taken_as_they_are),
		cmocka_unit_test(bare_names),
		cmocka_unit_test(refusals),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, release);
}
