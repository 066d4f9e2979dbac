/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pseudo-terminals of one particular devpts. Paths below /dev/pts are the container's to change, so
 * the slave is never opened by name but through its master (TIOCGPTPEER). See pts(4), ioctl_tty(2).
 */
#pragma once

#include "base/err.h"

struct pty {
	int master, slave;
};

/** Open a new pty on the devpts that is mounted at dev/pts below @rootfd. Close-on-exec, no
 *  controlling terminal. Checked to be a devpts, whatever the image put there. */
int pty_open_in_root(int rootfd, struct pty *ret, struct err *e);
/** Set the window size; 0 or -errno. */
int pty_resize(int fd, unsigned rows, unsigned columns);
