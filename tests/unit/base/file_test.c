/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, replacing and removing files. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/cleanup.h"

static void reads_whole_regular_files(void **state)
{
	struct scratch *s = *state;
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	char *text;
	size_t len;
	put_file(s->fd, "f", "12345");
	assert_int_equal(file_read(s->fd, "f", 5, &a, &text, &len, &e), 0);
	assert_string_equal(text, "12345");
	assert_int_equal(len, 5);
	assert_int_equal(file_read(s->fd, "f", 4, &a, &text, NULL, &e), -EFBIG);
	assert_int_equal(file_read(s->fd, "none", 5, &a, &text, NULL, &e), -ENOENT);
	assert_int_equal(file_read(s->fd, ".", 5, &a, &text, NULL, &e), -EINVAL);
	assert_int_equal(mkfifoat(s->fd, "fifo", 0600), 0);
	assert_int_equal(file_read(s->fd, "fifo", 5, &a, &text, NULL, &e), -EINVAL);
}

/* Files of /proc say that they are empty: they are read to their end all the same. */
static void reads_kernel_files_to_their_end(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	char *text;
	size_t len;
	/* Some 700 bytes for each mapping, ending in its flags. */
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/smaps", 1 << 20, &a, &text, &len, &e), 0);
	assert_true(len > 8192);
	assert_non_null(strstr(text + len - 100, "VmFlags:"));
	assert_int_equal(file_read(AT_FDCWD, "/proc/self/smaps", 5000, &a, &text, &len, &e),
			 -EFBIG);
}

