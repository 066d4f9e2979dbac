/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of hull-unpack. What is not listed ends the process: none of it happens but by
 * an intruder's hand. No call here makes executable memory, a process, a socket, or takes a path
 * that is not resolved below a descriptor of the staging folder (the root directory is that folder
 * too).
 */
#include <errno.h>
#include <linux/seccomp.h>

#include "base/cleanup.h"
#include "image/unpack/confine.h"
#include "linux/cage.h"

static const char *const plain[] = {
	/* bytes */
	"read",
	"pread64",
	"write",
	"pwrite64",
	"lseek",
	"ftruncate",
	"close",
	"sendmsg",
	/* the tree */
	"openat",
	"openat2",
	"mkdirat",
	"mknodat",
	"symlinkat",
	"readlinkat",
	"linkat",
	"unlinkat",
	"fchown",
	"fchownat",
	"fchmod",
	"fchmodat",
	"fchmodat2",
	"utimensat",
	"fsetxattr",
	"flistxattr",
	"fgetxattr",
	"fstatfs",
	"fstat",
	"newfstatat",
	"getdents64",
	"fcntl",
	/* memory, threads, the end */
	"munmap",
	"mremap",
	"madvise",
	"brk",
	"futex",
	"set_robust_list",
	"rseq",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sched_yield",
	"sched_getaffinity",
	"getrandom",
	"gettid",
	"getpid",
	"tgkill",
	"restart_syscall",
	"exit",
	"exit_group",
	NULL,
};
/* The sanitizers' own, in builds for tests. */
#ifdef __SANITIZE_ADDRESS__
static const char *const sanitizer[] = {"sigaltstack", "prctl",         "readlink", "getrlimit",
					"prlimit64",   "clock_gettime", "getppid",  NULL};
#else
static const char *const sanitizer[] = {NULL};
#endif
static const char *const memory[] = {"mmap", "mprotect", NULL};
static const char *const thread[] = {"clone", NULL};
/* libc falls back to clone(2), whose flags a filter can see. */
static const char *const absent[] = {"clone3", NULL};

static const struct seccomp_rule rules[] = {
	{.names = plain, .action = SECCOMP_RET_ALLOW},
	{.names = sanitizer, .action = SECCOMP_RET_ALLOW},
	{.names = memory, .action = SECCOMP_RET_ALLOW, .args = cage_not_executable, .arg_count = 1},
	{.names = thread, .action = SECCOMP_RET_ALLOW, .args = cage_thread_only, .arg_count = 1},
	{.names = absent, .action = SECCOMP_RET_ERRNO | ENOSYS},
};

static const struct seccomp_policy policy = {
	.default_action = SECCOMP_RET_KILL_PROCESS,
	.unknown_action = SECCOMP_RET_KILL_PROCESS,
	.rules = rules,
	.rule_count = ARRAY_LEN(rules),
};

int confine_calls(struct err *e)
{
	return cage_filter(&policy, "hull-unpack", e);
}

int confine_bytes_calls(struct err *e)
{
	static const char *const calls[] = {
		"read",         "pread64",         "write",        "close",      "sendmsg",
		"munmap",       "mremap",          "madvise",      "brk",        "futex",
		"rt_sigaction", "rt_sigprocmask",  "rt_sigreturn", "getpid",     "gettid",
		"tgkill",       "restart_syscall", "exit",         "exit_group", NULL};
	static const struct cage_limit limits[] = {{RLIMIT_MEMLOCK, 0}, {RLIMIT_CORE, 0}};
	const struct cage_rights c = {.who = "hull-unpack",
				      .folder = -1,
				      .limits = limits,
				      .with_parent = true,
				      .calls = calls,
				      .sanitizer = sanitizer,
				      .kills = true};
	return cage_enter(&c, e);
}
