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
#ifdef __SANITIZE_ADDRESS__
static const char *const sanitizer[] = {"sigaltstack", "prctl",  "getppid", "sched_yield",
					"readlink",    "openat", "pread64", "getrlimit",
					"prlimit64",   "lseek",  NULL};
#else
static const char *const *const sanitizer = NULL;
#endif
static const struct cage_limit limits[] = {
#ifndef __SANITIZE_ADDRESS__
	{RLIMIT_DATA, (rlim_t)16 << 20},
#endif
	{RLIMIT_CORE, 0}};

int confine(struct err *e)
{
	const struct cage_rights c = {.who = "hull-tls",
				      .folder = -1,
				      .limits = limits,
				      .calls = plain,
				      .sanitizer = sanitizer};
	return cage_enter(&c, e);
}
