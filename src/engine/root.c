/* SPDX-License-Identifier: Apache-2.0 */
/* Making root mounts. Rests on linux/overlay.h and open_tree(2). Read root.h first. */
#include "engine/root.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/layer.h"
#include "linux/mount.h"
#include "linux/namespaces.h"
#include "linux/overlay.h"

/* Below an image there is one more: its skeleton. */
static_assert(IMAGE_LAYERS_MAX + 1 <= OVERLAY_LAYERS_MAX, "an image's root can be mounted");

static int open_own(const struct container *c, int layer, const char *what, struct err *e)
{
	int fd = openat(layer, what, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd
		       : err_errno(e, errno, "container %s: cannot open its %s folder",
				   c->name ? c->name : c->id, what);
}

/*
 * The lowest layer of all: where every container has something mounted. An image that lacks one of
 * these places would otherwise get it in the container's own layer, at the cost of a few files made
 * and removed with each container.
 */
static const struct {
	const char *path;
	mode_t mode;
} places[] = {{"proc", S_IFDIR | 0755},
	      {"sys", S_IFDIR | 0755},
	      {"dev", S_IFDIR | 0755},
	      {"etc", S_IFDIR | 0755},
	      {"etc/hosts", S_IFREG | 0644},
	      {"etc/hostname", S_IFREG | 0644},
	      {"etc/resolv.conf", S_IFREG | 0644}};

static int fill_skeleton(int dir, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		const char *path = places[i].path;
		mode_t mode = places[i].mode;
		int r = S_ISDIR(mode) ? mkdirat(dir, path, mode & 0777)
				      : mknodat(dir, path, mode, 0);
		/* The mode is what is said, whatever the caller's umask. */
		if (r < 0 || fchmodat(dir, path, mode & 0777, 0) < 0)
			return err_errno(e, errno, "cannot make the places of mounts (%s)", path);
	}
	return 0;
}

