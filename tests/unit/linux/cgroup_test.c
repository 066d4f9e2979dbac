/* SPDX-License-Identifier: Apache-2.0 */
/* Real groups, /hull-test-<pid>/..., on whatever versions this machine has: limits read back from
 * their files, processes attached, frozen, killed, starved; nothing is left behind. Needs root. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "linux/cgroup_host.h"

static char parent[64];

static struct opt_i64 n(int64_t value)
{
	return (struct opt_i64){true, value};
}

/* A path below this test's own group. */
static const char *below(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", parent, name);
	return path;
}

static struct cgroup made(const char *name, const struct cgroup_limits *l)
{
	struct cgroup g;
	struct err e = {0};
	if (cgroup_make(below(name), l, NULL, 0, &g, &e) < 0)
		fail_msg("%s (%s)", e.text, e.hint);
	return g;
}

static void gone(const char *name)
{
	struct err e = {0};
	struct cgroup g;
	if (cgroup_remove(below(name), &e) < 0)
		fail_msg("%s (%s)", e.text, e.hint);
	assert_int_equal(cgroup_open(below(name), &g, &e), -ENOENT);
}

static bool on_v1(enum cgroup_controller c)
{
	return cgroup_host_get()->v1[c] >= 0;
}

static bool available(enum cgroup_controller c)
{
	return on_v1(c) || cgroup_host_get()->v2_controllers & 1U << c;
}

static void file_is(const struct cgroup *g, enum cgroup_controller c, const char *v1_file,
		    const char *v1_text, const char *v2_file, const char *v2_text)
{
	const char *file = on_v1(c) ? v1_file : v2_file;
	char text[256] = "";
	if (!file || !available(c))
		return;
	if (file_read_small(on_v1(c) ? g->v1[c] : g->v2, file, text, sizeof(text)) < 0)
		fail_msg("%s cannot be read", file);
	if (strcmp(text, on_v1(c) ? v1_text : v2_text) != 0)
		fail_msg("%s is \"%s\", expected \"%s\"", file, text, on_v1(c) ? v1_text : v2_text);
}

static void every_limit(void **state)
{
	(void)state;
	struct cgroup_limits l = {
		.memory = n(64 << 20),
		.memory_reservation = n(32 << 20),
		.cpu_shares = n(512),
		.cpu_quota = n(50000),
		.cpu_period = n(200000),
		.cpu_burst = n(10000),
		.pids = n(77),
		.cpuset_mems = "0",
	};
	bool swap = cgroup_host_limits_swap();
	if (swap)
		l.memory_swap = n(96 << 20);
	if (available(CGROUP_CPUSET))
		l.cpuset_cpus = "0";
	else
		l.cpuset_mems = NULL;
	if (on_v1(CGROUP_MEMORY))
		l.memory_swappiness = n(7);
	CLEANUP_CGROUP struct cgroup g = made("all", &l);
	file_is(&g, CGROUP_MEMORY, "memory.limit_in_bytes", "67108864", "memory.max", "67108864");
	if (swap)
		file_is(&g, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "100663296",
			"memory.swap.max", "33554432");
	file_is(&g, CGROUP_MEMORY, "memory.soft_limit_in_bytes", "33554432", "memory.low",
		"33554432");
	file_is(&g, CGROUP_MEMORY, "memory.swappiness", "7", NULL, NULL);
	file_is(&g, CGROUP_CPU, "cpu.shares", "512", "cpu.weight", "59");
	file_is(&g, CGROUP_CPU, "cpu.cfs_quota_us", "50000", "cpu.max", "50000 200000");
	file_is(&g, CGROUP_CPU, "cpu.cfs_period_us", "200000", NULL, NULL);
	file_is(&g, CGROUP_CPU, "cpu.cfs_burst_us", "10000", "cpu.max.burst", "10000");
	file_is(&g, CGROUP_PIDS, "pids.max", "77", "pids.max", "77");
	file_is(&g, CGROUP_CPUSET, "cpuset.cpus", "0", "cpuset.cpus", "0");
	file_is(&g, CGROUP_CPUSET, "cpuset.mems", "0", "cpuset.mems", "0");
	char path[300];
	cgroup_memory_path(&g, path, sizeof(path));
	assert_true(file_exists(AT_FDCWD, path));
	assert_non_null(strstr(path, "/all"));
	gone("all");
}

