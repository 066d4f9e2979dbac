/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hull-tls gives up before it reads the key: its user (setresuid(2)), every capability, new
 * privileges, all of the file system (landlock(7)), core dumps, and the system calls that it has no
 * use for (seccomp(2)); it makes no socket. Its memory has a limit (setrlimit(2)).
 */
#include "linux/cage.h"
#include "tls/tls.h"

static const char *const plain[] = {
	"read",     "write",        "recvfrom",        "sendto",        "poll",
	"shutdown", "close",        "fcntl",           "fstat",         "newfstatat",
	"munmap",   "mremap",       "madvise",         "brk",           "mlock",
	"futex",    "rt_sigaction", "rt_sigprocmask",  "rt_sigreturn",  "getrandom",
	"getpid",   "gettid",       "tgkill",          "clock_gettime", "gettimeofday",
	"time",     "sysinfo",      "restart_syscall", "exit",          "exit_group",
	NULL};

int confine(struct err *e)
{
	const struct cage_rights c = {.who = "hull-tls",
				      .folder = -1,
#ifndef __SANITIZE_ADDRESS__
				      .limit = &(const struct cage_limit){RLIMIT_DATA, 16 << 20},
#endif
				      .calls = plain};
	return cage_enter(&c, e);
}
