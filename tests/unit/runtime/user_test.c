/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups of an image: passwd and group as foreign text, and the lookup. */
#include <fcntl.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "runtime/runtime.h"
#include "runtime/user_file.h"

static const char passwd[] = "# comment\n\nbroken\n:x:7:7::/:\nroot:x:0:0:root:/root:/bin/sh\n"
			     "big:x:2147483648:1::/big:\nneg:x:-1:1::/:\nshort:x:5:6\n"
			     "bob:x:1000:1001:Bob,,:/home/bob:/bin/sh\nbob:x:1:1::/second:\n"
			     "1234:x:0:0::/evil:/bin/sh\nlast:x:9:9::/last:/bin/sh";
static const char group[] =
	"root:x:0:\nbob:x:1001:\nwheel:x:10:root,bob\nx:x:11:bobby,bo\n"
	"audio:x:29:bob\nagain:x:29:bob\nbad:x:y:bob\nempty:x:30:,,\n777:x:0:bob\n"
	"end:x:31:bob";

static void finds_the_first_entry(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct user_entry u = {0};
	assert_true(user_file_find(passwd, "bob", 0, &a, &u));
	assert_int_equal(u.uid, 1000);
	assert_int_equal(u.gid, 1001);
	assert_string_equal(u.home, "/home/bob");
	assert_true(user_file_find(passwd, NULL, 9, &a, &u));
	assert_string_equal(u.name, "last");
	assert_true(user_file_find(passwd, "short", 0, &a, &u));
	assert_string_equal(u.home, "");
	u.name = NULL;
	assert_false(user_file_find(passwd, "big", 0, &a, &u));
	assert_false(user_file_find(passwd, "neg", 0, &a, &u));
	assert_false(user_file_find(passwd, "broken", 0, &a, &u));
	assert_false(user_file_find(passwd, "bo", 0, &a, &u));
	assert_false(user_file_find(passwd, "", 0, &a, &u));
	assert_false(user_file_find(passwd, NULL, 7, &a, &u));
	assert_false(user_file_find("", "bob", 0, &a, &u));
	assert_null(u.name);
}

static void finds_groups(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct group_list list = {0};
	int64_t gid = -7;
	assert_true(group_file_find(group, "wheel", &gid));
	assert_int_equal(gid, 10);
	assert_false(group_file_find(group, "bad", &gid));
	assert_false(group_file_find(group, "whee", &gid));
	assert_int_equal(gid, 10);
	group_file_members(group, "bob", &a, &list);
	assert_int_equal(list.count, 4);
	assert_int_equal(list.items[0].value, 10);
	assert_int_equal(list.items[1].value, 29);
	assert_int_equal(list.items[2].value, 0);
	assert_int_equal(list.items[3].value, 31);
	struct group_list none = {0};
	group_file_members(group, "", &a, &none);
	group_file_members("", "bob", &a, &none);
	assert_int_equal(none.count, 0);
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void looks_up(void **state)
{
	(void)state;
	char base[] = "/tmp/user-test-XXXXXX", command[64];
	assert_non_null(mkdtemp(base));
	CLEANUP_FD int root = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(root, "etc", 0755), 0);
	write_file(base, "etc/passwd", passwd);
	write_file(base, "etc/group", group);
	static const struct {
		const char *user;
		int result;
		int64_t uid, gid;
		const char *home;
		size_t groups;
	} cases[] = {
		{"", 0, 0, 0, "/root", 1},
		{"root", 0, 0, 0, "/root", 1},
		{"bob", 0, 1000, 1001, "/home/bob", 4},
		{"1000", 0, 1000, 1001, "/home/bob", 4},
		{"bob:wheel", 0, 1000, 10, "/home/bob", 0},
		{"bob:", 0, 1000, 1001, "/home/bob", 4},
		{"bob:123", 0, 1000, 123, "/home/bob", 0},
		{":wheel", 0, 0, 10, "/root", 0},
		{"1234", 0, 1234, 0, "", 0},        /* never the name */
		{"1:777", 0, 1, 777, "/second", 0}, /* never the name */
		{"2147483647", 0, INT32_MAX, 0, "", 0},
		{"2147483648", -EINVAL, 0, 0, "", 0},
		{"4294967295", -EINVAL, 0, 0, "", 0},
		{"4294967296", -EINVAL, 0, 0, "", 0},
		{"99999999999999999999999", -EINVAL, 0, 0, "", 0},
		{"-1", -EINVAL, 0, 0, "", 0},
		{"+1", -EINVAL, 0, 0, "", 0},
		{"1:-1", -EINVAL, 0, 0, "", 0},
		{"0x1", -ENOENT, 0, 0, "", 0},
		{"1 ", -ENOENT, 0, 0, "", 0},
		{"nosuch", -ENOENT, 0, 0, "", 0},
		{"bob:nosuch", -ENOENT, 0, 0, "", 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct oci_user u = {.uid = -7};
		struct err e = {0};
		char *home = NULL;
		assert_int_equal(runtime_lookup_user(root, cases[i].user, NULL, &a, &u, &home, &e),
				 cases[i].result);
		if (cases[i].result < 0) {
			assert_int_equal(u.uid, -7);
			continue;
		}
		assert_int_equal(u.uid, cases[i].uid);
		assert_int_equal(u.gid, cases[i].gid);
		assert_string_equal(home, cases[i].home);
		assert_int_equal(u.additional_gids.count, cases[i].groups);
	}
	snprintf(command, sizeof(command), "rm -rf %s", base);
	assert_int_equal(system(command), 0);
}

static void explains_what_is_wrong(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(runtime_explain_exec("/nonexistent/x", ENOENT, &e), -ENOENT);
	assert_int_equal(e.kind, ERR_NO_COMMAND);
	assert_int_equal(runtime_explain_exec("/tmp", EACCES, &e), -EACCES);
	assert_int_equal(e.kind, ERR_NOT_EXECUTABLE);
	assert_non_null(strstr(e.text, "is a directory"));
	assert_int_equal(runtime_explain_exec("/etc/passwd", E2BIG, &e), -E2BIG);
	assert_int_equal(e.kind, ERR_NOT_EXECUTABLE);
	assert_int_equal(runtime_explain_exec("/etc/passwd", ENOEXEC, &e), -ENOEXEC);
	assert_non_null(strstr(e.text, "does not begin with #!"));
	assert_int_equal(runtime_explain_exec("/dev/zero", ENOEXEC, &e), -ENOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_first_entry),
		cmocka_unit_test(finds_groups),
		cmocka_unit_test(looks_up),
		cmocka_unit_test(explains_what_is_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
