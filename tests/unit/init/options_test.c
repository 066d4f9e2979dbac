// SPDX-License-Identifier: Apache-2.0
/*
 * The pure part of hull-init (options.c, signal_names.c, text.c) on a host libc, where the
 * sanitizers reach it. The program itself is tested by tests/e2e/init.bats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "text.h"

#define ARGV_MAX 16

/* say.c belongs to the free-standing program. */
void text_print(int fd, const char *text)
{
	size_t size = strlen(text);

	/* A description that fills its array would run into the next one. */
	assert_true(size < 256);
	assert_int_equal(write(fd, text, size), size);
}

static char *no_environment[] = {NULL};

/* Options are read from a line of words; the struct keeps pointing into it. */
static enum options_result parse_in(struct options *o, const char *line, char **envp)
{
	static char words[256];
	static char *argv[ARGV_MAX];
	struct options_error error;
	enum options_result result;
	int count = 0;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[count++] = word;
	argv[count] = NULL;
	result = options_parse(o, argv, envp, &error);
	if (result == OPTIONS_WRONG)
		assert_non_null(error.why);
	return result;
}

static enum options_result parse(struct options *o, const char *line)
{
	return parse_in(o, line, no_environment);
}

static void signals_by_name(void **state)
{
	static const struct {
		const char *text;
		int signal;
	} cases[] = {
		{"TERM", 15},
		{"sigterm", 15},
		{"15", 15},
		{"0", 0},
		{"64", 64},
		{"65", -1},
		{"RTMIN", 34},
		{"RTMIN+3", 37},
		{"RTMIN+30", 64},
		{"RTMIN+31", -1},
		{"rtmax", 64},
		{"RTMAX-1", 63},
		{"RTMAX-30", 34},
		{"RTMAX-31", -1},
		{"RTMIN-1", -1},
		{"RTMIN+", -1},
		{"", -1},
		{"SIG", -1},
		{"TERMX", -1},
		{"-1", -1},
		{"15x", -1},
		{"SIGRTMIN+1", 35},
		{"CLD", 17},
		{"IOT", 6},
		{"99999999999999999999", -1},
	};
	char buffer[SIGNAL_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(signal_parse(cases[i].text), cases[i].signal);
	for (int sig = 1; sig <= SIGNALS_MAX; sig++)
		assert_int_equal(signal_parse(signal_name(sig, buffer)), sig);
}

static void numbers(void **state)
{
	static const int cases[] = {0, 7, 10, 4194304, INT32_MAX, -1, INT32_MIN};
	char buffer[TEXT_NUMBER_SIZE], expected[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(expected, sizeof(expected), "%d", cases[i]);
		assert_string_equal(text_from_number(buffer, cases[i]), expected);
	}
}

static void defaults_of_each_dialect(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "hull-init true"), OPTIONS_RUN);
	assert_int_equal(o.wait_all, 1);
	assert_int_equal(o.grace_ms, 10000);
	assert_int_equal(o.report_fd, -1);
	assert_int_equal(options_scope(&o, 15, 15), INIT_SCOPE_ALL);
	assert_int_equal(options_scope(&o, 1, 1), INIT_SCOPE_MAIN);
	assert_int_equal(options_scope(&o, 2, 2), INIT_SCOPE_GROUP);
	assert_int_equal(options_scope(&o, 18, 18), INIT_SCOPE_ALL);

	assert_int_equal(parse(&o, "/sbin/docker-init -- true"), OPTIONS_RUN);
	assert_int_equal(o.dialect, DIALECT_TINI);
	assert_int_equal(o.wait_all, 0);
	assert_int_equal(options_scope(&o, 15, 15), INIT_SCOPE_MAIN);

	assert_int_equal(parse(&o, "dumb-init true"), OPTIONS_RUN);
	assert_int_equal(o.session, 1);
	assert_int_equal(o.wait_all, 0);
	assert_int_equal(o.rewrite[20], 19);
	assert_int_equal(options_scope(&o, 15, 15), INIT_SCOPE_GROUP);
	assert_int_equal(parse(&o, "dumb-init -r 20:20 -r 21:0 true"), OPTIONS_RUN);
	assert_int_equal(o.rewrite[20], 20);
	assert_int_equal(o.rewrite[21], 0);
}

static void values_in_every_spelling(void **state)
{
	static const char *const lines[] = {
		"hull-init --grace 2.5 x", "hull-init --grace=2500ms x", "hull-init -t 2.5s x",
		"hull-init -vt2.5 x",      "hull-init -t 0.041666m x",
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(&o, lines[i]), OPTIONS_RUN);
		assert_in_range(o.grace_ms, 2460, 2500);
		assert_string_equal(o.command[0], "x");
	}
	assert_int_equal(parse(&o, "hull-init --grace none x"), OPTIONS_RUN);
	assert_int_equal(o.grace_ms, OPTIONS_GRACE_NO_LIMIT);
	assert_int_equal(parse(&o, "hull-init -e 0 -e63 -e 64 -e255 x"), OPTIONS_RUN);
	assert_true(o.success[0] == (UINT64_C(1) | UINT64_C(1) << 63));
	assert_true(o.success[1] == 1);
	assert_true(o.success[3] == UINT64_C(1) << 63);
}

