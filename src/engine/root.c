/* SPDX-License-Identifier: Apache-2.0 */
/* Making root mounts. Rests on linux/overlay.h and open_tree(2). Read root.h first. */
#include "engine/root.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/mount.h"
#include "linux/overlay.h"

static int open_own(struct engine *en, const struct container *c, const char *what, struct err *e)
{
	char path[64 + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s/%s", c->id, what);
	int fd = openat(en->root_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd
		       : err_errno(e, errno, "container %s: cannot open its %s folder",
				   c->name ? c->name : c->id, what);
}

/* Begin anew with an empty folder. */
static int renew_own(struct engine *en, const struct container *c, const char *what, struct err *e)
{
	char path[64 + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s/%s", c->id, what);
	int r = tree_remove(en->root_fd, path, e);
	if (r == 0 && mkdirat(en->root_fd, path, 0755) < 0)
		r = err_errno(e, errno, "container %s: cannot renew its layer", c->name);
	return r;
}

static int mount_lowers(struct engine *en, const struct container *c, const int *lowers,
			size_t count, bool writable, struct err *e)
{
	CLEANUP_FD int upper = writable ? open_own(en, c, "upper", e) : -1;
	CLEANUP_FD int work = upper >= 0 ? open_own(en, c, "work", e) : -1;
	if (writable && work < 0)
		return -e->number;
	struct overlay o = {
		.lowers = lowers,
		.lower_count = count,
		.upper = upper,
		.work = work,
		.is_volatile = c->auto_remove || c->config.hull.rootfs_overlay,
	};
	return overlay_mount(&o, e);
}

static int mount_image(struct engine *en, const struct container *c, bool writable, struct arena *a,
		       struct err *e)
{
	struct image image;
	int *lowers;
	size_t count;
	int r = image_find(&en->images, c->image_id, a, &image, e);
	/* A volatile overlay refuses to be mounted twice; a --rm container that is restarted has
	 * had no power cut in between, so its mark may go. */
	if (r == 0 && writable && c->auto_remove && c->started)
		r = renew_own(en, c, "work", e);
	if (r == 0)
		r = image_layers_open(&en->images, &image, a, &lowers, &count, e);
	if (r < 0)
		return r;
	int fd = mount_lowers(en, c, lowers, count, writable, e);
	image_layers_close(lowers, count);
	return fd;
}

static int mount_folder(struct engine *en, const struct container *c, struct err *e)
{
	const char *path = c->config.hull.rootfs;
	CLEANUP_FD int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(e, errno, "--rootfs %s: cannot open it", path);
	if (!c->config.hull.rootfs_overlay) {
		int fd = mount_clone(dir, "", true);
		return fd >= 0 ? fd : err_errno(e, fd, "--rootfs %s: cannot bind it", path);
	}
	int r = renew_own(en, c, "upper", e);
	if (r == 0)
		r = renew_own(en, c, "work", e);
	return r < 0 ? r : mount_lowers(en, c, &dir, 1, true, e);
}

int root_mount(struct engine *en, const struct container *c, struct arena *a, struct err *e)
{
	return c->image_id ? mount_image(en, c, true, a, e) : mount_folder(en, c, e);
}

int root_mount_image(struct engine *en, const struct container *c, struct arena *a, struct err *e)
{
	return mount_image(en, c, false, a, e);
}
