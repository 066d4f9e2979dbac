/* SPDX-License-Identifier: Apache-2.0 */
/* Executing itself again from a read-only mount. Read own_program.h first. */
#include "linux/own_program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/mount.h"

static bool is_read_only(int fd)
{
	struct statvfs fs;
	return fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY;
}

int own_program_path(char *buf, size_t size)
{
	struct stat self, other;
	const char *handed = getenv(OWN_PROGRAM_VARIABLE);
	if (handed && *handed == '/' && strlen(handed) < size &&
	    stat(OWN_PROGRAM_LINK, &self) == 0 && stat(handed, &other) == 0 &&
	    self.st_dev == other.st_dev && self.st_ino == other.st_ino) {
		memcpy(buf, handed, strlen(handed) + 1);
		return 0;
	}
	ssize_t n = readlink(OWN_PROGRAM_LINK, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

int own_program_protect(char *const argv[], struct err *e)
{
	char path[4096];
	const char *slash = strrchr(argv[0] ? argv[0] : "hull", '/');
	CLEANUP_FD int self = open(OWN_PROGRAM_LINK, O_PATH | O_CLOEXEC);
	if (self < 0)
		return err_errno(e, errno, "cannot open the own program");
	if (is_read_only(self)) {
		/* The kernel has named this process after a descriptor. */
		prctl(PR_SET_NAME, slash ? slash + 1 : argv[0], 0, 0, 0);
		return 0;
	}
	int r = own_program_path(path, sizeof(path));
	if (r == 0 && setenv(OWN_PROGRAM_VARIABLE, path, true) < 0)
		r = -errno;
	if (r == 0)
		r = (int)own_program_again(self, argv, environ);
	/* It was begun in another mount namespace than it is in now: engine/rootless.c. */
	if (r == -EINVAL && mount_reopen(self) == 0)
		r = (int)own_program_again(self, argv, environ);
	if (r == -EPERM || r == -ENOSYS)
		return 0;
	return err_errno(e, r, "cannot put the own program out of the container's reach");
}
