/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying and measuring trees. Rests on openat(2) with O_NOFOLLOW, copy_file_range(2), lseek(2)
 * with SEEK_DATA. Invariant: no component is ever followed as a symbolic link. Read tree.h first.
 */
#include "base/tree.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"

int tree_is_empty(int fd)
{
	CLEANUP_DIR DIR *d = dir_stream(fd);
	if (!d)
		return -errno;
	return !dir_next(d);
}

/* Copy @len bytes at the descriptors' offsets through memory. */
static int copy_by_hand(int from, int to, off_t len)
{
	enum { PIECE = 64 * 1024 };
	char buf[PIECE];
	while (len > 0) {
		ssize_t n = fd_read_full(from, buf, len < PIECE ? (size_t)len : PIECE);
		int r = n > 0 ? fd_write_full(to, buf, (size_t)n) : (int)n;
		if (r < 0 || n == 0)
			return r;
		len -= n;
	}
	return 0;
}

/* Copy the bytes from @at up to @end in both files. */
static int copy_extent(int from, int to, off_t at, off_t end)
{
	if (lseek(from, at, SEEK_SET) < 0 || lseek(to, at, SEEK_SET) < 0)
		return -errno;
	while (at < end) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, (size_t)(end - at), 0);
		/* Between file systems the kernel may refuse, an overlay's layer and a volume for
		 * one. */
		if (n < 0 &&
		    (errno == EXDEV || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS))
			return copy_by_hand(from, to, end - at);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		at += n;
	}
	return 0;
}

static int copy_data(int from, int to, off_t size)
{
	off_t at = 0;
	while (at < size) {
		off_t data = lseek(from, at, SEEK_DATA);
		if (data < 0)
			break; /* a hole up to the end */
		at = lseek(from, data, SEEK_HOLE);
		int r = at < 0 ? -errno : copy_extent(from, to, data, at);
		if (r < 0)
			return r;
	}
	return ftruncate(to, size) < 0 ? -errno : 0;
}

static int copy_attributes(int from, int to)
{
	char names[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
	ssize_t len = flistxattr(from, names, sizeof(names));
	if (len < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		const char *name = names + at;
		/* The overlay's own marks mean nothing outside of it. */
		if (!strncmp(name, "trusted.overlay.", 16) || !strncmp(name, "user.overlay.", 13))
			continue;
		ssize_t n = fgetxattr(from, name, value, sizeof(value));
		if (n >= 0 && fsetxattr(to, name, value, (size_t)n, 0) < 0 && errno != ENOTSUP)
			return -errno;
	}
	return 0;
}

/* Owner first: chown(2) clears set-id bits and file capabilities. */
int tree_copy_meta(int from, int to, const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0)
		return -errno;
	int r = copy_attributes(from, to);
	return r < 0 ? r : futimens(to, times) < 0 ? -errno : 0;
}

int tree_copy_file(int from, int to_dir, const char *name, const struct stat *st)
{
	CLEANUP_FD int to =
		openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	int r = copy_data(from, to, st->st_size);
	return r < 0 ? r : tree_copy_meta(from, to, st);
}

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *st)
{
	CLEANUP_FD int from =
		openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return from < 0 ? -errno : tree_copy_file(from, to_dir, name, st);
}

