/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rests on fuse(4) and fsopen(2). Invariant: nobody but hull-view holds /dev/fuse when the
 * container is cloned, so that a reading fails, and does not hang, should hull-view be killed; and
 * hull-view ends when the last mount does, with the container or with a start that fails.
 */
#include "engine/proc_view.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/servant.h"
#include "linux/mount.h"
#include "view/files.h"

static struct oci_mount *mount_at(struct spec_build *b, const char *destination)
{
	struct oci_mount *mounts = b->spec.mounts.items;
	for (size_t i = 0; i < b->spec.mounts.count; i++)
		if (!strcmp(mounts[i].destination, destination) &&
		    !strcmp(mounts[i].source, PROC_VIEW_SOURCE))
			return &mounts[i];
	return NULL; /* the user's own mount is there */
}

static int mount_one(struct oci_mount *m, int *ret_fuse, struct err *e)
{
	char fd[24];
	*ret_fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (*ret_fuse < 0) {
		err_errno(e, errno, "--proc-view: cannot open /dev/fuse");
		return err_hint(e, "load the kernel module: modprobe fuse");
	}
	snprintf(fd, sizeof(fd), "fd=%d", *ret_fuse);
	const char *const data[] = {fd, "rootmode=100444", "user_id=0", "group_id=0",
				    "allow_other"};
	int r = mount_new(
		"fuse", PROC_VIEW_SOURCE, data, ARRAY_LEN(data),
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, e);
	if (r < 0)
		return err_context(e, "--proc-view: %s", m->destination);
	m->fd = r;
	return 0;
}

/* Otherwise the container would be told that its mounts are broken. */
static int check_program(struct engine *en, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	char *path = arena_printf(&a, "%s/hull-view", en->libexec);
	if (access(path, X_OK) == 0)
		return 0;
	err_errno(e, errno, "--proc-view: cannot execute %s", path);
	return err_hint(e, "hull and hull-view belong into one folder");
}

int proc_view_begin(struct engine *en, struct spec_build *b, const char *cgroup, struct err *e)
{
	int fds[VIEW_FDS], r = 0;
	if (!*cgroup)
		return err_set(
			e, EINVAL, ERR_INVALID,
			"--proc-view shows the limits of a control group, and there is none");
	for (size_t i = 0; i < VIEW_FDS; i++)
		fds[i] = -1;
	for (size_t i = 0; r == 0 && i < VIEW_FILES; i++) {
		struct oci_mount *m = mount_at(b, view_paths[i]);
		if (m)
			r = mount_one(m, &fds[VIEW_FD_FIRST + i], e);
	}
	char *const argv[] = {"hull-view", (char *)cgroup, NULL};
	if (r == 0)
		r = check_program(en, e);
	if (r == 0)
		r = servant_start(en, argv, fds, VIEW_FDS, e);
	for (size_t i = 0; i < VIEW_FDS; i++)
		fd_drop(&fds[i]);
	return r;
}
