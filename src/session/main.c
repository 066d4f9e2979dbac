/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hull-session gives up before it hears of its client: its user (setresuid(2)), every
 * capability, new privileges, all of the file system (landlock(7)), core dumps, and the system
 * calls that it has no use for (seccomp(2)); it makes no socket and opens nothing. Its memory has a
 * limit (setrlimit(2)). Read session.h first.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/cage.h"
#include "session/session.h"
#include "session/wire.h"

static const char *const plain[] = {
	"read",       "write",   "pwrite64",   "recvfrom",        "recvmsg",        "sendto",
	"sendmsg",    "accept4", "poll",       "ppoll",           "shutdown",       "close",
	"fcntl",      "fstat",   "newfstatat", "munmap",          "mremap",         "madvise",
	"brk",        "futex",   "getrandom",  "rt_sigaction",    "rt_sigprocmask", "rt_sigreturn",
	"getpid",     "gettid",  "tgkill",     "restart_syscall", "clock_gettime",  "exit",
	"exit_group", NULL};

int confine(struct err *e)
{
	const struct cage_rights c = {.who = "hull-session",
				      .folder = -1,
#ifndef __SANITIZE_ADDRESS__
				      .limit = &(const struct cage_limit){RLIMIT_DATA, 256 << 20},
#endif
				      .with_parent = true,
				      .calls = plain};
	return cage_enter(&c, e);
}

int main(void)
{
	struct err e = {0};
	char go;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (!fd_is_open(SESSION_FD_LISTENER)) {
		fprintf(stderr, "hull-session is started by hulld, it does nothing by itself\n");
		return 125;
	}
	close_range(SESSION_FD_LISTENER + 1, ~0U, 0);
	confine(&e);
	if (fd_send(SESSION_FD_SOCKET, &e, sizeof(e), NULL, 0) < 0 || e.number)
		_exit(1);
	/* The client must have its answer first. */
	if (fd_recv(SESSION_FD_SOCKET, &go, 1, NULL, 0) == 1)
		session_run();
	_exit(0);
}