int tree_copy_special(int from_dir, const char *from, int to_dir, const char *name,
		      const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (S_ISLNK(st->st_mode)) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(from_dir, from, target, sizeof(target) - 1);
		if (n < 0)
			return -errno;
		target[n] = '\0';
		if (symlinkat(target, to_dir, name) < 0)
			return -errno;
	} else if (mknodat(to_dir, name, st->st_mode, st->st_rdev) < 0 ||
		   fchmodat(to_dir, name, st->st_mode & 07777, 0) < 0) {
		return -errno;
	}
	if (fchownat(to_dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_dir(int from, int to, int depth, struct err *e);

static int copy_entry(int from, int to, const char *name, int depth, struct err *e)
{
	struct stat st;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, errno, "%s", name);
	if (!S_ISDIR(st.st_mode)) {
		int r = S_ISREG(st.st_mode) ? copy_file(from, to, name, &st)
					    : tree_copy_special(from, name, to, name, &st);
		return r < 0 ? err_errno(e, r, "%s", name) : 0;
	}
	if (mkdirat(to, name, 0700) < 0)
		return err_errno(e, errno, "%s", name);
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	CLEANUP_FD int sub_from = openat(from, name, flags);
	CLEANUP_FD int sub_to = openat(to, name, flags);
	if (sub_from < 0 || sub_to < 0)
		return err_errno(e, errno, "%s", name);
	int r = copy_dir(sub_from, sub_to, depth + 1, e);
	return r < 0 ? err_context(e, "%s", name) : 0;
}

static int copy_dir(int from, int to, int depth, struct err *e)
{
	struct stat st;
	CLEANUP_DIR DIR *d = dir_stream(from);
	if (!d || fstat(from, &st) < 0)
		return err_errno(e, errno, "cannot read a folder");
	if (depth > TREE_DEPTH_MAX)
		return err_set(e, ELOOP, ERR_INVALID, "deeper than %d folders", TREE_DEPTH_MAX);
	for (struct dirent *entry; (entry = dir_next(d));) {
		int r = copy_entry(from, to, entry->d_name, depth, e);
		if (r < 0)
			return r;
	}
	if (errno)
		return err_errno(e, errno, "cannot read a folder");
	int r = tree_copy_meta(from, to, &st);
	return r < 0 ? err_errno(e, r, "cannot set the owner and mode") : 0;
}

int tree_copy(int from, int to, struct err *e)
{
	return copy_dir(from, to, 0, e);
}

static int size_dir(int fd, int depth, int64_t *total)
{
	CLEANUP_DIR DIR *d = dir_stream(fd);
	if (!d)
		return -errno;
	if (depth > TREE_DEPTH_MAX)
		return -ELOOP;
	for (struct dirent *entry; (entry = dir_next(d));) {
		struct stat st;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISREG(st.st_mode))
			*total += st.st_size;
		if (!S_ISDIR(st.st_mode))
			continue;
		CLEANUP_FD int sub =
			openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		int r = sub < 0 ? 0 : size_dir(sub, depth + 1, total);
		if (r < 0)
			return r;
	}
	return 0;
}

int tree_size(int fd, int64_t *ret_bytes, struct err *e)
{
	int64_t total = 0;
	int r = size_dir(fd, 0, &total);
	if (r < 0)
		return err_errno(e, r, "cannot measure a folder");
	*ret_bytes = total;
	return 0;
}

/* Files with several names, each of which counts once: a table with open addressing. */
struct seen {
	struct arena arena;
	struct inode {
		dev_t dev;
		ino_t ino;
	} * slots;
	size_t count, room; /* a power of two */
	bool deeper;        /* than we go: left out */
};

static void seen_free(struct seen *s)
{
	arena_free(&s->arena);
}

/* True for the first time. */
static bool seen_add(struct seen *s, dev_t dev, ino_t ino)
{
	if (2 * s->count >= s->room) {
		struct seen more = {.arena = s->arena,
				    .deeper = s->deeper,
				    .room = s->room ? 4 * s->room : 256};
		more.slots = arena_array(&more.arena, more.room, sizeof(*more.slots));
		for (size_t i = 0; i < s->room; i++)
			if (s->slots[i].ino)
				seen_add(&more, s->slots[i].dev, s->slots[i].ino);
		*s = more;
	}
	size_t at = (size_t)(ino * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (s->room - 1);
	for (; s->slots[at].ino; at = (at + 1) & (s->room - 1))
		if (s->slots[at].ino == ino && s->slots[at].dev == dev)
			return false;
	s->slots[at] = (struct inode){dev, ino};
	s->count++;
	return true;
}

static int usage(int dirfd, const char *name, int depth, struct seen *seen, int64_t *total)
{
	enum { STAT_BLOCK = 512 };
	struct stat st;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode) || st.st_nlink < 2 || seen_add(seen, st.st_dev, st.st_ino))
		*total += (int64_t)st.st_blocks * STAT_BLOCK;
	if (!S_ISDIR(st.st_mode))
		return 0;
	bool deeper = depth > TREE_DEPTH_MAX;
	CLEANUP_FD int fd =
		deeper ? -1 : openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (deeper || (fd < 0 && errno == EMFILE)) {
		seen->deeper = true;
		return 0;
	}
	CLEANUP_DIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	int r = 0, folder = fd_steal(&fd);
	for (struct dirent *entry; r == 0 && (entry = dir_next(d));)
		r = usage(folder, entry->d_name, depth + 1, seen, total);
	return r;
}

int tree_usage(int dirfd, const char *name, int64_t *ret_bytes, struct err *e)
{
	CLEANUP(seen_free) struct seen seen = {0};
	int64_t total = 0;
	int r = usage(dirfd, name, 0, &seen, &total);
	if (r < 0)
		return err_errno(e, r, "cannot measure %s", name);
	*ret_bytes = total;
	return seen.deeper;
}
