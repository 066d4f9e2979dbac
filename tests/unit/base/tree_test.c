/* SPDX-License-Identifier: Apache-2.0 */
/* Copying trees with everything in them, and measuring. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/tree.h"

struct pair {
	int from, to;
};

static struct pair open_pair(struct scratch *s)
{
	struct err e;
	assert_int_equal(dir_make(s->fd, "from", 0755, &e), 0);
	assert_int_equal(dir_make(s->fd, "to", 0700, &e), 0);
	return (struct pair){dir_open(s->fd, "from", &e), dir_open(s->fd, "to", &e)};
}

static void close_pair(struct pair p)
{
	close(p.from);
	close(p.to);
}

static struct stat stat_of(int dir, const char *name)
{
	struct stat st;
	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void everything_is_kept(void **state)
{
	need_root();
	struct pair p = open_pair(*state);
	struct err e;
	char buf[64];
	struct timespec times[2] = {{1000, 5}, {2000, 7}};
	put_file(p.from, "file", "hello");
	assert_int_equal(fchownat(p.from, "file", 5, 6, 0), 0);
	assert_int_equal(fchmodat(p.from, "file", 04751, 0), 0);
	assert_int_equal(utimensat(p.from, "file", times, 0), 0);
	assert_int_equal(mkdirat(p.from, "dir", 0700), 0);
	assert_int_equal(fchmodat(p.from, "dir", 01777, 0), 0);
	put_file(p.from, "dir/inner", "x");
	assert_int_equal(utimensat(p.from, "dir", times, 0), 0);
	assert_int_equal(symlinkat("/nowhere", p.from, "link"), 0);
	assert_int_equal(fchownat(p.from, "link", 8, 9, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(mkfifoat(p.from, "fifo", 0640), 0);
	assert_int_equal(fchownat(p.from, ".", 11, 12, AT_SYMLINK_NOFOLLOW), 0);
	bool device = mknodat(p.from, "null", S_IFCHR | 0666, makedev(1, 3)) == 0;

	assert_int_equal(tree_copy(p.from, p.to, &e), 0);
	struct stat st = stat_of(p.to, "file");
	assert_true(st.st_uid == 5 && st.st_gid == 6 && (st.st_mode & 07777) == 04751);
	assert_true(st.st_size == 5 && st.st_mtim.tv_sec == 2000 && st.st_mtim.tv_nsec == 7);
	st = stat_of(p.to, "dir");
	assert_true((st.st_mode & 07777) == 01777 && st.st_mtim.tv_sec == 2000);
	st = stat_of(p.to, "dir/inner");
	assert_int_equal(st.st_size, 1);
	st = stat_of(p.to, "link");
	assert_true(S_ISLNK(st.st_mode) && st.st_uid == 8 && st.st_gid == 9);
	assert_int_equal(readlinkat(p.to, "link", buf, sizeof(buf)), 8);
	st = stat_of(p.to, "fifo");
	assert_true(S_ISFIFO(st.st_mode) && (st.st_mode & 07777) == 0640);
	st = stat_of(p.to, ".");
	assert_true(st.st_uid == 11 && st.st_gid == 12 && (st.st_mode & 07777) == 0755);
	if (device) {
		st = stat_of(p.to, "null");
		assert_true(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
	}
	close_pair(p);
}

static void extended_attributes_are_kept(void **state)
{
	struct scratch *s = *state;
	struct pair p = open_pair(s);
	struct err e;
	char path[256], name[64], value[64];
	put_file(p.from, "file", "hello");
	snprintf(path, sizeof(path), "%s/from/file", s->path);
	if (setxattr(path, "user.first", "1", 1, 0) < 0) {
		close_pair(p);
		skip();
	}
	/* More names than a page holds. */
	int count = 0;
	for (; count < 300; count++) {
		snprintf(name, sizeof(name), "user.a-rather-long-name-of-an-attribute-%d", count);
		if (setxattr(path, name, "v", 1, 0) < 0)
			break;
	}
	setxattr(path, "trusted.overlay.opaque", "y", 1, 0);
	assert_int_equal(tree_copy(p.from, p.to, &e), 0);
	snprintf(path, sizeof(path), "%s/to/file", s->path);
	assert_int_equal(getxattr(path, "user.first", value, sizeof(value)), 1);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "user.a-rather-long-name-of-an-attribute-%d", i);
		assert_int_equal(getxattr(path, name, value, sizeof(value)), 1);
	}
	assert_true(getxattr(path, "trusted.overlay.opaque", value, sizeof(value)) < 0);
	close_pair(p);
}

