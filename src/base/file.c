/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading, replacing and removing hull's own files. Rests on openat(2), renameat(2), unlinkat(2).
 * Invariant: nothing here follows a symbolic link while it removes. Read file.h first.
 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/strbuf.h"

static int too_large(const char *path, size_t max, struct err *e)
{
	return err_set(e, EFBIG, ERR_INVALID, "%s is larger than %zu bytes", path, max);
}

/* @guess: how much will probably come. */
static ssize_t read_to_end(int fd, size_t guess, struct strbuf *s)
{
	for (;;) {
		/* One byte more than the guess shows the end of the file with the first read. */
		size_t room = s->len < guess ? guess - s->len + 1 : 4096;
		if (room > s->max - s->len)
			room = s->max - s->len;
		char beyond, *at = room ? strbuf_reserve(s, room) : &beyond;
		if (!at)
			return -ENOMEM;
		ssize_t n = fd_read_full(fd, at, room ? room : 1);
		if (n <= 0)
			return n;
		if (!room)
			return -EFBIG;
		s->len += (size_t)n;
		s->buf[s->len] = '\0';
		if ((size_t)n < room)
			return 0;
	}
}

/* @any: also what is no regular file; then opening it may wait for a writer. */
static int read_whole(int dirfd, const char *path, size_t max, bool any, struct arena *a,
		      char **ret_text, size_t *ret_len, struct err *e)
{
	CLEANUP_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | (any ? 0 : O_NONBLOCK));
	if (fd < 0)
		return err_errno(e, errno, "cannot open %s", path);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "cannot stat %s", path);
	bool regular = S_ISREG(st.st_mode);
	if (!regular && !any)
		return err_set(e, EINVAL, ERR_INVALID, "%s is not a regular file", path);
	if (regular && (uintmax_t)st.st_size > max)
		return too_large(path, max, e);
	/* Files of /proc say that they are empty, and others may grow: read to the end. */
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(max);
	ssize_t n = read_to_end(fd, regular ? (size_t)st.st_size : 0, &text);
	if (n == -EFBIG)
		return too_large(path, max, e);
	if (n < 0)
		return err_errno(e, (int)n, "cannot read %s", path);
	*ret_text = arena_strndup(a, strbuf_text(&text), text.len);
	if (ret_len)
		*ret_len = text.len;
	return 0;
}

int file_read(int dirfd, const char *path, size_t max, struct arena *a, char **ret_text,
	      size_t *ret_len, struct err *e)
{
	return read_whole(dirfd, path, max, false, a, ret_text, ret_len, e);
}

int file_read_named(const char *path, size_t max, struct arena *a, char **ret_text, size_t *ret_len,
		    struct err *e)
{
	return read_whole(AT_FDCWD, path, max, true, a, ret_text, ret_len, e);
}

ssize_t file_read_small(int dirfd, const char *path, char *buf, size_t size)
{
	CLEANUP_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = fd_read_full(fd, buf, size - 1);
	if (n < 0)
		return n;
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return n;
}

int file_write_small(int dirfd, const char *path, const char *text)
{
	CLEANUP_FD int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = TEMP_FAILURE_RETRY(write(fd, text, strlen(text)));
	return n < 0 ? -errno : 0;
}

/* What lies there already is written over if it is reserved space; else somebody else may have put
 * a link or a FIFO there, in a folder of his. */
static int open_aside(int dirfd, const char *aside, bool reserved)
{
	const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(dirfd, aside, flags | (reserved ? 0 : O_EXCL), 0600);
	if (fd < 0 && errno == EEXIST && unlinkat(dirfd, aside, 0) == 0)
		fd = openat(dirfd, aside, flags | O_EXCL, 0600);
	return fd < 0 ? -errno : fd;
}

int file_replace(int dirfd, const char *name, const void *data, size_t len, bool reserved,
		 struct err *e)
{
	char aside[300];
	if (snprintf(aside, sizeof(aside), FILE_ASIDE, name) >= (int)sizeof(aside))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "file name %s is too long", name);
	CLEANUP_FD int fd = open_aside(dirfd, aside, reserved);
	if (fd < 0)
		return err_errno(e, fd, "cannot create %s", name);
	int r = fd_write_full(fd, data, len);
	if (r == 0 && reserved && ftruncate(fd, (off_t)len) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, aside, dirfd, name) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	unlinkat(dirfd, aside, 0);
	return err_errno(e, r, "cannot write %s", name);
}

