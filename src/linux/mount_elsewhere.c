/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts that are made by a child, and copies of mounts that are not ours to copy. Rests on
 * open_tree(2), setns(2), unshare(2), unix(7).
 * The kernel copies only what is mounted in the caller's own mount namespace (before Linux 6.15 not
 * even what is mounted nowhere). So a child goes where it can be done, and passes the copy back,
 * which belongs to nobody's namespace. Nothing is left of it there. Read mount.h first.
 */
#include "linux/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"

struct there {
	int pidfd, mount;
	const char *path;
};

/* In the child. A new namespace holds the mount upon its root, for as long as the child lives. */
static int go(const struct there *x)
{
	if (x->pidfd >= 0)
		return setns(x->pidfd, CLONE_NEWNS) < 0
			       ? -errno
			       : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = unshare(CLONE_NEWNS) < 0 ? -errno : mount_isolate();
	if (r == 0)
		r = mount_attach_at(x->mount, AT_FDCWD, "/");
	return r < 0 ? r : x->mount;
}

static int clone_there(const void *arg)
{
	const struct there *x = arg;
	int base = go(x);
	int at = base < 0 ? base : path_open_in_root(base, x->path, O_PATH, 0);
	return at < 0 ? at : mount_clone(at, "", false);
}

int mount_by_child(int (*make)(const void *arg), const void *arg)
{
	int pair[2], status, r = 0;
	CLEANUP_FD int child = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	CLEANUP_FD int ours = pair[0];
	CLEANUP_FD int theirs = pair[1];
	pid_t pid = namespace_clone(0, -1, &child);
	if (pid == 0) {
		int mount = make(arg);
		fd_send(theirs, &mount, sizeof(mount), &mount, mount >= 0);
		_exit(0);
	}
	if (pid < 0)
		return pid;
	fd_drop(&theirs);
	int mount = -1;
	ssize_t n = fd_recv(ours, &r, sizeof(r), &mount, 1);
	pidfd_wait_child(child, &status);
	if (n != sizeof(r))
		return n < 0 ? (int)n : -EIO;
	return r < 0 ? r : mount;
}

int mount_clone_elsewhere(int pidfd, int mount, const char *path)
{
	return mount_by_child(clone_there, &(struct there){pidfd, mount, path});
}
