/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hull-tls gives up before it reads the key: its user (setresuid(2)), every capability, new
 * privileges, all of the file system (landlock(7)), core dumps, and the system calls that it has no
 * use for (seccomp(2)); it makes no socket. Its memory has a limit (setrlimit(2)).
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "linux/cage.h"
#include "linux/landlock.h"
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
static const char *const sanitizer[] = {NULL};
#endif
static const char *const memory[] = {"mmap", "mprotect", NULL};
static const struct seccomp_rule rules[] = {
	{.names = plain, .action = SECCOMP_RET_ALLOW},
	{.names = sanitizer, .action = SECCOMP_RET_ALLOW},
	{.names = memory, .action = SECCOMP_RET_ALLOW, .args = cage_not_executable, .arg_count = 1},
};
static const struct seccomp_policy policy = {
	.default_action = SECCOMP_RET_ERRNO | EPERM,
	.unknown_action = SECCOMP_RET_ERRNO | ENOSYS,
	.rules = rules,
	.rule_count = ARRAY_LEN(rules),
};

static int limit_resources(void)
{
	static const struct {
		__rlimit_resource_t what;
		rlim_t most;
	} table[] = {
		{RLIMIT_CORE, 0},
#ifndef __SANITIZE_ADDRESS__
		{RLIMIT_DATA, (rlim_t)16 << 20},
#endif
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct rlimit next = {table[i].most, table[i].most};
		if (setrlimit(table[i].what, &next) < 0)
			return -errno;
	}
	return 0;
}

int confine(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, errno, "hull-tls: cannot set no_new_privs");
	int r = landlock_restrict(NULL, 0);
	if (r >= 0)
		r = limit_resources();
	if (r == 0)
		r = cage_nobody();
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		r = -errno;
	return r < 0 ? err_errno(e, r, "hull-tls: cannot drop its rights")
		     : cage_filter(&policy, "hull-tls", e);
}