int file_unnamed(int dirfd, const char *path, const char *aside)
{
	const char *slash = strrchr(path, '/');
	CLEANUP_ARENA struct arena a = {0};
	const char *folder = slash ? arena_strndup(&a, path, (size_t)(slash - path) + 1) : ".";
	int fd = openat(dirfd, folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		fd = openat(dirfd, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int file_publish(int fd, int dirfd, const char *path, const char *aside)
{
	char self[32];
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	/* A link replaces nothing, so for a moment it has the name aside all the same. */
	if (!st.st_nlink && linkat(AT_FDCWD, self, dirfd, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (!st.st_nlink &&
	    (errno != EEXIST || linkat(AT_FDCWD, self, dirfd, aside, AT_SYMLINK_FOLLOW) < 0))
		return -errno;
	if (renameat(dirfd, aside, dirfd, path) == 0)
		return 0;
	int r = -errno;
	unlinkat(dirfd, aside, 0);
	return r;
}

int dir_make(int dirfd, const char *path, mode_t mode, struct err *e)
{
	char part[4096];
	size_t len = strlen(path);
	if (len >= sizeof(part))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "path is too long");
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdirat(dirfd, part, mode) < 0 && errno != EEXIST)
			return err_errno(e, errno, "cannot create folder %s", part);
	}
	return 0;
}

int dir_open(int dirfd, const char *path, struct err *e)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(e, errno, "cannot open folder %s", path);
}

/* A tree can be deeper than the stack and the descriptor table: what lies below REMOVE_DEPTH is
 * moved up into the topmost folder, and removed from there in the next round. */
enum { REMOVE_DEPTH = 24 };

DIR *dir_stream(int fd)
{
	CLEANUP_FD int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	if (d)
		fd_steal(&copy);
	return d;
}

struct dirent *dir_next(DIR *d)
{
	struct dirent *entry;
	do {
		errno = 0;
		entry = readdir(d);
	} while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
	return entry;
}

bool dir_is_empty(int dirfd, const char *path)
{
	CLEANUP_FD int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : dir_stream(fd);
	bool empty = d && !dir_next(d) && errno == 0;
	if (d)
		closedir(d);
	return empty;
}

struct removal {
	int top;
	dev_t dev;
	unsigned serial;
};

static int move_to_top(struct removal *r, int parent, const char *name)
{
	char parked[32];
	do
		snprintf(parked, sizeof(parked), "deep.%u", r->serial++);
	while (renameat2(parent, name, r->top, parked, RENAME_NOREPLACE) < 0 && errno == EEXIST);
	return faccessat(parent, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : -EIO;
}

static int empty_dir(struct removal *r, int dir, int depth);

/* Open the folder @name for removal; -EXDEV when it is on another file system, or mounted there. */
static int open_sub(const struct removal *r, int parent, const char *name)
{
	const struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				     .resolve = RESOLVE_NO_XDEV};
	CLEANUP_FD int fd = (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return st.st_dev == r->dev ? fd_steal(&fd) : -EXDEV;
}

static int remove_entry(struct removal *r, int parent, const struct dirent64 *entry, int depth)
{
	const char *name = entry->d_name;
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return 0;
	/* Many folders are empty: no need to look into those. */
	if (unlinkat(parent, name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM && errno != ENOTEMPTY && errno != EBUSY)
		return -errno;
	if (depth >= REMOVE_DEPTH && unlinkat(parent, name, AT_REMOVEDIR) < 0)
		return errno == ENOTEMPTY ? move_to_top(r, parent, name) : -errno;
	if (depth >= REMOVE_DEPTH)
		return 0;
	CLEANUP_FD int sub = open_sub(r, parent, name);
	int result = sub < 0 ? sub : empty_dir(r, sub, depth + 1);
	if (result < 0)
		return result;
	return unlinkat(parent, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* Not opendir(3), which costs 32 KiB and four system calls for each: most folders have few entries.
 */
static int empty_dir(struct removal *r, int dir, int depth)
{
	char entries[2048] __attribute__((aligned(__alignof__(struct dirent64))));
	ssize_t n;
	while ((n = getdents64(dir, entries, sizeof(entries))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(entries + at);
			int result = remove_entry(r, dir, entry, depth);
			if (result < 0)
				return result;
			at += entry->d_reclen;
		}
	return n < 0 ? -errno : 0;
}

int tree_remove(int dirfd, const char *name, struct err *e)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_errno(e, errno, "cannot remove %s", name);
	CLEANUP_FD int top = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (top < 0 || fstat(top, &st) < 0)
		return err_errno(e, errno, "cannot remove %s", name);
	struct removal r = {.top = top, .dev = st.st_dev};
	/* Somebody may have made something meanwhile: a keeper that is late its FIFOs. */
	int result, again = 16;
	do {
		unsigned before = r.serial;
		result = lseek(top, 0, SEEK_SET) < 0 ? -errno : empty_dir(&r, top, 0);
		if (result == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
			result = errno == ENOTEMPTY && (r.serial != before || again-- > 0) ? 1
											   : -errno;
	} while (result > 0);
	if (result < 0)
		err_errno(e, result, "cannot remove %s", name);
	if (result == -EXDEV)
		err_hint(e,
			 "something is mounted below it, and is not touched: findmnt -R, umount");
	return result < 0 ? result : 0;
}

bool file_exists(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       (errno != ENOENT && errno != ENOTDIR);
}