static void update(const struct cgroup *g, const struct cgroup_limits *l, int expected)
{
	struct err e = {0};
	int r = cgroup_update(g, l, &e);
	if (r != expected)
		fail_msg("update: %d, expected %d: %s", r, expected, e.text);
}

static void limits_rise_and_fall(void **state)
{
	(void)state;
	bool swap = cgroup_host_limits_swap();
	struct cgroup_limits l = {
		.memory = n(64 << 20), .cpu_quota = n(50000), .cpu_period = n(100000)};
	if (swap)
		l.memory_swap = n(64 << 20);
	CLEANUP_CGROUP struct cgroup g = made("update", &l);
	file_is(&g, CGROUP_MEMORY, NULL, NULL, swap ? "memory.swap.max" : NULL, "0");

	struct cgroup_limits up = {.memory = n(256 << 20)}, down = {.memory = n(32 << 20)};
	if (swap)
		up.memory_swap = n(512 << 20), down.memory_swap = n(48 << 20);
	update(&g, &up, 0);
	file_is(&g, CGROUP_MEMORY, "memory.limit_in_bytes", "268435456", "memory.max", "268435456");
	update(&g, &down, 0);
	file_is(&g, CGROUP_MEMORY, "memory.limit_in_bytes", "33554432", "memory.max", "33554432");
	if (swap)
		file_is(&g, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "50331648",
			"memory.swap.max", "16777216");
	if (swap && on_v1(CGROUP_MEMORY))
		update(&g, &(struct cgroup_limits){.memory = n(64 << 20)}, -EINVAL);
	if (swap)
		update(&g, &(struct cgroup_limits){.memory_swap = n(64 << 20)}, 0);
	file_is(&g, CGROUP_MEMORY, NULL, NULL, swap ? "memory.swap.max" : NULL, "33554432");

	update(&g, &(struct cgroup_limits){.cpu_period = n(250000)}, 0);
	file_is(&g, CGROUP_CPU, "cpu.cfs_quota_us", "50000", "cpu.max", "50000 250000");
	update(&g, &(struct cgroup_limits){.cpu_quota = n(-1)}, 0);
	file_is(&g, CGROUP_CPU, "cpu.cfs_quota_us", "-1", "cpu.max", "max 250000");
	update(&g, &(struct cgroup_limits){.pids = n(-1), .memory_swap = n(swap ? -1 : 0)}, 0);
	file_is(&g, CGROUP_PIDS, "pids.max", "max", "pids.max", "max");
	update(&g, &(struct cgroup_limits){.memory = n(-1)}, 0);
	file_is(&g, CGROUP_MEMORY, NULL, NULL, "memory.max", "max");
	gone("update");
}