static void holes_stay_holes(void **state)
{
	struct pair p = open_pair(*state);
	struct err e;
	char c;
	int fd = openat(p.from, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(pwrite(fd, "a", 1, 0), 1);
	assert_int_equal(pwrite(fd, "z", 1, 200 << 20), 1);
	assert_int_equal(ftruncate(fd, 300 << 20), 0);
	close(fd);
	put_file(p.from, "empty", "");
	assert_int_equal(tree_copy(p.from, p.to, &e), 0);
	struct stat st = stat_of(p.to, "sparse");
	assert_int_equal(st.st_size, 300 << 20);
	assert_true(st.st_blocks * 512 < 1 << 20);
	fd = openat(p.to, "sparse", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, &c, 1, 200 << 20), 1);
	assert_int_equal(c, 'z');
	close(fd);
	st = stat_of(p.to, "empty");
	assert_int_equal(st.st_size, 0);
	close_pair(p);
}

/* Between file systems copy_file_range(2) may refuse: a volume is filled from an overlay. */
static void copies_between_file_systems(void **state)
{
	need_root();
	struct scratch *s = *state;
	struct err e;
	char path[256], *big = malloc(3000000), *got = malloc(3000000);
	struct pair p = open_pair(s);
	close(p.from);
	snprintf(path, sizeof(path), "%s/from", s->path);
	if (mount("none", path, "tmpfs", 0, "size=8m") < 0)
		skip();
	p.from = dir_open(s->fd, "from", &e);
	for (int i = 0; i < 3000000; i++)
		big[i] = (char)(i * 7 % 251);
	int fd = openat(p.from, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, big, 3000000), 3000000);
	close(fd);
	int r = tree_copy(p.from, p.to, &e);
	close(p.from);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_int_equal(r, 0);
	fd = openat(p.to, "big", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, got, 3000000), 3000000);
	assert_memory_equal(big, got, 3000000);
	close(fd);
	close(p.to);
	free(big);
	free(got);
}

/* The image's folder as a volume sees it: the source is an overlay mount. */
static void copies_from_an_overlay(void **state)
{
	need_root();
	struct scratch *s = *state;
	struct err e;
	char options[700], path[256];
	struct pair p = open_pair(s);
	close(p.from);
	assert_int_equal(dir_make(s->fd, "lower/d", 0755, &e), 0);
	assert_int_equal(dir_make(s->fd, "empty", 0755, &e), 0);
	put_file(s->fd, "lower/d/file", "from below");
	snprintf(options, sizeof(options), "lowerdir=%s/lower:%s/empty", s->path, s->path);
	snprintf(path, sizeof(path), "%s/from", s->path);
	if (mount("overlay", path, "overlay", 0, options) < 0)
		skip();
	p.from = dir_open(s->fd, "from", &e);
	int r = tree_copy(p.from, p.to, &e);
	close(p.from);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	if (r < 0)
		fail_msg("%s", e.text);
	assert_int_equal(stat_of(p.to, "d/file").st_size, 10);
	close(p.to);
}

static void what_is_there_is_not_overwritten(void **state)
{
	struct pair p = open_pair(*state);
	struct err e;
	put_file(p.from, "f", "new");
	put_file(p.to, "f", "older");
	assert_int_equal(tree_copy(p.from, p.to, &e), -EEXIST);
	assert_int_equal(stat_of(p.to, "f").st_size, 5);
	close_pair(p);
}

static void measuring(void **state)
{
	struct pair p = open_pair(*state);
	struct err e;
	int64_t size = -1;
	assert_int_equal(tree_is_empty(p.from), 1);
	assert_int_equal(tree_size(p.from, &size, &e), 0);
	assert_int_equal(size, 0);
	assert_int_equal(dir_make(p.from, "a/b", 0755, &e), 0);
	put_file(p.from, "a/b/f", "12345");
	put_file(p.from, "g", "123");
	assert_int_equal(symlinkat("g", p.from, "link"), 0);
	assert_int_equal(tree_size(p.from, &size, &e), 0);
	assert_int_equal(size, 8);
	assert_int_equal(tree_is_empty(p.from), 0);
	assert_int_equal(tree_is_empty(p.to), 1);
	/* The descriptor stays usable. */
	assert_int_equal(tree_is_empty(p.from), 0);
	close_pair(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(everything_is_kept),
		scratch_test(extended_attributes_are_kept),
		scratch_test(holes_stay_holes),
		scratch_test(copies_between_file_systems),
		scratch_test(copies_from_an_overlay),
		scratch_test(what_is_there_is_not_overwritten),
		scratch_test(measuring),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
