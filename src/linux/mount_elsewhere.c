/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of mounts that are not ours to copy. Rests on open_tree(2), setns(2), unshare(2).
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

/* In the child. A new namespace holds @mount upon its root, for as long as the child lives. */
static int go(int pidfd, int mount)
{
	if (pidfd >= 0)
		return setns(pidfd, CLONE_NEWNS) < 0 ? -errno
						     : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = unshare(CLONE_NEWNS) < 0 ? -errno : mount_isolate();
	if (r == 0)
		r = mount_attach_at(mount, AT_FDCWD, "/");
	return r < 0 ? r : mount;
}

int mount_clone_elsewhere(int pidfd, int mount, const char *path)
{
	int pair[2], status, r = 0;
	CLEANUP_FD int child = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	CLEANUP_FD int ours = pair[0];
	CLEANUP_FD int theirs = pair[1];
	pid_t pid = namespace_clone(0, -1, &child);
	if (pid == 0) {
		int base = go(pidfd, mount);
		int at = base < 0 ? base : path_open_in_root(base, path, O_PATH, 0);
		int copy = at < 0 ? at : mount_clone(at, "", false);
		fd_send(theirs, &copy, sizeof(copy), &copy, copy >= 0);
		_exit(0);
	}
	if (pid < 0)
		return pid;
	fd_drop(&theirs);
	int copy = -1;
	ssize_t n = fd_recv(ours, &r, sizeof(r), &copy, 1);
	pidfd_wait_child(child, &status);
	if (n != sizeof(r))
		return n < 0 ? (int)n : -EIO;
	return r < 0 ? r : copy;
}