/* A child that waits until it is told to go on, or to its end. */
static pid_t child_start(void (*body)(void), int *ret_go)
{
	int go[2];
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char byte;
		close(go[1]);
		if (read(go[0], &byte, 1) >= 0)
			body();
		_exit(0);
	}
	close(go[0]);
	*ret_go = go[1];
	return pid;
}

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static int status_of(pid_t pid)
{
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void must(int r, const struct err *e)
{
	if (r < 0)
		fail_msg("%s (%s)", e->text, e->hint);
}

static void life_of_processes(void **state)
{
	(void)state;
	struct cgroup_limits none = {0};
	struct err e = {0};
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup g = made("life", &none);
	CLEANUP_FD int go1 = -1;
	CLEANUP_FD int go2 = -1;
	pid_t one = child_start(wait_for_ever, &go1), two = child_start(wait_for_ever, &go2), *pids;
	size_t count;
	must(cgroup_attach(&g, one, &e), &e);
	must(cgroup_attach(&g, two, &e), &e);
	must(cgroup_pids(&g, &a, &pids, &count, &e), &e);
	assert_int_equal(count, 2);
	assert_true(pids[0] + pids[1] == one + two);

	must(cgroup_freeze(&g, true, &e), &e);
	assert_int_equal(cgroup_is_frozen(&g), 1);
	must(cgroup_freeze(&g, false, &e), &e);
	assert_int_equal(cgroup_is_frozen(&g), 0);

	assert_int_equal(cgroup_remove(below("life"), &e), -EBUSY);
	assert_non_null(strstr(e.hint, "cgroup.procs"));
	if (g.v2 >= 0)
		assert_int_equal(cgroup_wait_empty(&g, 10), -ETIMEDOUT);

	must(cgroup_freeze(&g, true, &e), &e); /* a frozen group can be killed, too */
	must(cgroup_kill(&g, &e), &e);
	assert_true(WIFSIGNALED(status_of(one)));
	assert_int_equal(WTERMSIG(status_of(two)), SIGKILL);
	if (g.v2 >= 0)
		assert_int_equal(cgroup_wait_empty(&g, 5000), 0);
	must(cgroup_pids(&g, &a, &pids, &count, &e), &e);
	assert_int_equal(count, 0);
	gone("life");
}

static struct cgroup_entry entry = CGROUP_ENTRY_CLOSED;

static void enter_and_wait(void)
{
	struct err e = {0};
	if (cgroup_enter(&entry, &e) == 0)
		wait_for_ever();
}

static void enters_by_itself(void **state)
{
	(void)state;
	struct cgroup_limits none = {0};
	struct err e = {0};
	char pid_text[32] = "";
	CLEANUP_CGROUP struct cgroup g = made("self", &none);
	if (cgroup_host_layout() == CGROUP_V2)
		skip();
	assert_int_equal(cgroup_entry_open(NULL, &entry, &e), 0);
	must(cgroup_entry_open(&g, &entry, &e), &e);
	CLEANUP_FD int go = -1;
	pid_t pid = child_start(enter_and_wait, &go);
	cgroup_entry_close(&entry);
	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	assert_int_equal(write(go, "g", 1), 1);
	for (int c = 0; c < CGROUP_CONTROLLERS; c++) {
		char text[64] = "";
		for (int i = 0; g.v1[c] >= 0 && i < 500 && strcmp(text, pid_text) != 0; i++) {
			usleep(1000);
			if (file_read_small(g.v1[c], "cgroup.procs", text, sizeof(text)) < 0)
				*text = '\0';
		}
		if (g.v1[c] >= 0)
			assert_string_equal(text, pid_text);
	}
	must(cgroup_kill(&g, &e), &e);
	kill(pid, SIGKILL); /* on a hybrid host the v2 tree does not have it */
	assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
	gone("self");
}

/* Without cgroup.kill: as before Linux 5.14, on the v2 side alone. */
static void killed_by_list(void **state)
{
	(void)state;
	struct cgroup_limits none = {0};
	struct err e = {0};
	CLEANUP_CGROUP struct cgroup g = made("list", &none);
	struct cgroup v1_side = g;
	if (g.v2 < 0 || cgroup_host_layout() != CGROUP_HYBRID)
		skip();
	v1_side.v2 = -1;
	CLEANUP_FD int go = -1;
	pid_t pid = child_start(wait_for_ever, &go);
	must(cgroup_attach(&g, pid, &e), &e);
	must(cgroup_kill(&v1_side, &e), &e);
	assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
	gone("list");
}

static void groups_made_below(void **state)
{
	(void)state;
	struct cgroup_limits none = {0};
	CLEANUP_CGROUP struct cgroup g = made("nest", &none);
	int fd = g.v2 >= 0 ? g.v2 : g.v1[CGROUP_MEMORY];
	assert_int_equal(mkdirat(fd, "a", 0755), 0);
	assert_int_equal(mkdirat(fd, "a/b", 0755), 0);
	assert_int_equal(mkdirat(fd, "a/c", 0755), 0);
	assert_int_equal(mkdirat(fd, "d", 0755), 0);
	gone("nest");
	gone("nest"); /* a second time is no error */
}

static void device_body(void)
{
	CLEANUP_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP_FD int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int zero_error = errno;
	CLEANUP_FD int full = open("/dev/full", O_RDONLY | O_CLOEXEC);
	CLEANUP_FD int full_write = open("/dev/full", O_WRONLY | O_CLOEXEC);
	char node[] = "/tmp/hull-test-node-XXXXXX";
	int file = mkstemp(node);
	close(file);
	unlink(node);
	int r = mknod(node, S_IFCHR | 0600, makedev(1, 5));
	int mknod_error = errno;
	unlink(node);
	_exit(null < 0                           ? 1
	      : zero >= 0 || zero_error != EPERM ? 2
	      : full < 0 || full_write >= 0      ? 3
	      : r == 0 || mknod_error != EPERM   ? 4
						 : 0);
}

static void devices_refused(void **state)
{
	(void)state;
	static const struct cgroup_device_rule rules[] = {
		{false, 'a', -1, -1, 7},
		{true, 'c', 1, 3, 7},
		{true, 'c', 1, 7, CGROUP_DEV_READ},
	};
	struct cgroup_limits none = {0};
	struct err e = {0};
	struct cgroup g;
	must(cgroup_make(below("dev"), &none, rules, ARRAY_LEN(rules), &g, &e), &e);
	int go;
	pid_t pid = child_start(device_body, &go);
	must(cgroup_attach(&g, pid, &e), &e);
	close(go);
	assert_int_equal(status_of(pid), 0);
	cgroup_close(&g);
	gone("dev");
}

static void eater(void)
{
	size_t size = (size_t)256 << 20;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; p != MAP_FAILED && i < size; i += 4096)
		p[i] = 1;
}

