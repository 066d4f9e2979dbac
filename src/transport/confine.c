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
#include <linux/seccomp.h>
#include <netdb.h>

#include "base/cleanup.h"
#include "linux/cage.h"

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
static const char *const ioctls[] = {"ioctl", NULL};

enum { IOCTL_FIONREAD = 0x541b, IOCTL_FIONBIO = 0x5421 };
static const struct seccomp_arg fionread[] = {{.index = 1, .op = SC_EQ, .value = IOCTL_FIONREAD}};
static const struct seccomp_arg fionbio[] = {{.index = 1, .op = SC_EQ, .value = IOCTL_FIONBIO}};

static const struct seccomp_rule rules[] = {
	{.names = ioctls, .action = SECCOMP_RET_ALLOW, .args = fionread, .arg_count = 1},
	{.names = ioctls, .action = SECCOMP_RET_ALLOW, .args = fionbio, .arg_count = 1},
};
/* What the resolver reads. */
static const char *const files[] = {"/etc/resolv.conf",     "/etc/hosts",    "/etc/nsswitch.conf",
				    "/etc/host.conf",       "/etc/gai.conf", "/etc/services",
				    "/run/systemd/resolve", "/dev/urandom",  NULL};

int confine(struct err *e)
{
	const struct cage_rights c = {.who = "hull-transport",
				      .files = files,
				      .folder = -1,
				      .limit = &(const struct cage_limit){RLIMIT_MEMLOCK, 0},
				      .with_parent = true,
				      .calls = plain,
				      .threads = true,
				      .more = rules,
				      .more_count = ARRAY_LEN(rules)};
	struct addrinfo *found;
	/* The resolver's modules are loaded now: afterwards no code can be. */
	if (getaddrinfo("localhost", NULL, NULL, &found) == 0)
		freeaddrinfo(found);
	return cage_enter(&c, e);
}
