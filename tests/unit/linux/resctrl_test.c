/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of resctrl, in a folder that looks like a mount of it: mkdirat() and unlinkat() of this
 * program make and remove the files of a group with it, as the kernel does. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/resctrl.h"

static const char *const files[] = {"tasks", "schemata"};
static bool refuse_files; /* a kernel that makes groups without a way in */

int mkdirat(int dir, const char *path, mode_t mode)
{
	char name[600];
	if (syscall(SYS_mkdirat, dir, path, mode) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(files) && !refuse_files; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, files[i]);
		close(openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	}
	snprintf(name, sizeof(name), "%s/mon_groups", path);
	syscall(SYS_mkdirat, dir, name, 0755);
	return 0;
}

int unlinkat(int dir, const char *path, int flags)
{
	char name[600];
	for (size_t i = 0; i < ARRAY_LEN(files) && flags & AT_REMOVEDIR; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, files[i]);
		syscall(SYS_unlinkat, dir, name, 0);
	}
	if (flags & AT_REMOVEDIR) {
		snprintf(name, sizeof(name), "%s/mon_groups/c1", path);
		if (!strstr(path, "mon_groups") && file_exists(dir, name))
			unlinkat(dir, name, AT_REMOVEDIR);
		snprintf(name, sizeof(name), "%s/mon_groups", path);
		syscall(SYS_unlinkat, dir, name, AT_REMOVEDIR);
	}
	return (int)syscall(SYS_unlinkat, dir, path, flags);
}

static char folder[] = "/tmp/resctrl.XXXXXX";
static int mount = -1;

