/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas of projects on ext4 and XFS: files and folders carry the number of a project, new ones
 * take it from a folder that says so, and the file system limits what all of a number use together.
 * statfs(2) below such a folder tells the limit as the size. Rests on quotactl_fd(2) (Linux 5.14)
 * and FS_IOC_FSSETXATTR, see ioctl_xfs_fsgetxattr(2). A file system has them only if it was mounted
 * with prjquota (and an ext4 was made with -O quota,project).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Whether the file system of the folder @fd enforces limits of projects. 0 or negative errno. */
int project_quota_probe(int fd);
/** The project of the file or folder @fd; 0: none. 0 or negative errno. */
int project_get(int fd, uint32_t *ret);
/** Give the folder @fd a project, and with @inherit all that will be made in it. */
int project_set(int fd, uint32_t project, bool inherit);
/** At most @bytes for all files of @project on the file system of @fd; 0: no limit. */
int project_quota_set(int fd, uint32_t project, uint64_t bytes);

struct project_usage {
	uint32_t project;
	uint64_t limit, files;
};
/** The next project from @from on that has a limit or a file; -ENOENT: no more. */
int project_quota_next(int fd, uint32_t from, struct project_usage *ret);