static void small_files(void **state)
{
	struct scratch *s = *state;
	char buf[8];
	put_file(s->fd, "f", "12\n\n");
	assert_int_equal(file_read_small(s->fd, "f", buf, sizeof(buf)), 2);
	assert_string_equal(buf, "12");
	put_file(s->fd, "f", "123456789");
	assert_int_equal(file_read_small(s->fd, "f", buf, sizeof(buf)), 7);
	assert_string_equal(buf, "1234567");
	put_file(s->fd, "f", "");
	assert_int_equal(file_read_small(s->fd, "f", buf, sizeof(buf)), 0);
	assert_int_equal(file_read_small(s->fd, "none", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(file_write_small(s->fd, "none", "x"), -ENOENT);
	assert_int_equal(file_write_small(s->fd, "f", "x"), 0);
	assert_int_equal(file_read_small(s->fd, "f", buf, sizeof(buf)), 1);
}

static int count_entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void replacing_is_atomic_and_tidy(void **state)
{
	struct scratch *s = *state;
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	struct stat st;
	char *text, name[300];
	assert_int_equal(file_replace(s->fd, "f", "one", 3, false, &e), 0);
	assert_int_equal(file_replace(s->fd, "f", "two!", 4, false, &e), 0);
	assert_int_equal(file_read(s->fd, "f", 10, &a, &text, NULL, &e), 0);
	assert_string_equal(text, "two!");
	assert_int_equal(fstatat(s->fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* What stands in the way is a folder: the old state stays, nothing is left aside. */
	assert_int_equal(mkdirat(s->fd, "d", 0700), 0);
	assert_true(file_replace(s->fd, "d", "x", 1, false, &e) < 0);
	assert_int_equal(count_entries(s->path), 2);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(file_replace(s->fd, name, "x", 1, false, &e), -ENAMETOOLONG);
	/* A symbolic link is replaced, never written through. */
	put_file(s->fd, "target", "safe");
	assert_int_equal(symlinkat("target", s->fd, "link"), 0);
	assert_int_equal(file_replace(s->fd, "link", "new", 3, false, &e), 0);
	assert_int_equal(file_read(s->fd, "target", 10, &a, &text, NULL, &e), 0);
	assert_string_equal(text, "safe");
}

/* Who may write in the folder of a --cidfile could lie in wait there. */
static void what_lies_aside_is_written_into_only_if_reserved(void **state)
{
	struct scratch *s = *state;
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	struct stat before, after;
	char *text;
	put_file(s->fd, "victim", "safe");
	assert_int_equal(linkat(s->fd, "victim", s->fd, ".f.hull", 0), 0);
	assert_int_equal(file_replace(s->fd, "f", "new", 3, false, &e), 0);
	assert_int_equal(file_read(s->fd, "victim", 10, &a, &text, NULL, &e), 0);
	assert_string_equal(text, "safe");
	assert_int_equal(symlinkat("victim", s->fd, ".f.hull"), 0);
	assert_int_equal(file_replace(s->fd, "f", "newer", 5, false, &e), 0);
	assert_int_equal(mkfifoat(s->fd, ".f.hull", 0600), 0);
	assert_int_equal(file_replace(s->fd, "f", "newest", 6, false, &e), 0);
	assert_int_equal(file_read(s->fd, "f", 10, &a, &text, NULL, &e), 0);
	assert_string_equal(text, "newest");
	put_file(s->fd, ".f.hull", "0000000000");
	assert_int_equal(fstatat(s->fd, ".f.hull", &before, 0), 0);
	assert_int_equal(file_replace(s->fd, "f", "last", 4, true, &e), 0);
	assert_int_equal(fstatat(s->fd, "f", &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(file_read(s->fd, "f", 10, &a, &text, NULL, &e), 0);
	assert_string_equal(text, "last");
	assert_int_equal(count_entries(s->path), 2);
}

static void a_file_has_no_name_before_it_is_published(void **state)
{
	struct scratch *s = *state;
	int at = s->fd;
	assert_int_equal(mkdirat(at, "unnamed", 0755), 0);
	for (int round = 0; round < 2; round++) { /* the second replaces */
		CLEANUP_FD int fd = file_unnamed(at, "unnamed/file", "unnamed/aside");
		assert_true(fd >= 0);
		assert_int_equal(write(fd, "12", (size_t)round + 1), round + 1);
		assert_int_equal(file_publish(fd, at, "unnamed/file", "unnamed/aside"), 0);
		struct stat st;
		assert_int_equal(fstatat(at, "unnamed/file", &st, 0), 0);
		assert_int_equal(st.st_size, round + 1);
		assert_false(file_exists(at, "unnamed/aside"));
	}
	/* Named from the start, as where a file system has nothing else. */
	CLEANUP_FD int fd = openat(at, "unnamed/aside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(file_publish(fd, at, "unnamed/file", "unnamed/aside"), 0);
	assert_false(file_exists(at, "unnamed/aside"));
	fd_drop(&fd);
	fd = file_unnamed(at, "unnamed/file", "unnamed/aside");
	assert_int_equal(unlinkat(at, "unnamed/file", 0), 0);
	assert_int_equal(mkdirat(at, "unnamed/file", 0755), 0);
	assert_int_equal(file_publish(fd, at, "unnamed/file", "unnamed/aside"), -EISDIR);
	assert_false(file_exists(at, "unnamed/aside"));
	assert_true(file_unnamed(at, "none/file", "none/aside") < 0);
}

static void folders_are_made(void **state)
{
	struct scratch *s = *state;
	struct err e;
	char path[5000];
	assert_int_equal(dir_make(s->fd, "a/b/c", 0750, &e), 0);
	assert_int_equal(dir_make(s->fd, "a/b/c/", 0750, &e), 0);
	snprintf(path, sizeof(path), "%s/x//y", s->path);
	assert_int_equal(dir_make(AT_FDCWD, path, 0700, &e), 0);
	assert_true(file_exists(s->fd, "x/y"));
	put_file(s->fd, "file", "");
	assert_int_equal(dir_make(s->fd, "file/sub", 0700, &e), -ENOTDIR);
	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(dir_make(s->fd, path, 0700, &e), -ENAMETOOLONG);
	int fd = dir_open(s->fd, "a/b", &e);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(dir_open(s->fd, "file", &e), -ENOTDIR);
}

static void removes_trees_without_following(void **state)
{
	struct scratch *s = *state;
	struct err e;
	assert_int_equal(dir_make(s->fd, "outside", 0700, &e), 0);
	put_file(s->fd, "outside/keep", "x");
	assert_int_equal(dir_make(s->fd, "t/a/b", 0700, &e), 0);
	put_file(s->fd, "t/a/f", "x");
	assert_int_equal(symlinkat("../../outside", s->fd, "t/a/link"), 0);
	assert_int_equal(symlinkat("outside", s->fd, "toplink"), 0);
	assert_int_equal(mkfifoat(s->fd, "t/fifo", 0600), 0);
	assert_int_equal(tree_remove(s->fd, "t", &e), 0);
	assert_int_equal(tree_remove(s->fd, "toplink", &e), 0);
	assert_int_equal(tree_remove(s->fd, "t", &e), 0);
	assert_false(file_exists(s->fd, "t"));
	assert_false(file_exists(s->fd, "toplink"));
	assert_true(file_exists(s->fd, "outside/keep"));
}

/* A container can nest folders deeper than any stack or descriptor table. */
static void removes_very_deep_trees(void **state)
{
	struct scratch *s = *state;
	struct err e;
	struct rlimit old, few = {64, 64};
	int at = dup(s->fd);
	assert_int_equal(mkdirat(at, "deep", 0700), 0);
	int next = openat(at, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(at);
	at = next;
	for (int i = 0; i < 3000; i++) {
		put_file(at, "file", "x");
		assert_int_equal(mkdirat(at, "d", 0700), 0);
		assert_int_equal(mkdirat(at, "e", 0700), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	close(at);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	int r = tree_remove(s->fd, "deep", &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(r, 0);
	assert_false(file_exists(s->fd, "deep"));
}

/* A mount below stays untouched: removing stops there. */
static void does_not_leave_the_file_system(void **state)
{
	struct scratch *s = *state;
	struct err e;
	char path[256];
	need_root();
	assert_int_equal(dir_make(s->fd, "t/m", 0700, &e), 0);
	snprintf(path, sizeof(path), "%s/t/m", s->path);
	if (mount("none", path, "tmpfs", 0, "size=64k") < 0)
		skip();
	put_file(s->fd, "t/m/keep", "x");
	int r = tree_remove(s->fd, "t", &e);
	bool kept = file_exists(s->fd, "t/m/keep");
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_true(r < 0);
	assert_true(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(reads_whole_regular_files),
		cmocka_unit_test(reads_kernel_files_to_their_end),
		scratch_test(small_files),
		scratch_test(replacing_is_atomic_and_tidy),
		scratch_test(what_lies_aside_is_written_into_only_if_reserved),
		scratch_test(a_file_has_no_name_before_it_is_published),
		scratch_test(folders_are_made),
		scratch_test(removes_trees_without_following),
		scratch_test(removes_very_deep_trees),
		scratch_test(does_not_leave_the_file_system),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
