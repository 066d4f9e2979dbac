/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading, replacing and removing hull's own files. Rests on openat(2), renameat(2), unlinkat(2).
 * Invariant: nothing here follows a symbolic link while it removes. Read file.h first.
 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/fd.h"

int file_read(int dirfd, const char *path, size_t max, struct arena *a, char **ret_text,
	      size_t *ret_len, struct err *e)
{
	CLEANUP_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(e, errno, "cannot open %s", path);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "cannot stat %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, EINVAL, ERR_INVALID, "%s is not a regular file", path);
	if ((uintmax_t)st.st_size > max)
		return err_set(e, EFBIG, ERR_INVALID, "%s is larger than %zu bytes", path, max);
	/* Files of /proc and /sys say size 0: room for a page more than stated. */
	size_t room = (size_t)st.st_size + 4096;
	char *text = arena_alloc(a, room + 1);
	ssize_t n = fd_read_full(fd, text, room);
	if (n < 0)
		return err_errno(e, (int)n, "cannot read %s", path);
	text[n] = '\0';
	*ret_text = text;
	if (ret_len)
		*ret_len = (size_t)n;
	return 0;
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
	ssize_t n;
	do
		n = write(fd, text, strlen(text));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int file_replace(int dirfd, const char *name, const void *data, size_t len, bool durable,
		 struct err *e)
{
	char aside[300];
	static atomic_uint serial;
	if (snprintf(aside, sizeof(aside), ".%s.%d.%u", name, (int)getpid(), ++serial) >=
	    (int)sizeof(aside))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "file name %s is too long", name);
	CLEANUP_FD int fd =
		openat(dirfd, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot create %s", name);
	int r = fd_write_full(fd, data, len);
	if (r == 0 && durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dirfd, aside, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, aside, 0);
		return err_errno(e, r, "cannot write %s", name);
	}
	if (durable && fsync(dirfd) < 0)
		return err_errno(e, errno, "cannot sync the folder of %s", name);
	return 0;
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

/* Remove everything in the directory @fd, which this function owns. */
static int empty_dir(int fd, dev_t dev)
{
	CLEANUP_DIR DIR *d = fdopendir(fd);
	if (!d) {
		int r = -errno;
		close(fd);
		return r;
	}
	struct dirent *entry;
	while ((errno = 0, entry = readdir(d))) {
		const char *name = entry->d_name;
		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (unlinkat(dirfd(d), name, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			return -errno;
		int sub = openat(dirfd(d), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		struct stat st;
		if (sub < 0 || fstat(sub, &st) < 0 || st.st_dev != dev) {
			int r = sub < 0 ? -errno : -EXDEV;
			if (sub >= 0)
				close(sub);
			return r;
		}
		int r = empty_dir(sub, dev);
		if (r < 0)
			return r;
		if (unlinkat(dirfd(d), name, AT_REMOVEDIR) < 0)
			return -errno;
	}
	return -errno;
}

int tree_remove(int dirfd, const char *name, struct err *e)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_errno(e, errno, "cannot remove %s", name);
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "cannot remove %s", name);
	int r = empty_dir(fd, st.st_dev);
	if (r == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r < 0 ? err_errno(e, r, "cannot remove %s", name) : 0;
}

bool file_exists(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