static void out_of_memory(void **state)
{
	(void)state;
	if (!available(CGROUP_MEMORY))
		skip();
	struct cgroup_limits l = {.memory = n(32 << 20)};
	if (cgroup_host_limits_swap())
		l.memory_swap = n(32 << 20);
	struct err e = {0};
	CLEANUP_CGROUP struct cgroup g = made("oom", &l);
	CLEANUP_FD int event = cgroup_oom_eventfd(&g);
	assert_int_equal(event >= 0, on_v1(CGROUP_MEMORY));
	assert_int_equal(cgroup_oom_kills(&g), 0);
	int go;
	pid_t pid = child_start(eater, &go);
	must(cgroup_attach(&g, pid, &e), &e);
	close(go);
	assert_int_equal(WTERMSIG(status_of(pid)), SIGKILL);
	assert_int_equal(cgroup_oom_kills(&g), 1);
	struct pollfd p = {.fd = event, .events = POLLIN};
	assert_int_equal(poll(&p, event >= 0, 0), event >= 0);
	gone("oom");
}

static void cpuset_joined_later(void **state)
{
	(void)state;
	if (!available(CGROUP_CPUSET))
		skip();
	struct cgroup_limits none = {0}, first = {.cpuset_cpus = "0"};
	struct err e = {0};
	CLEANUP_CGROUP struct cgroup g = made("join", &none);
	CLEANUP_FD int go = -1;
	pid_t pid = child_start(wait_for_ever, &go);
	must(cgroup_attach(&g, pid, &e), &e);
	update(&g, &first, 0);
	cpu_set_t set;
	assert_int_equal(sched_getaffinity(pid, sizeof(set), &set), 0);
	assert_int_equal(CPU_COUNT(&set), 1);
	assert_true(CPU_ISSET(0, &set));
	must(cgroup_kill(&g, &e), &e);
	status_of(pid);
	gone("join");
}

