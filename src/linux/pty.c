/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudo-terminals. Rests on pts(4), TIOCGPTPEER (Linux 4.13). Read pty.h first. */
#include "linux/pty.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/path.h"

enum { TTYAUX_MAJOR = 5, PTMX_MINOR = 2 };

/* The multiplexer of a real devpts, and nothing that looks like it. */
static int check_ptmx(int fd)
{
	struct statfs fs;
	struct stat st;
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(TTYAUX_MAJOR, PTMX_MINOR))
		return -ENOTTY;
	return 0;
}

int pty_open_in_root(int rootfd, struct pty *ret, struct err *e)
{
	CLEANUP_FD int at = path_open_in_root(rootfd, "dev/pts/ptmx", O_PATH, 0);
	int r = at < 0 ? at : check_ptmx(at);
	if (r < 0) {
		err_errno(e, r, "cannot open a terminal: /dev/pts is no devpts");
		return err_hint(e, "the container needs a mount of type devpts at /dev/pts");
	}
	CLEANUP_FD int master =
		path_open_in_root(rootfd, "dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
	if (master < 0 || (r = check_ptmx(master)) < 0)
		return err_errno(e, master < 0 ? master : r, "cannot open a terminal");
	int unlock = 0;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_errno(e, errno, "cannot unlock the terminal");
	int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_errno(e, errno, "cannot open the terminal's other end");
	ret->master = fd_steal(&master);
	ret->slave = slave;
	return 0;
}

int pty_resize(int fd, unsigned rows, unsigned columns)
{
	struct winsize size = {.ws_row = (unsigned short)(rows > 0xffff ? 0xffff : rows),
			       .ws_col = (unsigned short)(columns > 0xffff ? 0xffff : columns)};
	return ioctl(fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}
