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
#include <unistd.h>

#include "base/path.h"
#include "linux/namespaces.h"

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

int mount_clone_elsewhere(int pidfd, int mount, const char *path)
{
	return fd_from_child(clone_there, &(struct there){pidfd, mount, path});
}
