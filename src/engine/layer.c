/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers with a limit: a table of back-ends, the best one first. What each leaves behind when its
 * maker is killed lies in the container's folder, or is told by it: the project is the folder's own
 * and is given back before the folder goes, so that its limit never outlives it; subvolume and
 * image lie in it; a loop device ends with its last user. Read layer.h first, then root.c.
 */
#include "engine/layer.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "linux/btrfs.h"
#include "linux/disk_image.h"
#include "linux/project_quota.h"

/* The numbers of projects that are hull's: 'H', and a part of the container's id. */
enum { PROJECT_BASE = 0x48000000, PROJECT_MASK = 0x00ffffff, PROJECTS = PROJECT_MASK + 1 };
/* An image of ext4 needs some room to be one. */
enum { SIZE_LEAST = 1 << 20 };
#define SUBVOLUME "layer" /* of a volume: its "_data" */

static bool is_ours(uint32_t project)
{
	return (project & ~(uint32_t)PROJECT_MASK) == PROJECT_BASE;
}

static int make_one(int dir, const char *name, mode_t mode, uint32_t project, struct err *e)
{
	/* The mode is what is said, whatever the caller's umask. */
	if (mkdirat(dir, name, mode) < 0 || fchmodat(dir, name, mode, 0) < 0)
		return err_errno(e, errno, "cannot create the container's layer");
	CLEANUP_FD int fd = project ? dir_open(dir, name, e) : -1;
	int r = fd < 0 ? 0 : project_set(fd, project, true);
	return r < 0 ? err_errno(e, r, "cannot limit the container's layer") : 0;
}

/* The upper folder is the container's "/". */
static int make_both(int dir, uint32_t project, struct err *e)
{
	int r = make_one(dir, "upper", 0755, project, e);
	return r < 0 ? r : make_one(dir, "work", 0700, project, e);
}

/* --- projects --- */

static int probe_project(int fd, const char **ret_why)
{
	return project_quota_probe(fd);
}

/* A number that nobody uses. Another --root on this file system does not share our lock: he would
 * have to draw the same number in the same moment. */
static int draw_project(int fd, const char *id, uint32_t *ret)
{
	char digits[7];
	snprintf(digits, sizeof(digits), "%s", id);
	uint32_t n = (uint32_t)strtoul(digits, NULL, 16);
	for (uint32_t i = 0; i < PROJECTS; i++) {
		struct project_usage next;
		uint32_t project = PROJECT_BASE | ((n + i) & PROJECT_MASK);
		int r = project_quota_next(fd, project, &next);
		if (r == 0 && next.project == project)
			continue;
		*ret = project;
		return r == -ENOENT ? 0 : r;
	}
	return -EUSERS;
}

