/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cage: another user (setresuid(2)), no capability (capabilities(7)), no_new_privs (prctl(2)),
 * Landlock (landlock(7)) for the resolver's files, resource limits (setrlimit(2)), and a list of
 * system calls (seccomp(2)).
 *
 * What is not listed fails with EPERM and does not end the process: which calls the resolver needs
 * is the C library's and its modules' affair (nsswitch.conf(5)). Read confine.h first.
 */
#include "transport/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/cage.h"
#include "linux/landlock.h"

static const char *const plain[] = {
	/* bytes */
	"read", "readv", "pread64", "write", "writev", "lseek", "ftruncate", "close", "fcntl",
	"fstat", "newfstatat", "fstatfs", "statx", "openat", "getdents64", "readlinkat", "readlink",
	"access", "faccessat", "faccessat2", "uname",
	/* the network */
	"socket", "socketpair", "connect", "bind", "getsockname", "getpeername", "setsockopt",
	"getsockopt", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
	"shutdown", "poll", "ppoll", "select", "pselect6", "pipe2", "eventfd2", "epoll_create1",
	"epoll_ctl", "epoll_wait", "epoll_pwait",
	/* memory, threads, time, the end */
	"munmap", "mremap", "madvise", "brk", "futex", "set_robust_list", "rseq", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "sched_yield", "sched_getaffinity", "getrandom", "gettid",
	"getpid", "getuid", "geteuid", "getgid", "getegid", "tgkill", "clock_gettime",
	"clock_nanosleep", "nanosleep", "gettimeofday", "time", "sysinfo", "prlimit64", "getrlimit",
	"restart_syscall", "exit", "exit_group", NULL};
#ifdef __SANITIZE_ADDRESS__
static const char *const sanitizer[] = {"sigaltstack", "prctl", "getppid", NULL};
#else
static const char *const sanitizer[] = {NULL};
#endif
static const char *const memory[] = {"mmap", "mprotect", NULL};
static const char *const thread[] = {"clone", NULL};
/* libc falls back to clone(2), whose flags a filter can see. */
static const char *const absent[] = {"clone3", NULL};
static const char *const ioctls[] = {"ioctl", NULL};

enum { IOCTL_FIONREAD = 0x541b, IOCTL_FIONBIO = 0x5421 };
static const struct seccomp_arg fionread[] = {{.index = 1, .op = SC_EQ, .value = IOCTL_FIONREAD}};
static const struct seccomp_arg fionbio[] = {{.index = 1, .op = SC_EQ, .value = IOCTL_FIONBIO}};

static const struct seccomp_rule rules[] = {
	{.names = plain, .action = SECCOMP_RET_ALLOW},
	{.names = sanitizer, .action = SECCOMP_RET_ALLOW},
	{.names = memory, .action = SECCOMP_RET_ALLOW, .args = cage_not_executable, .arg_count = 1},
	{.names = thread, .action = SECCOMP_RET_ALLOW, .args = cage_thread_only, .arg_count = 1},
	{.names = ioctls, .action = SECCOMP_RET_ALLOW, .args = fionread, .arg_count = 1},
	{.names = ioctls, .action = SECCOMP_RET_ALLOW, .args = fionbio, .arg_count = 1},
	{.names = absent, .action = SECCOMP_RET_ERRNO | ENOSYS},
};
static const struct seccomp_policy policy = {
	.default_action = SECCOMP_RET_ERRNO | EPERM,
	.unknown_action = SECCOMP_RET_ERRNO | ENOSYS,
	.rules = rules,
	.rule_count = ARRAY_LEN(rules),
};

/* Of the file system: what the resolver reads. */
static int confine_files(struct err *e)
{
	static const char *const paths[] = {
		"/etc/resolv.conf", "/etc/hosts",    "/etc/nsswitch.conf",   "/etc/host.conf",
		"/etc/gai.conf",    "/etc/services", "/run/systemd/resolve", "/dev/urandom"};
	struct landlock_rule allowed[ARRAY_LEN(paths)];
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		allowed[i] = (struct landlock_rule){open(paths[i], O_PATH | O_CLOEXEC),
						    LANDLOCK_ACCESS_FS_READ_FILE};
	int r = landlock_restrict(allowed, ARRAY_LEN(allowed));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		fd_drop(&allowed[i].fd);
	return r < 0 ? err_errno(e, r, "hull-transport: cannot use Landlock") : 0;
}

static int limit_resources(void)
{
	static const struct {
		__rlimit_resource_t what;
		rlim_t most;
	} table[] = {{RLIMIT_CORE, 0}, {RLIMIT_MEMLOCK, 0}};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct rlimit next = {table[i].most, table[i].most};
		if (setrlimit(table[i].what, &next) < 0)
			return -errno;
	}
	return 0;
}

int confine(struct err *e)
{
	struct addrinfo *found;
	/* The resolver's modules are loaded now: afterwards no code can be. */
	if (getaddrinfo("localhost", NULL, NULL, &found) == 0)
		freeaddrinfo(found);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, errno, "hull-transport: cannot set no_new_privs");
	int r = limit_resources();
	if (r < 0)
		return err_errno(e, r, "hull-transport: cannot set resource limits");
	if (confine_files(e) < 0)
		return -e->number;
	r = cage_nobody();
	/* The death of the engine is ours, too; a change of user forgets that. */
	if (r == 0 && (prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0))
		r = -errno;
	return r < 0 ? err_errno(e, r, "hull-transport: cannot drop its rights")
		     : cage_filter(&policy, "hull-transport", e);
}
