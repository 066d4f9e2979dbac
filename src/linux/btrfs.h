/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subvolumes of btrfs and the limit of what one may hold: a subvolume has a group of quota (qgroup)
 * of its own, once quotas are enabled on the file system (`btrfs quota enable`). statfs(2) does not
 * know of the limit. See btrfs-ioctl(2) and linux/btrfs.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Whether the file system of the folder @fd is a btrfs that counts. 0, or negative errno: -ENODATA
 *  when quotas are not enabled. */
int btrfs_quota_probe(int fd);
/** 0 or negative errno. The group that comes with it may not hold more than @bytes. */
int btrfs_subvolume_make(int dirfd, const char *name, uint64_t bytes);
/** With all that is in it. What is no subvolume is left alone: -ENOENT, -ENOTDIR. */
int btrfs_subvolume_remove(int dirfd, const char *name);
/** Remove the groups with a limit whose subvolume is gone. Since Linux 6.11 they go by themselves;
 *  before, each removed subvolume leaves one, which cannot be removed until the kernel is done with
 *  the subvolume, some time later. */
void btrfs_quota_sweep(int fd);
