/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's log about a kill for memory: whose limit, who died, and names that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "linux/oom.h"

#define KILL(constraint, whose, member)                                                            \
	"6,901,1857698607,-;oom-kill:constraint=CONSTRAINT_" constraint                            \
	",nodemask=(null),cpuset=/,mems_allowed=0," whose ",task_memcg=" member                    \
	",task=eater,pid=77,uid=0\n SUBSYSTEM=x\n"
#define MEMCG(limited, member) KILL("MEMCG", "oom_memcg=" limited, member)
#define SIZES(pid, comm)                                                                           \
	"3,902,1857698625,-;Memory cgroup out of memory: Killed process " pid " (" comm            \
	") total-vm:66544kB, anon-rss:16256kB, file-rss:600kB, shmem-rss:4kB, UID:0 "              \
	"pgtables:68kB oom_score_adj:0\n"

enum { FIRST = 78 };

static struct oom after(const char *first, const char *second)
{
	struct oom o = {0};
	oom_log_record(first, "abc", FIRST, &o);
	if (second)
		oom_log_record(second, "abc", FIRST, &o);
	return o;
}

static void whose_limit(void **state)
{
	static const struct {
		const char *record;
		enum oom_scope scope;
		const char *group;
	} cases[] = {
		{MEMCG("/hull/abc", "/hull/abc"), OOM_OWN, "/hull/abc"},
		{MEMCG("/hull/abc", "/hull/abc/in/it"), OOM_OWN, "/hull/abc"},
		{MEMCG("/hull/abc/in", "/hull/abc/in/it"), OOM_INSIDE, "/hull/abc/in"},
		{MEMCG("/hull", "/hull/abc"), OOM_ABOVE, "/hull"},
		{MEMCG("/", "/hull/abc"), OOM_ABOVE, "/"},
		{KILL("NONE", "global_oom", "/hull/abc"), OOM_HOST, ""},
		{KILL("CPUSET", "global_oom", "/hull/abc"), OOM_HOST, ""},
		/* Of somebody else. */
		{MEMCG("/hull/abcd", "/hull/abcd"), OOM_UNKNOWN, ""},
		{MEMCG("/hull", "/hull/xabc"), OOM_UNKNOWN, ""},
		{MEMCG("/hull/ab", "/hull/abc"), OOM_UNKNOWN, "/hull/ab"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct oom o = after(cases[i].record, NULL);
		assert_int_equal(cases[i].scope, o.scope);
		assert_string_equal(cases[i].group, o.group);
	}
}

/* Records as they come one by one; and as one, which older kernels write. */
static void shared_memory(void **state)
{
	struct oom o = {0};
	(void)state;
	oom_log_record("6,1,1,-;Memory cgroup stats for /hull/abc:\n", "abc", FIRST, &o);
	oom_log_record("6,2,1,-;anon 4096\n", "abc", FIRST, &o);
	oom_log_record("6,3,1,-;shmem 8192\n", "abc", FIRST, &o);
	oom_log_record("6,4,1,-;total_shmem 12288\n", "abc", FIRST, &o);
	oom_log_record(MEMCG("/hull/abc", "/hull/abc"), "abc", FIRST, &o);
	assert_int_equal(12288, o.shared);
	/* The next is of somebody else. */
	oom_log_record("6,5,1,-;shmem 77\n", "abc", FIRST, &o);
	oom_log_record(MEMCG("/hull/xyz", "/hull/xyz"), "abc", FIRST, &o);
	assert_int_equal(12288, o.shared);
	oom_log_record("6,6,1,-;anon 1\\x0afile 2\\x0ashmem 65536\\x0aother 3\\x0a\n", "abc", FIRST,
		       &o);
	oom_log_record(MEMCG("/hull/abc", "/hull/abc"), "abc", FIRST, &o);
	assert_int_equal(65536, o.shared);
	oom_log_record(KILL("NONE", "global_oom", "/hull/abc"), "abc", FIRST, &o);
	assert_int_equal(0, o.shared);
}

static void the_victim(void **state)
{
	(void)state;
	struct oom o = after(MEMCG("/hull/abc", "/hull/abc"), SIZES("77", "eater"));
	assert_true(o.logged);
	assert_int_equal(77, o.pid);
	assert_string_equal("eater", o.comm);
	assert_int_equal(16256 * 1024, o.anon);
	assert_int_equal(600 * 1024, o.file);
	assert_int_equal(4 * 1024, o.shmem);
	assert_false(o.first_killed);
	o = after(MEMCG("/hull/abc", "/hull/abc"), SIZES("78", "other"));
	assert_int_equal(0, o.anon);
	/* All of a group, or before the last one that was told of. */
	assert_true(o.first_killed);
	o = after(SIZES("78", "other"), MEMCG("/hull/abc", "/hull/abc"));
	assert_true(o.first_killed);
	/* Its name is its own choice. */
	o = after(MEMCG("/hull/abc", "/hull/abc"), SIZES("77", "x anon-rss:9kB"));
	assert_int_equal(16256 * 1024, o.anon);
}

static void what_is_no_kill(void **state)
{
	static const char *const records[] = {
		"",
		";",
		"oom-kill:",
		"6,1,1,-;oom-kill:",
		"6,1,1,-;oom-kill:constraint=,pid=1",
		"6,1,1,-;oom-kill:,task=a,pid=1",
		"6,1,1,-;,oom_memcg=/abc,task_memcg=/abc,task=a,pid=1",
		/* Not from the kernel: facility 1. */
		"14,1,1,-;oom-kill:x,oom_memcg=/abc,task_memcg=/abc,task=a,pid=1",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++)
		assert_int_equal(OOM_UNKNOWN, after(records[i], NULL).scope);
}

static void names_of_scopes(void **state)
{
	(void)state;
	for (int i = 0; i < OOM_SCOPES; i++)
		assert_int_equal(i, oom_scope_of(oom_scope_name((enum oom_scope)i)));
	assert_int_equal(OOM_UNKNOWN, oom_scope_of("nonsense"));
	assert_int_equal(OOM_UNKNOWN, oom_scope_of(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_limit),     cmocka_unit_test(shared_memory),
		cmocka_unit_test(the_victim),      cmocka_unit_test(what_is_no_kill),
		cmocka_unit_test(names_of_scopes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
