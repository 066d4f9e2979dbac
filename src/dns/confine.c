/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hull-dns gives up before it reads a foreign byte: its user (setresuid(2)), every capability,
 * new privileges, all of the file system but what it reads by name (landlock(7)), and the system
 * calls that it has no use for (seccomp(2)).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "dns/server.h"
#include "linux/cage.h"
#include "linux/landlock.h"

static const char *const plain[] = {
	"read",       "pread64",       "close",           "fcntl",    "fstat",
	"newfstatat", "openat",        "flock",           "socket",   "connect",
	"accept4",    "getsockopt",    "sendto",          "recvfrom", "poll",
	"munmap",     "mremap",        "madvise",         "brk",      "rt_sigreturn",
	"getrandom",  "clock_gettime", "restart_syscall", "exit",     "exit_group",
	NULL};
#ifdef __SANITIZE_ADDRESS__
static const char *const sanitizer[] = {"sigaltstack", "prctl",        "getppid",
					"write",       "getpid",       "sched_yield",
					"readlink",    "rt_sigaction", NULL};
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
	.default_action = SECCOMP_RET_KILL_PROCESS,
	.unknown_action = SECCOMP_RET_KILL_PROCESS,
	.rules = rules,
	.rule_count = ARRAY_LEN(rules),
};

static int confine_files(void)
{
	static const char *const paths[] = {"/etc/resolv.conf", "/etc", "/run/systemd/resolve"};
	struct landlock_rule allowed[ARRAY_LEN(paths) + 1] = {
		{DNS_FD_FOLDER, LANDLOCK_ACCESS_FS_READ_FILE}};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		allowed[1 + i] = (struct landlock_rule){open(paths[i], O_PATH | O_CLOEXEC),
							LANDLOCK_ACCESS_FS_READ_FILE};
	int r = landlock_restrict(allowed, ARRAY_LEN(allowed));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		fd_drop(&allowed[1 + i].fd);
	return r < 0 ? r : 0;
}

int confine(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, errno, "hull-dns: cannot set no_new_privs");
	int r = confine_files();
	if (r == 0)
		r = cage_nobody();
	if (r < 0)
		return err_errno(e, r, "hull-dns: cannot drop its rights");
	return cage_filter(&policy, "hull-dns", e);
}