static void the_command_begins_at_the_first_word(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "hull-init -v ls -la --help"), OPTIONS_RUN);
	assert_string_equal(o.command[1], "-la");
	assert_int_equal(parse(&o, "hull-init -v -- -odd"), OPTIONS_RUN);
	assert_string_equal(o.command[0], "-odd");
	assert_int_equal(parse(&o, "hull-init -"), OPTIONS_RUN);
	assert_int_equal(parse(&o, "hull-init --"), OPTIONS_WRONG);
	assert_int_equal(parse(&o, "hull-init"), OPTIONS_WRONG);
	assert_int_equal(parse(&o, ""), OPTIONS_WRONG);
}

static void wrong_values_are_refused(void **state)
{
	static const char *const lines[] = {
		"hull-init --grace x",
		"hull-init --grace",
		"hull-init --grace= x",
		"hull-init --grace 5h x",
		"hull-init --grace 99999999 x",
		"hull-init --grace -5 x",
		"hull-init --forward some x",
		"hull-init --forward HUP: x",
		"hull-init --forward :all x",
		"hull-init --forward HUP,,USR1:all x",
		"hull-init --forward NOTASIGNALATALL:all x",
		"hull-init --forward 0:all x",
		"hull-init -r 1 x",
		"hull-init -r 1:65 x",
		"hull-init -r 0:1 x",
		"hull-init -r :1 x",
		"hull-init -e 256 x",
		"hull-init -e -1 x",
		"hull-init --report-fd 2 x",
		"hull-init --report-fd 99999999999 x",
		"hull-init -p 0 x",
		"hull-init --setsid=yes x",
		"hull-init --helpme x",
		"hull-init -z x",
		"tini -t 5 x",
		"tini -V",
		"dumb-init -s x",
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (parse(&o, lines[i]) != OPTIONS_WRONG)
			fail_msg("accepted: %s", lines[i]);
}

static void forward_lists(void **state)
{
	struct options o;

	(void)state;
	assert_int_equal(parse(&o, "hull-init -f main -f HUP,USR1,RTMIN+1:all x"), OPTIONS_RUN);
	assert_int_equal(o.wait_all, 0);
	assert_int_equal(options_scope(&o, 35, 35), INIT_SCOPE_ALL);
	assert_int_equal(options_scope(&o, 12, 12), INIT_SCOPE_MAIN);
	assert_int_equal(parse(&o, "hull-init --stop-signal QUIT -r HUP:TERM x"), OPTIONS_RUN);
	assert_true(options_is_stop(&o, 3, 3));
	assert_true(options_is_stop(&o, 1, 15));
	assert_int_equal(options_scope(&o, 3, 3), INIT_SCOPE_ALL);
	assert_int_equal(options_scope(&o, 1, 15), INIT_SCOPE_ALL);
}

static void the_environment_counts_in_its_dialect_only(void **state)
{
	char *environment[] = {"TINI_SUBREAPER=",   "TINI_KILL_PROCESS_GROUP=1",
			       "TINI_VERBOSITY=3",  "DUMB_INIT_SETSID=0",
			       "DUMB_INIT_DEBUG=1", NULL};
	struct options o;

	(void)state;
	parse_in(&o, "tini x", environment);
	assert_int_equal(o.subreaper, 1);
	assert_int_equal(o.verbosity, 3);
	assert_int_equal(options_scope(&o, 15, 15), INIT_SCOPE_GROUP);
	parse_in(&o, "dumb-init x", environment);
	assert_int_equal(o.session, 0);
	assert_int_equal(o.verbosity, 2);
	assert_int_equal(options_scope(&o, 15, 15), INIT_SCOPE_MAIN);
	parse_in(&o, "hull-init x", environment);
	assert_int_equal(o.subreaper, 0);
	assert_int_equal(o.verbosity, 1);
}

static void help_prints_the_table(void **state)
{
	(void)state;
	options_help(DIALECT_HULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_by_name),
		cmocka_unit_test(numbers),
		cmocka_unit_test(defaults_of_each_dialect),
		cmocka_unit_test(values_in_every_spelling),
		cmocka_unit_test(the_command_begins_at_the_first_word),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(forward_lists),
		cmocka_unit_test(the_environment_counts_in_its_dialect_only),
		cmocka_unit_test(help_prints_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
