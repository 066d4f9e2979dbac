// SPDX-License-Identifier: Apache-2.0
/*
 * The controlling terminal and who is in its foreground: tcsetpgrp(3), ioctl_tty(2), setpgid(2).
 *
 * The terminal sends ^C and ^Z to its foreground process group only. The main process has a group
 * of its own, so it must be put there, or it would stop with SIGTTIN at its first read.
 * A background process that changes the foreground gets SIGTTOU; ours stays blocked.
 *
 * Invariant: the foreground moves only between us and the main process, never away from a third.
 */
#include <asm/ioctls.h>

#include "sys.h"
#include "terminal.h"

int terminal_find(void)
{
	int group;

	for (int fd = 0; fd <= 2; fd++)
		if (sys_ioctl(fd, TIOCGPGRP, &group) == 0)
			return fd;
	return -1;
}

void terminal_hand_over(int terminal, int from, int to)
{
	int group;

	if (terminal < 0 || sys_ioctl(terminal, TIOCGPGRP, &group) < 0 || group != from)
		return;
	sys_ioctl(terminal, TIOCSPGRP, &to);
}

void terminal_let_go(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	/*
	 * When a session leader does this, the kernel sends HUP and CONT to the foreground group:
	 * to us. An ignored signal is dropped only while it is not blocked.
	 */
	sys_sigmask_set(~(UINT64_C(1) << (SIGHUP - 1) | UINT64_C(1) << (SIGCONT - 1)));
	sys_sigaction(SIGHUP, &ignore);
	sys_ioctl(0, TIOCNOTTY, NULL);
}

void terminal_take(void)
{
	sys_ioctl(0, TIOCSCTTY, NULL);
}
