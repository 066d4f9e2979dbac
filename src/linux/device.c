/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes. Rests on mknod(2), open_tree(2); sysfs(5) for disks. Invariant: a name in @dirfd is
 * never followed. Read device.h first.
 */
#include "linux/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"
#include "linux/mount.h"

enum { MEMORY_MAJOR = 1, NULL_MINOR = 3 };

static bool is_same(int dirfd, const char *name, const struct device *d)
{
	struct stat st;
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (st.st_mode & S_IFMT) == d->type &&
	       (d->type == S_IFIFO || st.st_rdev == makedev(d->major, d->minor));
}

/* The host's node in place of our own: an empty file to mount upon, and the mount. */
static int bind_node(int dirfd, const char *name, const struct device *d, struct err *e)
{
	CLEANUP_FD int file =
		openat(dirfd, name, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (file < 0)
		return err_errno(e, errno, "cannot create device %s", d->path);
	CLEANUP_FD int mount = mount_clone(AT_FDCWD, d->host ? d->host : d->path, false);
	if (mount < 0)
		return err_errno(e, mount, "cannot take device %s from the host", d->path);
	int r = mount_attach(mount, file);
	return r < 0 ? err_errno(e, r, "cannot take device %s from the host", d->path) : 0;
}

int device_make(int dirfd, const char *name, const struct device *d, struct err *e)
{
	dev_t numbers = makedev(d->major, d->minor);
	int r = mknodat(dirfd, name, d->type | d->mode, numbers);
	if (r < 0 && errno == EEXIST) {
		if (is_same(dirfd, name, d))
			return 0;
		if (unlinkat(dirfd, name, 0) < 0)
			return err_errno(e, errno, "cannot replace %s by a device", d->path);
		r = mknodat(dirfd, name, d->type | d->mode, numbers);
	}
	if (r < 0 && errno == EPERM)
		return bind_node(dirfd, name, d, e);
	if (r < 0)
		return err_errno(e, errno, "cannot create device %s", d->path);
	if ((d->uid || d->gid) && fchownat(dirfd, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, errno, "cannot set the owner of device %s", d->path);
	return 0;
}

int device_find_disk(const char *path, dev_t *ret, bool *ret_is_partition)
{
	struct stat st;
	char file[64], text[32];
	unsigned major, minor;
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISBLK(st.st_mode))
		return -ENOTBLK;
	*ret = st.st_rdev;
	snprintf(file, sizeof(file), "/sys/dev/block/%u:%u/partition", major(st.st_rdev),
		 minor(st.st_rdev));
	*ret_is_partition = file_exists(AT_FDCWD, file);
	if (!*ret_is_partition)
		return 0;
	/* The folder of a partition lies in that of its disk. */
	strcpy(strrchr(file, '/'), "/../dev");
	int r = file_read_small(AT_FDCWD, file, text, sizeof(text));
	if (r < 0 || sscanf(text, "%u:%u", &major, &minor) != 2)
		return r < 0 ? r : -ENODEV;
	*ret = makedev(major, minor);
	return 0;
}

int device_check_null(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(MEMORY_MAJOR, NULL_MINOR))
		return -ENODEV;
	return 0;
}

int device_open_null(int root)
{
	CLEANUP_FD int node = path_open_in_root(root, "dev/null", O_PATH | O_NOFOLLOW, 0);
	int r = node < 0 ? node : device_check_null(node);
	if (r < 0)
		return r;
	CLEANUP_FD int null =
		path_open_in_root(root, "dev/null", O_RDWR | O_NOCTTY | O_NOFOLLOW, 0);
	r = null < 0 ? null : device_check_null(null);
	return r < 0 ? r : fd_steal(&null);
}

int device_new_null(struct err *e)
{
	static const struct device node = {"null", S_IFCHR, MEMORY_MAJOR, NULL_MINOR, 0666, 0, 0};
	CLEANUP_FD int folder = mount_new("tmpfs", "null", NULL, 0, MOUNT_ATTR_NOEXEC, e);
	int r = folder < 0 ? folder : device_make(folder, node.path, &node, e);
	if (r < 0)
		return r;
	int null = openat(folder, node.path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return null < 0 ? err_errno(e, errno, "cannot open a null device") : null;
}