static void failure_leaves_nothing(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct kvs unified = {0};
	struct err e = {0};
	struct cgroup g;
	kvs_set(&a, &unified, "memory.no_such_file", "1");
	struct cgroup_limits l = {.pids = n(5), .unified = &unified};
	assert_true(cgroup_make(below("bad"), &l, NULL, 0, &g, &e) < 0);
	assert_int_equal(cgroup_open(below("bad"), &g, &e), -ENOENT);
	static const char *const files[] = {"../cpu.max", "cgroup.procs", "plain", ".x.y"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		unified = (struct kvs){0};
		kvs_set(&a, &unified, files[i], "1");
		assert_true(cgroup_make(below("bad"), &l, NULL, 0, &g, &e) < 0);
		assert_non_null(strstr(e.text, files[i]));
	}
	struct cgroup_limits odd = {.cpuset_cpus = "0-4294967295"};
	assert_int_equal(cgroup_make(below("bad"), &odd, NULL, 0, &g, &e), -EINVAL);
	assert_int_equal(cgroup_open(below("bad"), &g, &e), -ENOENT);
}

static void unified_settings(void **state)
{
	(void)state;
	if (!(cgroup_host_get()->v2_controllers & 1U << CGROUP_MEMORY))
		skip();
	CLEANUP_ARENA struct arena a = {0};
	struct kvs unified = {0};
	char text[64];
	kvs_set(&a, &unified, "memory.high", "50331648");
	struct cgroup_limits l = {.unified = &unified};
	CLEANUP_CGROUP struct cgroup g = made("unified", &l);
	assert_true(file_read_small(g.v2, "memory.high", text, sizeof(text)) > 0);
	assert_string_equal(text, "50331648");
	gone("unified");
}

/* What one version cannot express is refused by name there. */
static void what_v2_lacks(void **state)
{
	(void)state;
	if (on_v1(CGROUP_MEMORY) || !available(CGROUP_MEMORY))
		skip();
	struct cgroup_limits swappiness = {.memory_swappiness = n(60)},
			     oom = {.oom_kill_disable = {true, true}},
			     zero = {.memory_swappiness = n(0)};
	struct err e = {0};
	struct cgroup g;
	assert_int_equal(cgroup_make(below("v2"), &swappiness, NULL, 0, &g, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.text, "swappiness"));
	assert_int_equal(cgroup_make(below("v2"), &oom, NULL, 0, &g, &e), -EOPNOTSUPP);
	assert_non_null(strstr(e.text, "OOM killer"));
	if (cgroup_host_limits_swap()) {
		CLEANUP_CGROUP struct cgroup none = made("v2", &zero);
		file_is(&none, CGROUP_MEMORY, NULL, NULL, "memory.swap.max", "0");
	}
	gone("v2");
}

static void processes_above(void **state)
{
	(void)state;
	if (!(cgroup_host_get()->v2_controllers & 1U << CGROUP_MEMORY))
		skip();
	struct cgroup_limits none = {0}, l = {.memory = n(64 << 20)};
	struct err e = {0};
	struct cgroup inner;
	CLEANUP_CGROUP struct cgroup g = made("above", &none);
	CLEANUP_FD int go = -1;
	pid_t pid = child_start(wait_for_ever, &go);
	must(cgroup_attach(&g, pid, &e), &e);
	assert_int_equal(cgroup_make(below("above/x/y"), &l, NULL, 0, &inner, &e), -EBUSY);
	assert_non_null(strstr(e.hint, "processes of its own"));
	must(cgroup_kill(&g, &e), &e);
	status_of(pid);
	gone("above");
}

