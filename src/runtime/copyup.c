/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpcopyup: a tmpfs that starts with what the image has at its place. Rests on openat(2),
 * copy_file_range(2) and sendfile(2).
 * Invariant: every name is opened below an open folder and never followed; at most DEPTH_MAX
 * folders deep. The image is foreign: what is neither file, folder nor link is left out. Read
 * rootfs.h first.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "runtime/rootfs.h"

enum { DEPTH_MAX = 64 };

static int copy_dir(int from, int to, unsigned depth);

/* Owner, mode and times, as the original's; through a name that is never followed. */
static int copy_meta(int dir, const char *name, const struct stat *st)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	if (fchownat(dir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && fchmodat(dir, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_file(int from, int to, const char *name)
{
	CLEANUP_FD int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	CLEANUP_FD int out =
		in < 0 ? -1
		       : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
				0600);
	if (out < 0)
		return -errno;
	ssize_t n;
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	return n < 0 ? -errno : 0;
}

static int copy_link(int from, int to, const char *name)
{
	char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, to, name) < 0 ? -errno : 0;
}

static int copy_folder(int from, int to, const char *name, unsigned depth)
{
	if (mkdirat(to, name, 0700) < 0)
		return -errno;
	int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEANUP_FD int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (in < 0 || out < 0) {
		int r = -errno;
		if (in >= 0)
			close(in);
		return r;
	}
	return copy_dir(in, out, depth + 1);
}

static int copy_entry(int from, int to, const char *name, unsigned depth)
{
	struct stat st;
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	int r = 0;
	if (S_ISREG(st.st_mode))
		r = copy_file(from, to, name);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(from, to, name);
	else if (S_ISDIR(st.st_mode))
		r = copy_folder(from, to, name, depth);
	else
		return 0;
	return r < 0 ? r : copy_meta(to, name, &st);
}

/* Takes @from over, not @to. */
static int copy_dir(int from, int to, unsigned depth)
{
	CLEANUP_DIR DIR *d = fdopendir(from);
	if (!d) {
		int r = -errno;
		close(from);
		return r;
	}
	if (depth > DEPTH_MAX)
		return -ELOOP;
	struct dirent *entry;
	while ((entry = dir_next(d))) {
		int r = copy_entry(dirfd(d), to, entry->d_name, depth);
		if (r < 0)
			return r;
	}
	return -errno;
}

int rootfs_copy_up(int from, int to, struct err *e)
{
	struct stat st;
	int in = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in < 0 || fstat(in, &st) < 0)
		return err_errno(e, errno, "cannot read what the image has there");
	int r = copy_dir(in, to, 0);
	if (r == 0)
		r = copy_meta(to, ".", &st);
	if (r == -ENOSPC || r == -EDQUOT) {
		err_errno(e, r, "cannot copy what the image has there");
		return err_hint(e, "the tmpfs is too small for it: give it a larger size=");
	}
	return r < 0 ? err_errno(e, r, "cannot copy what the image has there") : 0;
}