static int set_up(void **state)
{
	(void)state;
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	mount = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(mount, "info", 0755);
	mkdirat(mount, "mon_groups", 0755);
	close(openat(mount, "tasks", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	close(openat(mount, "schemata", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	return 0;
}

static int tear_down(void **state)
{
	struct err e;
	(void)state;
	close(mount);
	refuse_files = false;
	return tree_remove(AT_FDCWD, folder, &e);
}

static void assert_holds(const char *path, const char *want)
{
	char text[256];
	assert_true(file_read_small(mount, path, text, sizeof(text)) >= 0);
	assert_string_equal(text, want);
}

static struct strv lines = {(char *[]){"L2:0=f", "MB:0=50"}, 2, 2};

static void own_group(void **state)
{
	(void)state;
	struct err e;
	CLEANUP_RESCTRL struct resctrl r = RESCTRL_CLOSED;
	struct resctrl_wish w = {
		.id = "c1", .l3 = "L3:0=ff", .bandwidth = "MB:0=20", .more = &lines};
	assert_int_equal(resctrl_check(mount, &w, &e), 0);
	assert_int_equal(resctrl_make(mount, &w, &r, &e), 0);
	assert_holds("c1/schemata", "L3:0=ff\nMB:0=20\nL2:0=f\nMB:0=50");
	assert_int_equal(resctrl_enter(&r, &e), 0);
	assert_holds("c1/tasks", "0");
	assert_int_equal(r.tasks[1], -1);
	/* Another's of that name is left alone. */
	assert_int_equal(resctrl_check(mount, &w, &e), -EEXIST);
	CLEANUP_RESCTRL struct resctrl second = RESCTRL_CLOSED;
	assert_int_equal(resctrl_make(mount, &w, &second, &e), -EEXIST);
	assert_true(file_exists(mount, "c1/tasks"));
	assert_int_equal(resctrl_open(mount, &w, &second, &e), 0);
	assert_true(second.tasks[0] >= 0);
	assert_int_equal(resctrl_remove(mount, &w, &e), 0);
	assert_false(file_exists(mount, "c1"));
	assert_int_equal(resctrl_remove(mount, &w, &e), 0);
}

static void own_group_without_shares(void **state)
{
	(void)state;
	struct err e;
	CLEANUP_RESCTRL struct resctrl r = RESCTRL_CLOSED;
	struct resctrl_wish w = {.id = "c1", .clos = "", .monitor = true};
	assert_int_equal(resctrl_make(mount, &w, &r, &e), 0);
	assert_holds("c1/schemata", "");
	assert_int_equal(resctrl_enter(&r, &e), 0);
	assert_holds("c1/tasks", "0");
	assert_holds("c1/mon_groups/c1/tasks", "0");
	assert_int_equal(resctrl_remove(mount, &w, &e), 0);
	assert_false(file_exists(mount, "c1"));
}

static void named_group(void **state)
{
	(void)state;
	struct err e;
	CLEANUP_RESCTRL struct resctrl r = RESCTRL_CLOSED;
	struct resctrl_wish w = {.id = "c1", .clos = "gold"};
	/* Without shares it must be there. */
	assert_int_equal(resctrl_check(mount, &w, &e), -ENOENT);
	assert_non_null(strstr(e.text, "gold"));
	assert_true(resctrl_make(mount, &w, &r, &e) < 0);
	assert_false(file_exists(mount, "gold"));
	w.l3 = "L3:0=0ff;1=f";
	assert_int_equal(resctrl_check(mount, &w, &e), 0);
	assert_int_equal(resctrl_make(mount, &w, &r, &e), 0);
	assert_holds("gold/schemata", w.l3);
	/* It stays, and only its monitoring group is the container's. */
	w.monitor = true;
	w.l3 = NULL;
	CLEANUP_RESCTRL struct resctrl second = RESCTRL_CLOSED;
	assert_int_equal(resctrl_make(mount, &w, &second, &e), 0);
	assert_int_equal(resctrl_check(mount, &w, &e), -EEXIST);
	assert_non_null(strstr(e.text, "gold/mon_groups/c1"));
	assert_int_equal(resctrl_remove(mount, &w, &e), 0);
	assert_false(file_exists(mount, "gold/mon_groups/c1"));
	assert_true(file_exists(mount, "gold/tasks"));
	/* "/" is the default one. */
	w.clos = "/";
	CLEANUP_RESCTRL struct resctrl third = RESCTRL_CLOSED;
	assert_int_equal(resctrl_make(mount, &w, &third, &e), 0);
	assert_int_equal(resctrl_enter(&third, &e), 0);
	assert_holds("tasks", "0");
	assert_holds("mon_groups/c1/tasks", "0");
	assert_int_equal(resctrl_remove(mount, &w, &e), 0);
	assert_false(file_exists(mount, "mon_groups/c1"));
	assert_true(file_exists(mount, "tasks"));
}

/* The kernel writes the same shares in another way. */
static void shares_of_a_group_that_is_there(void **state)
{
	(void)state;
	struct err e;
	static const struct {
		const char *l3, *bandwidth;
		int result;
	} cases[] = {
		{"L3:0=ff;1=7f0", NULL, 0},
		{"L3:1=7f0", "MB:0=20", 0},
		{"L3:0=00ff", "MB:1=100;0=20", 0},
		{"L3:0=fe", NULL, -EINVAL},
		{"L3:2=ff", NULL, -EINVAL},
		{"L3CODE:0=ff", NULL, -EINVAL},
		{"L3", NULL, -EINVAL},
		{"L3:", NULL, -EINVAL},
		{NULL, "MB:0=30", -EINVAL},
	};
	mkdirat(mount, "gold", 0755);
	file_write_small(mount, "gold/schemata", "    L3:0=00ff;1=07f0\n    MB:0= 20;1=100\n");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_RESCTRL struct resctrl r = RESCTRL_CLOSED;
		struct resctrl_wish w = {.id = "c1",
					 .clos = "gold",
					 .l3 = cases[i].l3,
					 .bandwidth = cases[i].bandwidth};
		assert_int_equal(resctrl_make(mount, &w, &r, &e), cases[i].result);
		if (cases[i].result)
			assert_non_null(strstr(e.text, "group gold is there"));
	}
	/* Further lines are written. */
	CLEANUP_RESCTRL struct resctrl r = RESCTRL_CLOSED;
	struct resctrl_wish w = {.id = "c1", .clos = "gold", .more = &lines};
	assert_int_equal(resctrl_make(mount, &w, &r, &e), 0);
	char text[256];
	file_read_small(mount, "gold/schemata", text, sizeof(text));
	assert_int_equal(strncmp(text, "L2:0=f\nMB:0=50\n", 15), 0);
}

static void words(void **state)
{
	(void)state;
	struct err e;
	const struct resctrl_wish wrong[] = {
		{.id = "c1", .clos = "../x", .l3 = "L3:0=f"},
		{.id = "c1", .clos = "a/b", .l3 = "L3:0=f"},
		{.id = "c1", .clos = "..", .l3 = "L3:0=f"},
		{.id = "c1", .l3 = "L3:0=f\nMB:0=1"},
		{.id = "c1", .bandwidth = "L3:0=f"},
		{.id = "c1", .more = &(struct strv){(char *[]){"L2:0=f\n"}, 1, 1}},
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(resctrl_check(mount, &wrong[i], &e), -EINVAL);
		assert_int_equal(strncmp(e.text, "intelRdt.", 9), 0);
	}
}

static void failures_leave_nothing(void **state)
{
	(void)state;
	struct err e;
	CLEANUP_RESCTRL struct resctrl r = RESCTRL_CLOSED;
	struct resctrl_wish w = {.id = "c1", .l3 = "L3:0=f", .monitor = true};
	int fd = openat(mount, "info/last_cmd_status", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	dprintf(fd, "mask has too few bits\n");
	close(fd);
	refuse_files = true;
	assert_int_equal(resctrl_make(mount, &w, &r, &e), -ENOENT);
	assert_non_null(strstr(e.hint, "mask has too few bits"));
	assert_false(file_exists(mount, "c1"));
	w.clos = "/";
	w.l3 = NULL;
	assert_int_equal(resctrl_make(mount, &w, &r, &e), -ENOENT);
	assert_false(file_exists(mount, "mon_groups/c1"));
}

static void update(void **state)
{
	(void)state;
	struct err e;
	struct resctrl_wish w = {.id = "c1", .l3 = "L3:0=3", .bandwidth = "MB:0=40"};
	assert_int_equal(resctrl_update(mount, &w, &e), -ENOENT);
	mkdirat(mount, "c1", 0755);
	assert_int_equal(resctrl_update(mount, &w, &e), 0);
	assert_holds("c1/schemata", "L3:0=3\nMB:0=40");
	w.bandwidth = "nonsense";
	assert_int_equal(resctrl_update(mount, &w, &e), -EINVAL);
}

int main(void)
{
#define CASE(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(own_group),   CASE(own_group_without_shares),
		CASE(named_group), CASE(shares_of_a_group_that_is_there),
		CASE(words),       CASE(failures_leave_nothing),
		CASE(update),
	};
	return cmocka_run_group_tests_name("resctrl", tests, NULL, NULL);
}
