/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths that the container must not see (maskedPaths) or not write (readonlyPaths). A masked file
 * gets the host's /dev/null, verified to be it; masked folders share one empty read-only file
 * system. A path that does not exist is none of our business. Read rootfs.h first.
 * Invariant: neither source is reachable or replaceable from the image.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "runtime/rootfs.h"

#define EMPTY_ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static bool is_absent(int number)
{
	return number == -ENOENT || number == -ENOTDIR;
}

/* The first masked folder gets the file system itself, the others copies of that mount. */
static int empty_folder(int *empty, struct err *e)
{
	static const char *const options[] = {"size=0", "nr_inodes=1", "mode=555"};
	if (*empty >= 0)
		return mount_clone(*empty, "", false);
	*empty = mount_new("tmpfs", "mask", options, ARRAY_LEN(options), EMPTY_ATTRS, e);
	return *empty;
}

/* The host's node, but not to be touched through this mount: chmod(2) there would be on the host.
 * What is written to the device is no write to the mount. */
static int null_copy(const struct rootfs *r)
{
	CLEANUP_FD int copy = mount_clone(r->null, "", false);
	int n = copy < 0 ? copy
			 : mount_change(copy, false,
					MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
					0, 0);
	return n < 0 ? n : fd_steal(&copy);
}

static int mask_one(struct rootfs *r, const char *path, int *empty, struct err *e)
{
	struct stat st;
	CLEANUP_FD int target = path_open_in_root(r->root, path, O_PATH, 0);
	if (is_absent(target))
		return 0;
	if (target < 0 || fstat(target, &st) < 0)
		return err_errno(e, target < 0 ? target : errno, "cannot mask %s", path);
	bool is_dir = S_ISDIR(st.st_mode);
	int source = is_dir ? empty_folder(empty, e) : null_copy(r);
	int n = source < 0 ? source : mount_attach(source, target);
	if (source >= 0 && source != *empty)
		close(source);
	return n < 0 ? err_errno(e, n, "cannot mask %s", path) : 0;
}

static int protect_one(struct rootfs *r, const char *path, struct err *e)
{
	CLEANUP_FD int target = path_open_in_root(r->root, path, O_PATH, 0);
	if (is_absent(target))
		return 0;
	CLEANUP_FD int copy = target < 0 ? -1 : mount_clone(target, "", true);
	int n = target < 0 ? target : copy;
	if (n >= 0)
		n = mount_change(copy, true, MOUNT_ATTR_RDONLY, 0, 0);
	if (n >= 0)
		n = mount_attach(copy, target);
	return n < 0 ? err_errno(e, n, "cannot make %s read-only", path) : 0;
}

int rootfs_mask(struct rootfs *r, struct err *e)
{
	const struct strv *masked = &r->spec->linux_.masked_paths;
	const struct strv *readonly = &r->spec->linux_.readonly_paths;
	CLEANUP_FD int empty = -1;
	int n = 0;
	for (size_t i = 0; n == 0 && i < readonly->count; i++)
		n = protect_one(r, readonly->items[i], e);
	if (n == 0 && r->cgroup_guarded)
		n = protect_one(r, "/sys/fs/cgroup", e);
	for (size_t i = 0; n == 0 && i < masked->count; i++)
		n = mask_one(r, masked->items[i], &empty, e);
	return n;
}
