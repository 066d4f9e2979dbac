/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Project quotas by descriptor. The commands of the generic layer (Q_GETNEXTQUOTA, Q_SETQUOTA)
 * serve XFS too, as Q_XGETQSTATV serves ext4. Read project_quota.h first.
 */
#include "linux/project_quota.h"

#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A limit is given in blocks of this size, whatever the file system's is; usage in bytes. */
enum { LIMIT_BLOCK = 1024 };

static int control(int fd, unsigned command, uint32_t project, void *data)
{
	return syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, data) < 0 ? -errno
											: 0;
}

int project_quota_probe(int fd)
{
	struct fs_quota_statv state = {.qs_version = FS_QSTATV_VERSION1};
	int r = control(fd, Q_XGETQSTATV, 0, &state);
	return r < 0 || state.qs_flags & FS_QUOTA_PDQ_ENFD ? r : -ESRCH;
}

int project_get(int fd, uint32_t *ret)
{
	struct fsxattr x;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &x) < 0)
		return -errno;
	*ret = x.fsx_projid;
	return 0;
}

int project_set(int fd, uint32_t project, bool inherit)
{
	struct fsxattr x;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &x) < 0)
		return -errno;
	x.fsx_projid = project;
	x.fsx_xflags &= ~(uint32_t)FS_XFLAG_PROJINHERIT;
	x.fsx_xflags |= inherit ? FS_XFLAG_PROJINHERIT : 0;
	return ioctl(fd, FS_IOC_FSSETXATTR, &x) < 0 ? -errno : 0;
}

int project_quota_set(int fd, uint32_t project, uint64_t bytes)
{
	struct if_dqblk limits = {.dqb_bhardlimit = bytes / LIMIT_BLOCK,
				  .dqb_bsoftlimit = bytes / LIMIT_BLOCK,
				  .dqb_valid = QIF_BLIMITS};
	return control(fd, Q_SETQUOTA, project, &limits);
}

int project_quota_next(int fd, uint32_t from, struct project_usage *ret)
{
	struct if_nextdqblk next;
	int r = control(fd, Q_GETNEXTQUOTA, from, &next);
	if (r < 0)
		return r == -ESRCH ? -ENOENT : r;
	*ret = (struct project_usage){.project = next.dqb_id,
				      .limit = next.dqb_bhardlimit * LIMIT_BLOCK,
				      .files = next.dqb_curinodes};
	return 0;
}