/* Made aside under a lock, and renamed: it is whole, or not there. */
static int make_skeleton(struct engine *en, struct err *e)
{
	CLEANUP_FD int lock = openat(en->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_errno(e, errno, "cannot lock --root");
	if (file_exists(en->root_fd, "skeleton"))
		return 0;
	int r = tree_remove(en->root_fd, ".skeleton", e);
	if (r == 0 && mkdirat(en->root_fd, ".skeleton", 0755) < 0)
		r = err_errno(e, errno, "cannot make the places of mounts");
	CLEANUP_FD int dir = r < 0 ? -1 : dir_open(en->root_fd, ".skeleton", e);
	if (dir < 0)
		return -e->number;
	if (fchmod(dir, 0755) < 0)
		return err_errno(e, errno, "cannot make the places of mounts");
	r = fill_skeleton(dir, e);
	if (r == 0 && renameat(en->root_fd, ".skeleton", en->root_fd, "skeleton") < 0)
		r = err_errno(e, errno, "cannot make the places of mounts");
	return r;
}

static int open_skeleton(struct engine *en, struct err *e)
{
	enum { FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };
	int fd = openat(en->root_fd, "skeleton", FLAGS);
	if (fd >= 0)
		return fd;
	int r = make_skeleton(en, e);
	fd = r < 0 ? r : openat(en->root_fd, "skeleton", FLAGS);
	return fd >= 0 || r < 0 ? fd : err_errno(e, errno, "cannot open the places of mounts");
}

/* The lowest layer of an image that is mounted alone: nothing. With it one layer is an overlay too,
 * which nobody can make writable: else a privileged container might, for all containers. */
static int open_nothing(struct engine *en, struct err *e)
{
	CLEANUP_FD int skeleton = open_skeleton(en, e);
	int fd =
		skeleton < 0 ? skeleton : openat(skeleton, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 || skeleton < 0 ? fd : err_errno(e, errno, "cannot open the lowest layer");
}

/* @layer: the container's own, or -1. */
static int mount_lowers(const struct container *c, const int *lowers, size_t count, int layer,
			bool is_mount, struct err *e)
{
	CLEANUP_FD int upper = layer >= 0 ? open_own(c, layer, "upper", e) : -1;
	CLEANUP_FD int work = upper >= 0 ? open_own(c, layer, "work", e) : -1;
	if (layer >= 0 && work < 0)
		return -e->number;
	struct overlay o = {
		.lowers = lowers,
		.lower_count = count,
		.upper = upper,
		.work = work,
		.upper_mount = is_mount ? layer : -1,
		.is_volatile = c->auto_remove || c->config.hull.rootfs_overlay,
	};
	return overlay_mount(&o, e);
}

static int mount_image(struct engine *en, const struct container *c, int layer, bool is_mount,
		       struct arena *a, struct err *e)
{
	int *lowers;
	size_t count;
	int r;
	if (c->config.hull.layer)
		r = image_trees_open(&en->images, &c->config.hull.lowers, a, &lowers, &count, e);
	else
		r = image_layers_open(&en->images, c->image_id, a, &lowers, &count, e);
	if (r < 0)
		return r;
	/* Not below a folder of the host (--rootfs): that may hold it, and an overlay refuses a
	 * layer that lies in another one. */
	int fd = layer >= 0 ? open_skeleton(en, e) : open_nothing(en, e);
	if (fd >= 0) {
		lowers[count++] = fd;
		fd = mount_lowers(c, lowers, count, layer, is_mount, e);
	}
	image_layers_close(lowers, count);
	return fd;
}

static int mount_own(struct engine *en, const struct container *c, struct arena *a, struct err *e)
{
	bool is_mount;
	CLEANUP_FD int layer = layer_open(en, c, &is_mount, e);
	int r = layer < 0 ? layer : 0;
	/* A volatile overlay refuses to be mounted twice; a --rm container that is restarted has
	 * had no power cut in between, so its mark may go. */
	if (r == 0 && c->auto_remove && c->started)
		r = layer_renew(c, layer, "work", e);
	return r < 0 ? r : mount_image(en, c, layer, is_mount, a, e);
}

static int mount_folder(struct engine *en, const struct container *c, struct err *e)
{
	const char *path = c->config.hull.rootfs;
	CLEANUP_FD int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_errno(e, errno, "--rootfs %s: cannot open it", path);
	struct stat st, host;
	if (!c->config.hull.rootfs_overlay && fstat(dir, &st) == 0 && stat("/", &host) == 0 &&
	    st.st_dev == host.st_dev && st.st_ino == host.st_ino) {
		err_set(e, EINVAL, ERR_INVALID,
			"--rootfs %s: that is this machine's own root, which a container would "
			"change",
			path);
		return err_hint(e, "--rootfs /:O runs on a throw-away copy of it");
	}
	if (!c->config.hull.rootfs_overlay) {
		int fd = mount_clone(dir, "", true);
		return fd >= 0 ? fd : err_errno(e, fd, "--rootfs %s: cannot bind it", path);
	}
	bool is_mount;
	CLEANUP_FD int layer = layer_open(en, c, &is_mount, e);
	int r = layer < 0 ? layer : layer_renew(c, layer, "upper", e);
	if (r == 0)
		r = layer_renew(c, layer, "work", e);
	int fd = r < 0 ? r : mount_lowers(c, &dir, 1, layer, is_mount, e);
	if (fd == -EINVAL && namespace_caller_is_user())
		err_hint(e,
			 "file systems that are mounted below %s may be what is in the way: a "
			 "user may not look under them",
			 path);
	return fd;
}

int root_mount(struct engine *en, const struct container *c, struct arena *a, struct err *e)
{
	return c->image_id || c->config.hull.layer ? mount_own(en, c, a, e)
						   : mount_folder(en, c, e);
}

int root_mount_image(struct engine *en, const struct container *c, struct arena *a, struct err *e)
{
	return mount_image(en, c, -1, false, a, e);
}

int root_mount_scratch(struct engine *en, const struct container *c, int scratch, struct arena *a,
		       struct err *e)
{
	return mount_image(en, c, scratch, true, a, e);
}

int root_show_folder(struct engine *en, int folder, struct err *e)
{
	CLEANUP_FD int nothing = open_nothing(en, e);
	if (nothing < 0)
		return nothing;
	const struct overlay o = {.lowers = (const int[]){folder, nothing},
				  .lower_count = 2,
				  .upper = -1,
				  .work = -1,
				  .upper_mount = -1};
	int fd = overlay_mount(&o, e);
	/* A user may not look below what is mounted there, and cannot write to what is root's. */
	if (fd != -EINVAL || !namespace_caller_is_user())
		return fd;
	fd = mount_clone(folder, "", true);
	return fd >= 0 ? fd : err_errno(e, fd, "cannot copy its mounts");
}
