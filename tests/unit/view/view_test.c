/* SPDX-License-Identifier: Apache-2.0 */
/* What --proc-view makes of the machine's files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "view/view.h"

static const char host[] = "MemTotal:       24684084 kB\n"
			   "MemFree:        20294100 kB\n"
			   "Cached:          1000000 kB\n"
			   "Active:          1000000 kB\n"
			   "Percpu:          1000000 kB\n"
			   "Hugepagesize:       2048 kB\n"
			   "no line of it\n"
			   "SwapTotal:             5 kB";

static void expect_meminfo(const struct kvs *raw, const char *cached, const char *active)
{
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(4096);
	CLEANUP_ARENA struct arena a = {0};
	const struct view_memory m = {.total = 64 << 20, .free = 32 << 20, .raw = raw};
	view_print_meminfo(&m, host, &out);
	assert_string_equal(strbuf_text(&out), arena_printf(&a,
							    "MemTotal:          65536 kB\n"
							    "MemFree:           32768 kB\n"
							    "Cached:         %8s kB\n"
							    "Active:         %8s kB\n"
							    "Percpu:                0 kB\n"
							    "Hugepagesize:       2048 kB\n"
							    "SwapTotal:             0 kB\n",
							    cached, active));
}

/* Version 1 has the group alone and, as total, with those below it. */
static void memory_of_both_versions(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct kvs v1 = {0}, v2 = {0};
	(void)state;
	kvs_set(&a, &v1, "cache", "1024");
	kvs_set(&a, &v1, "active_anon", "1024");
	kvs_set(&a, &v1, "total_cache", "2048");
	kvs_set(&a, &v1, "total_active_anon", "2048");
	kvs_set(&a, &v1, "total_active_file", "4096");
	expect_meminfo(&v1, "2", "6");
	kvs_set(&a, &v2, "file", "8192");
	kvs_set(&a, &v2, "active_anon", "1024");
	kvs_set(&a, &v2, "active_file", "2048");
	expect_meminfo(&v2, "8", "3");
	expect_meminfo(NULL, "0", "0");
}

static void processors_are_numbered_anew(void **state)
{
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(4096), none = STRBUF_MAX(64);
	(void)state;
	view_print_cpuinfo("processor\t: 2\nmodel\t: a\n\nprocessor\t: 5\nmodel\t: b\n\n"
			   "processor\t: 7\nmodel\t: c\n",
			   2, &out);
	assert_string_equal(strbuf_text(&out),
			    "processor\t: 0\nmodel\t: a\n\nprocessor\t: 1\nmodel\t: b\n\n");
	view_print_cpuinfo("", 2, &none);
	assert_string_equal(strbuf_text(&none), "");
}

static void times_are_the_groups(void **state)
{
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(4096);
	(void)state;
	view_print_stat("cpu  1 2 3\ncpu0 1 2 3\nctxt 7\nbtime 9\n", 2, 10, 4, 100, &out);
	assert_string_equal(strbuf_text(&out), "cpu  10 0 4 186 0 0 0 0 0 0\n"
					       "cpu0 5 0 2 93 0 0 0 0 0 0\n"
					       "cpu1 5 0 2 93 0 0 0 0 0 0\n"
					       "ctxt 7\nbtime 9\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_of_both_versions),
		cmocka_unit_test(processors_are_numbered_anew),
		cmocka_unit_test(times_are_the_groups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
