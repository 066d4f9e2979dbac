/* SPDX-License-Identifier: Apache-2.0 */
/* Paths in a foreign root: nothing may lead out of it. */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "base/path.h"

/* <scratch>/root is the root; <scratch>/canary lies outside of it. */
static int make_root(struct scratch *s)
{
	struct err e;
	assert_int_equal(dir_make(s->fd, "root/etc", 0755, &e), 0);
	assert_int_equal(dir_make(s->fd, "canary", 0755, &e), 0);
	put_file(s->fd, "canary/file", "outside");
	put_file(s->fd, "root/etc/passwd", "inside");
	int fd = openat(s->fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void links_resolve_inside(void **state)
{
	struct scratch *s = *state;
	int root = make_root(s);
	char buf[8] = "", target[256];
	assert_int_equal(symlinkat("/etc", root, "abs"), 0);
	assert_int_equal(symlinkat("../../../../../../etc", root, "up"), 0);
	snprintf(target, sizeof(target), "%s/canary/file", s->path);
	assert_int_equal(symlinkat(target, root, "out"), 0);
	static const char *const inside[] = {"/etc/passwd", "etc/passwd", "abs/passwd", "up/passwd",
					     "../../../etc/passwd", "abs/../etc/./passwd"};
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		int fd = path_open_in_root(root, inside[i], O_RDONLY, 0);
		assert_true(fd >= 0);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(read(fd, buf, 6), 6);
		assert_memory_equal(buf, "inside", 6);
		close(fd);
	}
	assert_int_equal(path_open_in_root(root, "out", O_RDONLY, 0), -ENOENT);
	assert_int_equal(path_open_in_root(root, "../canary/file", O_RDONLY, 0), -ENOENT);
	close(root);
}

static void magic_links_are_refused(void **state)
{
	(void)state;
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(path_open_in_root(root, "/proc/self/root", O_RDONLY, 0), -ELOOP);
	assert_int_equal(path_open_in_root(root, "/proc/self/cwd/x", O_RDONLY, 0), -ELOOP);
	close(root);
}

static void files_are_made_inside(void **state)
{
	struct scratch *s = *state;
	int root = make_root(s);
	char target[256];
	snprintf(target, sizeof(target), "%s/canary", s->path);
	assert_int_equal(symlinkat(target, root, "out"), 0);
	int fd = path_open_in_root(root, "out/new", O_WRONLY | O_CREAT, 0644);
	assert_true(fd < 0);
	assert_false(file_exists(s->fd, "canary/new"));
	close(root);
}

static void folders_are_made_inside(void **state)
{
	struct scratch *s = *state;
	struct err e;
	struct stat st;
	int root = make_root(s);
	assert_int_equal(symlinkat("../../..", root, "up"), 0);
	assert_int_equal(symlinkat("/etc", root, "abs"), 0);
	int fd = path_make_dirs_in_root(root, "/a/b/c", 0, 0, &e);
	assert_true(fd >= 0);
	close(fd);
	assert_true(file_exists(root, "a/b/c"));
	fd = path_make_dirs_in_root(root, "abs/new", 0, 0, &e);
	assert_true(fd >= 0);
	close(fd);
	assert_true(file_exists(root, "etc/new"));
	fd = path_make_dirs_in_root(root, "up/canary/x", 0, 0, &e);
	assert_true(fd >= 0);
	close(fd);
	assert_true(file_exists(root, "canary/x"));
	assert_false(file_exists(s->fd, "canary/x"));
	fd = path_make_dirs_in_root(root, "/", 0, 0, &e);
	assert_true(fd >= 0);
	close(fd);
	if (geteuid() == 0) {
		fd = path_make_dirs_in_root(root, "/a/owned/by", 12, 34, &e);
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_uid, 12);
		assert_int_equal(st.st_gid, 34);
		assert_int_equal(st.st_mode & 07777, 0755);
		close(fd);
		assert_int_equal(fstatat(root, "a", &st, 0), 0);
		assert_int_equal(st.st_uid, 0);
	}
	close(root);
}

