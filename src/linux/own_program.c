/* SPDX-License-Identifier: Apache-2.0 */
/* Executing itself again from a read-only mount. Read own_program.h first. */
#include "linux/own_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/mount.h"

/* A copy of a mount has no path: it is handed on. Only a path that leads to this very file counts.
 */
#define PATH_VARIABLE "HULL_OWN_PROGRAM"

static const char SELF[] = "/proc/self/exe";

static bool is_read_only(int fd)
{
	struct statvfs fs;
	return fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY;
}

int own_program_path(char *buf, size_t size)
{
	struct stat self, other;
	const char *handed = getenv(PATH_VARIABLE);
	if (handed && *handed == '/' && strlen(handed) < size && stat(SELF, &self) == 0 &&
	    stat(handed, &other) == 0 && self.st_dev == other.st_dev &&
	    self.st_ino == other.st_ino) {
		memcpy(buf, handed, strlen(handed) + 1);
		return 0;
	}
	ssize_t n = readlink(SELF, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

int own_program_protect(char *const argv[], struct err *e)
{
	char path[4096];
	const char *slash = strrchr(argv[0] ? argv[0] : "hull", '/');
	CLEANUP_FD int self = open(SELF, O_PATH | O_CLOEXEC);
	if (self < 0)
		return err_errno(e, errno, "cannot open the own program");
	if (is_read_only(self)) {
		/* The kernel has named this process after a descriptor. */
		prctl(PR_SET_NAME, slash ? slash + 1 : argv[0], 0, 0, 0);
		return 0;
	}
	CLEANUP_FD int copy = mount_clone(self, "", false);
	/* It was begun in another mount namespace than it is in now: engine/rootless.c. */
	if (copy == -EINVAL && mount_reopen(self) == 0)
		copy = mount_clone(self, "", false);
	if (copy == -EPERM || copy == -ENOSYS)
		return 0;
	int r = copy < 0 ? copy : mount_change(copy, false, MOUNT_ATTR_RDONLY, 0, 0);
	if (r == 0)
		r = own_program_path(path, sizeof(path));
	if (r == 0 && setenv(PATH_VARIABLE, path, true) < 0)
		r = -errno;
	if (r == 0) {
		execveat(copy, "", argv, environ, AT_EMPTY_PATH);
		r = -errno;
	}
	return err_errno(e, r, "cannot put the own program out of the container's reach");
}
