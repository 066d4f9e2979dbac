/* SPDX-License-Identifier: Apache-2.0 */
/* Subvolumes with a limit. Read btrfs.h first. */
#include "linux/btrfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

int btrfs_quota_probe(int fd)
{
	struct btrfs_ioctl_fs_info_args info = {0};
	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
		return -errno;
	const uint8_t *u = info.fsid;
	char path[96];
	snprintf(path, sizeof(path),
		 "/sys/fs/btrfs/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x/qgroups",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		 u[13], u[14], u[15]);
	return access(path, F_OK) == 0 ? 0 : -ENODATA;
}

int btrfs_subvolume_make(int dirfd, const char *name, uint64_t bytes)
{
	struct btrfs_ioctl_vol_args args = {0};
	snprintf(args.name, sizeof(args.name), "%s", name);
	if (ioctl(dirfd, BTRFS_IOC_SUBVOL_CREATE, &args) < 0)
		return -errno;
	CLEANUP_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct btrfs_ioctl_qgroup_limit_args limit = {
		.qgroupid = 0, /* the one of @fd */
		.lim = {.flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = bytes}};
	return fd < 0 || ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &limit) < 0 ? -errno : 0;
}

static int open_subvolume(int dirfd, const char *name)
{
	struct stat st;
	struct statfs fs;
	CLEANUP_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	bool is = fs.f_type == BTRFS_SUPER_MAGIC && st.st_ino == BTRFS_FIRST_FREE_OBJECTID;
	return is ? fd_steal(&fd) : -ENOTDIR;
}

/* Items of a tree by @args->key, as many as fit. Their number or -errno. */
static int search(int fd, struct btrfs_ioctl_search_args *args)
{
	args->key.max_transid = UINT64_MAX;
	args->key.nr_items = UINT32_MAX;
	return ioctl(fd, BTRFS_IOC_TREE_SEARCH, args) < 0 ? -errno : (int)args->key.nr_items;
}

static bool subvolume_exists(int fd, uint64_t id)
{
	struct btrfs_ioctl_search_args args = {.key = {.tree_id = BTRFS_ROOT_TREE_OBJECTID,
						       .min_objectid = id,
						       .max_objectid = id,
						       .min_type = BTRFS_ROOT_ITEM_KEY,
						       .max_type = BTRFS_ROOT_ITEM_KEY,
						       .max_offset = UINT64_MAX}};
	return search(fd, &args) != 0;
}

void btrfs_quota_sweep(int fd)
{
	struct btrfs_ioctl_search_args args = {.key = {.tree_id = BTRFS_QUOTA_TREE_OBJECTID,
						       .min_type = BTRFS_QGROUP_LIMIT_KEY,
						       .max_type = BTRFS_QGROUP_LIMIT_KEY,
						       .max_offset = (UINT64_C(1) << 48) - 1}};
	for (int count; (count = search(fd, &args)) > 0;) {
		const char *at = args.buf;
		for (; count > 0; count--) {
			struct btrfs_ioctl_search_header item;
			memcpy(&item, at, sizeof(item));
			at += sizeof(item) + item.len;
			args.key.min_offset = item.offset + 1;
			struct btrfs_ioctl_qgroup_create_args group = {.qgroupid = item.offset};
			if (!subvolume_exists(fd, item.offset))
				ioctl(fd, BTRFS_IOC_QGROUP_CREATE, &group);
		}
	}
}

int btrfs_subvolume_remove(int dirfd, const char *name)
{
	struct btrfs_ioctl_vol_args args = {0};
	CLEANUP_FD int fd = open_subvolume(dirfd, name);
	if (fd < 0)
		return fd;
	snprintf(args.name, sizeof(args.name), "%s", name);
	return ioctl(dirfd, BTRFS_IOC_SNAP_DESTROY, &args) < 0 ? -errno : 0;
}