static void folders_in_the_way(void **state)
{
	struct scratch *s = *state;
	struct err e;
	char target[256], *big = malloc(6001);
	int root = make_root(s);
	snprintf(target, sizeof(target), "%s/canary/made", s->path);
	assert_int_equal(symlinkat(target, root, "dangling"), 0);
	assert_true(path_make_dirs_in_root(root, "dangling", 0, 0, &e) < 0);
	assert_true(path_make_dirs_in_root(root, "dangling/x", 0, 0, &e) < 0);
	assert_false(file_exists(s->fd, "canary/made"));
	assert_int_equal(path_make_dirs_in_root(root, "etc/passwd/x", 0, 0, &e), -ENOTDIR);
	assert_int_equal(symlinkat("loop", root, "loop"), 0);
	assert_int_equal(path_make_dirs_in_root(root, "loop/x", 0, 0, &e), -ELOOP);
	memset(big, 'n', 6000);
	big[6000] = '\0';
	assert_int_equal(path_make_dirs_in_root(root, big, 0, 0, &e), -ENAMETOOLONG);
	big[300] = '\0';
	assert_int_equal(path_make_dirs_in_root(root, big, 0, 0, &e), -ENAMETOOLONG);
	for (int i = 0; i < 6000; i++)
		big[i] = i % 2 ? 'd' : '/';
	assert_int_equal(path_make_dirs_in_root(root, big, 0, 0, &e), -ENAMETOOLONG);
	free(big);
	close(root);
}

static void mount_targets_are_files_or_what_is_there(void **state)
{
	struct scratch *s = *state;
	struct err e;
	struct stat st;
	int root = make_root(s);
	int fd = path_make_file_in_root(root, "/run/x/file", &e);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	close(fd);
	fd = path_make_file_in_root(root, "top", &e);
	assert_true(fd >= 0);
	close(fd);
	assert_true(file_exists(root, "top"));
	assert_int_equal(symlinkat("/etc/passwd", root, "link"), 0);
	fd = path_make_file_in_root(root, "/link", &e);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 6);
	close(fd);
	assert_true(path_make_file_in_root(root, "/etc/new/..", &e) < 0);
	assert_true(path_make_file_in_root(root, "/etc/passwd/x", &e) < 0);
	close(root);
}

/* As images have them: /etc/resolv.conf points into a /run that is empty until something mounts there. */
static void dangling_links_lead_to_their_target(void **state)
{
	struct scratch *s = *state;
	struct err e;
	struct stat made, there;
	char target[256];
	int root = make_root(s);
	snprintf(target, sizeof(target), "%s/canary/made", s->path);
	assert_int_equal(symlinkat(target, root, "etc/resolv.conf"), 0);
	assert_int_equal(symlinkat("etc/../etc/resolv.conf", root, "relative"), 0);
	int fd = path_make_file_in_root(root, "relative", &e);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &made), 0);
	assert_true(S_ISREG(made.st_mode));
	assert_int_equal(fstatat(root, target + 1, &there, 0), 0);
	assert_int_equal(made.st_ino, there.st_ino);
	assert_false(file_exists(s->fd, "canary/made"));
	close(fd);
	assert_int_equal(symlinkat("b", root, "a"), 0);
	assert_int_equal(symlinkat("a", root, "b"), 0);
	assert_int_equal(path_make_file_in_root(root, "a", &e), -ELOOP);
	close(root);
}

static void cleaning(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	static const char *const table[][2] = {
		{"", "/"},	      {"/", "/"},	     {"//", "/"},
		{".", "/"},	      {"..", "/"},	     {"/..", "/"},
		{"a", "/a"},	      {"/a/", "/a"},	     {"/a//b/../c/.", "/a/c"},
		{"/../../a", "/a"},   {"/a/../..", "/"},     {"/a/...", "/a/..."},
		{"/.a/..b", "/.a/..b"}, {"a/b/../../../c", "/c"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(path_clean(&a, table[i][0]), table[i][1]);
}

static void names_and_components(void **state)
{
	(void)state;
	static const char *const good[] = {"a", "0", "web", "a.b-c_d", "A9"};
	static const char *const bad[] = {"",	 ".",	"..",  "-x",   "_x", ".x", "a/b", "../x",
					  "a\nb", "a b", "a\x7f", "\xc3\xa4", "a:b"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(name_is_valid(good[i], 128));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(name_is_valid(bad[i], 128));
	assert_true(name_is_valid("abcd", 4));
	assert_false(name_is_valid("abcde", 4));
	assert_true(path_is_component("..."));
	assert_true(path_is_component(" "));
	assert_true(path_is_component("\xc3\xa4"));
	assert_false(path_is_component(""));
	assert_false(path_is_component("."));
	assert_false(path_is_component(".."));
	assert_false(path_is_component("a/b"));
	assert_false(path_is_component("a\n"));
	assert_false(path_is_component("\x7f"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(links_resolve_inside),
		cmocka_unit_test(magic_links_are_refused),
		scratch_test(files_are_made_inside),
		scratch_test(folders_are_made_inside),
		scratch_test(folders_in_the_way),
		scratch_test(mount_targets_are_files_or_what_is_there),
		scratch_test(dangling_links_lead_to_their_target),
		cmocka_unit_test(cleaning),
		cmocka_unit_test(names_and_components),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