static void in_use_is_not_replaced(void **state)
{
	(void)state;
	struct cgroup_limits l = {.pids = n(9)};
	struct err e = {0};
	struct cgroup again;
	CLEANUP_CGROUP struct cgroup g = made("twice", &l);
	CLEANUP_FD int go = -1;
	pid_t pid = child_start(wait_for_ever, &go);
	must(cgroup_attach(&g, pid, &e), &e);
	assert_int_equal(cgroup_make(below("twice"), &l, NULL, 0, &again, &e), -EEXIST);
	assert_int_equal(e.kind, ERR_CONFLICT);
	must(cgroup_kill(&g, &e), &e);
	status_of(pid);
	cgroup_close(&g);
	g = made("twice", &(struct cgroup_limits){0}); /* left over and empty: made anew */
	file_is(&g, CGROUP_PIDS, "pids.max", "max", "pids.max", "max");
	gone("twice");
}

static void bad_paths(void **state)
{
	(void)state;
	static const char *const paths[] = {"",         "/",        "hull/x", "/hull/../x",
					    "/hull//x", "/hull/x/", "/./x",   "/hull/a\nb"};
	char longest[300];
	struct err e;
	struct cgroup g;
	struct cgroup_limits none = {0};
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[299] = '\0';
	for (size_t i = 0; i <= ARRAY_LEN(paths); i++) {
		const char *path = i < ARRAY_LEN(paths) ? paths[i] : longest;
		assert_int_equal(cgroup_make(path, &none, NULL, 0, &g, &e), -EINVAL);
		/* "" is what has no group. */
		assert_int_equal(cgroup_open(path, &g, &e), i ? -EINVAL : -EACCES);
		assert_int_equal(cgroup_remove(path, &e), -EINVAL);
	}
}

enum { USER = 65534 };

static void delegated_body(void)
{
	char path[256], expected[128];
	struct err e = {0};
	struct cgroup g;
	snprintf(expected, sizeof(expected), "%s/deleg/hull", parent);
	if (setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0)
		_exit(1);
	if (cgroup_parent(path, sizeof(path), &e) < 0 || strcmp(path, expected) != 0)
		_exit(2);
	if (cgroup_open(path, &g, &e) != -ENOENT)
		_exit(3);
	_exit(0);
}

static void parent_of_a_user(void **state)
{
	(void)state;
	char path[64];
	struct err e = {0};
	must(cgroup_parent(path, sizeof(path), &e), &e);
	assert_string_equal(path, "/hull");
	if (cgroup_host_get()->v2 < 0)
		skip();
	struct cgroup_limits none = {0};
	CLEANUP_CGROUP struct cgroup above = made("deleg", &none);
	CLEANUP_CGROUP struct cgroup own = made("deleg/own", &none);
	static const char *const files[] = {".", "cgroup.procs", "cgroup.subtree_control"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		assert_int_equal(fchownat(above.v2, files[i], USER, USER, 0), 0);
	CLEANUP_FD int go = -1;
	pid_t pid = child_start(delegated_body, &go);
	must(cgroup_attach(&own, pid, &e), &e);
	fd_drop(&go);
	assert_int_equal(status_of(pid), 0);
	gone("deleg");
}

static int parent_remove(void **state)
{
	(void)state;
	struct err e;
	return cgroup_remove(parent, &e);
}

int main(void)
{
	if (geteuid() != 0 || cgroup_host_layout() == CGROUP_NONE)
		return 77;
	snprintf(parent, sizeof(parent), "/hull-test-%d", (int)getpid());
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_limit),         cmocka_unit_test(limits_rise_and_fall),
		cmocka_unit_test(life_of_processes),   cmocka_unit_test(enters_by_itself),
		cmocka_unit_test(killed_by_list),      cmocka_unit_test(groups_made_below),
		cmocka_unit_test(devices_refused),     cmocka_unit_test(out_of_memory),
		cmocka_unit_test(cpuset_joined_later), cmocka_unit_test(failure_leaves_nothing),
		cmocka_unit_test(unified_settings),    cmocka_unit_test(what_v2_lacks),
		cmocka_unit_test(processes_above),     cmocka_unit_test(in_use_is_not_replaced),
		cmocka_unit_test(bad_paths),           cmocka_unit_test(parent_of_a_user),
	};
	return cmocka_run_group_tests(tests, NULL, parent_remove);
}
