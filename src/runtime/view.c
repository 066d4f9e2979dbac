/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other files in the namespaces of a container: a mount namespace that begins as a copy of the
 * container's, so that its mounts can be had by descriptor, and then gets another root. Nobody else
 * is in it, so it ends with the process. Rests on unshare(2), open_tree(2), pivot_root(2).
 * Invariant: what is taken from the container is looked up below its root, so it cannot be anything
 * of the host's; and what is put into the new root lies in a copy that the container does not see.
 * Read runtime.h and linux/mount.h first.
 */
#include "runtime/view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "linux/mount.h"

static const struct taken {
	const char *from, *to;
	uint64_t attrs;
	bool needed;
} taken[] = {
	{"/", "container", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, true},
	{"/proc", "proc", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, false},
	{"/sys", "sys", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, false},
	{"/dev", "dev", MOUNT_ATTR_NOSUID, false},
};

/* A copy of it, with all that is mounted below, in @ret; -1 there: the container has none. */
static int take(int root, const struct taken *t, int *ret, struct err *e)
{
	CLEANUP_FD int from = path_open_in_root(root, t->from, O_PATH | O_DIRECTORY, 0);
	*ret = -1;
	if (from < 0 && !t->needed)
		return 0;
	CLEANUP_FD int copy = from < 0 ? from : mount_clone(from, "", true);
	int r = copy < 0 ? copy : mount_change(copy, true, t->attrs, 0, MS_PRIVATE);
	if (r < 0)
		return err_errno(e, r, "cannot take %s of the container", t->from);
	*ret = fd_steal(&copy);
	return 0;
}

static int put(int root, const struct taken *t, int mount, struct err *e)
{
	CLEANUP_FD int to = path_open_in_root(root, t->to, O_PATH | O_DIRECTORY, 0);
	int r = to < 0 ? to : mount_attach(mount, to);
	return r < 0 ? err_errno(e, r, "cannot show %s of the container", t->from) : 0;
}

static int put_all(const struct runtime_view *v, int container, struct err *e)
{
	int copies[ARRAY_LEN(taken)];
	size_t n = 0;
	int r = 0;
	/* All before the first is put: the new root covers the container's. */
	for (; r == 0 && n < ARRAY_LEN(taken); n++)
		r = take(container, &taken[n], &copies[n], e);
	if (r < 0)
		return r;
	r = mount_attach_at(v->root, AT_FDCWD, "/");
	if (r < 0)
		return err_errno(e, r, "cannot mount the root with the tools");
	for (size_t i = 0; r == 0 && i < v->count; i++) {
		r = mount_attach_at(v->parts[i].mount, v->root, v->parts[i].at);
		if (r < 0)
			return err_errno(e, r, "cannot mount the tools' /%s", v->parts[i].at);
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		r = copies[i] < 0 ? 0 : put(v->root, &taken[i], copies[i], e);
	return r;
}

int view_enter(const struct runtime_view *v, struct err *e)
{
	int r = unshare(CLONE_NEWNS) < 0 ? -errno : mount_isolate();
	if (r < 0)
		return err_errno(e, r, "cannot make a mount namespace for the tools");
	/* Of the copy: what was opened before belongs to the container's. */
	CLEANUP_FD int container = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (container < 0)
		return err_errno(e, errno, "cannot open the container's root");
	r = put_all(v, container, e);
	return r < 0 ? r : mount_pivot(v->root, e);
}