/* @folder is in containers/ or volumes/. */
static int begin_project(int folder, const char *id, uint64_t size, uint32_t *ret)
{
	CLEANUP_FD int lock =
		openat(folder, "../../containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return -errno;
	int r = draw_project(folder, id, ret);
	/* In this order: what has a limit has a file, unless its container is gone. */
	if (r == 0)
		r = project_set(folder, *ret, false);
	return r < 0 ? r : project_quota_set(folder, *ret, size);
}

static int make_project(int folder, const char *id, uint64_t size, struct err *e)
{
	uint32_t project = 0;
	int r = begin_project(folder, id, size, &project);
	return r < 0 ? err_errno(e, r, "cannot limit the container's layer")
		     : make_both(folder, project, e);
}

static int limit_project(int holder, const char *name, uint64_t size)
{
	char id[ID_LEN + 1];
	uint32_t project = 0;
	int r = project_get(holder, &project);
	id_new(id);
	if (r == 0 && !is_ours(project))
		r = begin_project(holder, id, size, &project);
	if (r == 0 && mkdirat(holder, name, 0755) < 0 && errno != EEXIST)
		r = -errno;
	CLEANUP_FD int fd = r < 0 ? r : dir_open(holder, name, ERR_IGNORED);
	return fd < 0 ? fd : project_set(fd, project, true);
}

/* --- subvolumes --- */

static int probe_btrfs(int fd, const char **ret_why)
{
	return btrfs_quota_probe(fd);
}

static int make_btrfs(int folder, const char *id, uint64_t size, struct err *e)
{
	btrfs_quota_sweep(folder); /* what earlier ones left */
	int r = btrfs_subvolume_make(folder, SUBVOLUME, size);
	CLEANUP_FD int fd = r < 0 ? -1 : dir_open(folder, SUBVOLUME, e);
	if (r < 0)
		return err_errno(e, r, "cannot make a limited subvolume");
	return fd < 0 ? fd : make_both(fd, 0, e);
}

static int limit_btrfs(int holder, const char *name, uint64_t size)
{
	if (file_exists(holder, name))
		return 0;
	btrfs_quota_sweep(holder);
	return btrfs_subvolume_make(holder, name, size);
}

/* --- images --- */

static int probe_image(int fd, const char **ret_why)
{
	return disk_image_probe(ret_why);
}

static int make_image(int folder, const char *id, uint64_t size, struct err *e)
{
	return disk_image_make(folder, size, e);
}

/* --- all of them --- */

enum place { IN_FOLDER, IN_SUBVOLUME, IN_IMAGE };
static const struct backend {
	const char *name;
	long fs; /* on which file system; 0: any */
	enum place place;
	int (*probe)(int fd, const char **ret_why);
	int (*make)(int folder, const char *id, uint64_t size, struct err *e);
	int (*limit)(int holder, const char *name, uint64_t size); /* NULL: not a shared folder */
} backends[] = {
	{"xfs project", XFS_SUPER_MAGIC, IN_FOLDER, probe_project, make_project, limit_project},
	{"ext4 project", EXT4_SUPER_MAGIC, IN_FOLDER, probe_project, make_project, limit_project},
	{"btrfs qgroup", BTRFS_SUPER_MAGIC, IN_SUBVOLUME, probe_btrfs, make_btrfs, limit_btrfs},
	{"loop ext4", 0, IN_IMAGE, probe_image, make_image, NULL},
};

bool layer_exists(const struct container_config *config)
{
	return !config->hull.rootfs || config->hull.rootfs_overlay;
}

static const struct backend *find_backend(int dir, const char **ret_why)
{
	struct statfs fs;
	if (fstatfs(dir, &fs) < 0)
		fs.f_type = 0;
	for (size_t i = 0; i < ARRAY_LEN(backends); i++)
		if ((!backends[i].fs || backends[i].fs == fs.f_type) &&
		    backends[i].probe(dir, ret_why) == 0)
			return &backends[i];
	return NULL;
}

const char *layer_backend(const struct engine *en, const char **ret_why)
{
	const struct backend *b = find_backend(en->root_fd, ret_why);
	return b ? b->name : NULL;
}

int limited_folder_make(int holder, const char *name, uint64_t size, struct err *e)
{
	const char *why = "";
	const struct backend *b = find_backend(holder, &why);
	int r = b && b->limit ? b->limit(holder, name, size) : -ENOTSUP;
	if (r == -ENOTSUP) {
		err_set(e, ENOTSUP, ERR_INVALID, "quota size requested but no quota support");
		err_hint(e, "a folder can be limited on XFS or ext4 mounted with prjquota, and on "
			    "btrfs with quotas; else -o type=tmpfs -o device=tmpfs -o size=...");
		return r;
	}
	return r < 0 ? err_errno(e, r, "cannot limit its folder") : 0;
}

static const struct backend *backend_of(const struct container *c)
{
	const char *name = c->config.hull.storage_quota;
	for (size_t i = 0; name && i < ARRAY_LEN(backends); i++)
		if (!strcmp(name, backends[i].name))
			return &backends[i];
	return NULL;
}

bool layer_has_project(const struct container *c)
{
	const struct backend *b = backend_of(c);
	return b && b->place == IN_FOLDER;
}

/* docker's rules: `size` alone, 0 is no limit. */
static int read_size(const struct kvs *options, int64_t *ret, struct err *e)
{
	*ret = 0;
	for (size_t i = 0; i < options->count; i++) {
		const char *key = options->items[i].key, *value = options->items[i].value;
		if (strcmp(key, "size"))
			return err_set(e, EINVAL, ERR_INVALID,
				       "--storage-opt %s: unknown option %s (there is: size)", key,
				       key);
		if (size_parse(value, ret) < 0 || *ret < 0)
			return err_set(e, EINVAL, ERR_INVALID, "invalid size: '%s'", value);
		if (*ret && *ret < SIZE_LEAST)
			return err_set(e, EINVAL, ERR_INVALID,
				       "--storage-opt size=%s: less than 1m is no layer", value);
	}
	return 0;
}

int layer_plan(const struct engine *en, struct container_config *config, struct err *e)
{
	int64_t size;
	const char *why = "";
	int r = read_size(&config->host.storage_opt, &size, e);
	if (r < 0 || !size)
		return r;
	if (!layer_exists(config)) {
		err_set(e, EINVAL, ERR_INVALID,
			"--storage-opt size: the container writes into the folder %s itself, which "
			"hull does not limit",
			config->hull.rootfs);
		return err_hint(e, "--rootfs %s:O runs on a throw-away copy of it",
				config->hull.rootfs);
	}
	config->hull.storage_quota = (char *)layer_backend(en, &why);
	if (config->hull.storage_quota)
		return 0;
	err_set(e, ENOTSUP, ERR_INVALID,
		"--storage-opt size: --root %s is on no XFS or ext4 with project quota and no "
		"btrfs "
		"with quotas, and an image cannot take its place: %s",
		en->root, why);
	return err_hint(e, "mount it with prjquota, or provide what the image needs");
}

int layer_make(const struct engine *en, const struct container *c, int folder, struct err *e)
{
	int64_t size;
	const struct backend *b = backend_of(c);
	if (!layer_exists(&c->config) || c->config.hull.layer)
		return 0;
	int r = b ? read_size(&c->config.host.storage_opt, &size, e) : 0;
	if (r < 0)
		return r;
	return b ? b->make(folder, c->id, (uint64_t)size, e) : make_both(folder, 0, e);
}

static int open_image(int folder, struct err *e)
{
	CLEANUP_FD int mount = disk_image_mount(folder, e);
	if (mount < 0 || file_exists(mount, "work"))
		return fd_steal(&mount);
	/* The first time, or the first one was cut off. */
	int r = file_exists(mount, "upper") ? 0 : make_one(mount, "upper", 0755, 0, e);
	if (r == 0)
		r = make_one(mount, "work", 0700, 0, e);
	return r < 0 ? r : fd_steal(&mount);
}

int layer_open(const struct engine *en, const struct container *c, bool *ret_mount, struct err *e)
{
	const struct backend *b = backend_of(c);
	enum place place = b ? b->place : IN_FOLDER;
	char path[64 + ID_LEN];
	if (c->config.hull.layer) /* made by a build, and kept by it */
		snprintf(path, sizeof(path), "layers/%s", c->config.hull.layer);
	else
		snprintf(path, sizeof(path), "containers/%s%s", c->id,
			 place == IN_SUBVOLUME ? "/" SUBVOLUME : "");
	CLEANUP_FD int fd = dir_open(en->root_fd, path, e);
	int layer = fd >= 0 && place == IN_IMAGE ? open_image(fd, e) : fd_steal(&fd);
	if (ret_mount)
		*ret_mount = place == IN_IMAGE;
	if (layer < 0)
		err_context(e, "container %s: cannot open its layer", c->name ? c->name : c->id);
	return layer;
}

int layer_renew(const struct container *c, int layer, const char *what, struct err *e)
{
	uint32_t project = 0;
	int r = tree_remove(layer, what, e);
	if (r == 0 && layer_has_project(c) && (r = project_get(layer, &project)) < 0)
		err_errno(e, r, "container %s: cannot renew its layer", c->name);
	return r < 0 ? r : make_one(layer, what, 0755, project, e);
}

char *layer_path(const struct engine *en, const struct container *c, struct arena *a)
{
	const struct backend *b = backend_of(c);
	char *folder = container_dir_path(en, c->id, a);
	if (!b || b->place == IN_FOLDER)
		return folder;
	return b->place == IN_IMAGE ? NULL : arena_printf(a, "%s/" SUBVOLUME, folder);
}

/* --- removing --- */

int limited_folder_remove(int dirfd, const char *name, struct err *e)
{
	uint32_t project;
	CLEANUP_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = 0;
	if (fd >= 0 && project_get(fd, &project) == 0 && is_ours(project))
		r = project_quota_set(fd, project, 0);
	/* The quota may have been turned off since. */
	if (r < 0 && r != -ESRCH && r != -ENOSYS)
		return err_errno(e, r, "cannot give back its quota");
	static const char *const subvolumes[] = {SUBVOLUME, "_data"};
	for (size_t i = 0; fd >= 0 && i < ARRAY_LEN(subvolumes); i++) {
		r = btrfs_subvolume_remove(fd, subvolumes[i]);
		if (r < 0 && r != -ENOENT && r != -ENOTDIR)
			return err_errno(e, r, "cannot remove its subvolume");
	}
	return tree_remove(dirfd, name, e);
}

int layer_check(const struct engine *en, bool repair, struct arena *a, struct strv *problems)
{
	struct project_usage found;
	int r = 0;
	if (repair)
		btrfs_quota_sweep(en->root_fd);
	for (uint32_t from = PROJECT_BASE;
	     r == 0 && project_quota_next(en->root_fd, from, &found) == 0 && is_ours(found.project);
	     from = found.project + 1) {
		if (!found.limit || found.files)
			continue;
		strv_push(a, problems,
			  arena_printf(a, "quota of project %u that no container has%s",
				       found.project, repair ? ": removed" : ""));
		if (repair)
			r = project_quota_set(en->root_fd, found.project, 0);
	}
	return r;
}
