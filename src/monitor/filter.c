/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of a running hull-monitor, written as BPF while hull is built: the program
 * carries the finished array (monitor_filter.h), and a start of a container costs one seccomp(2).
 *
 * What is not listed ends the process: nothing of the kind happens but by an intruder's hand.
 * Nothing here executes a program, makes executable memory, changes owners or modes, reaches
 * another process, or makes a socket but a Unix one (the journal, syslog) and the pair to a
 * standby. Read confine.c first.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "linux/pidfd.h"
#include "linux/seccomp.h"

static const char *const plain[] = {
	/* moving bytes */
	"read", "write", "pread64", "splice", "tee",
	/* files: where, Landlock says */
	"openat", "close", "fstat", "fstatfs", "newfstatat", "ftruncate", "renameat", "unlinkat",
	"flock",
	/* waiting */
	"epoll_ctl", "epoll_pwait", "ppoll", "waitid", "clock_gettime", "restart_syscall",
	/* clients */
	"accept4", "sendmsg", "recvmsg", "sendto", "recvfrom", "getsockopt", "connect",
	/* memory, the end */
	"madvise", "getpid", "exit_group",
	/* a standby keeper, and the monitors that it starts */
	"rt_sigprocmask", "rt_sigaction", "rt_sigreturn", "dup3", "close_range", "epoll_create1",
	"pipe2", "signalfd4", NULL};

/* One row per value that is let through. */
static const struct {
	const char *call;
	struct seccomp_arg args[2];
	uint32_t arg_count;
} special[] = {
#define VALUE(n, v)                                                                                \
	{                                                                                          \
		.index = (n), .op = SC_MASKED_EQ, .value = UINT32_MAX, .value_two = (uint32_t)(v)  \
	}
#define ONE(name, n, v)                                                                            \
	{                                                                                          \
		name, {VALUE(n, v)}, 1                                                             \
	}
	ONE("fcntl", 1, F_GETFD),
	ONE("fcntl", 1, F_SETFD),
	ONE("fcntl", 1, F_GETFL),
	ONE("fcntl", 1, F_SETFL),
	ONE("fcntl", 1, F_SETOWN),
	ONE("fcntl", 1, F_DUPFD_CLOEXEC),
	ONE("fcntl", 1, F_SETPIPE_SZ),
	ONE("ioctl", 1, FIONREAD),
	ONE("ioctl", 1, TIOCSWINSZ),
	ONE("ioctl", 1, PIDFD_INFO_IOCTL),
	ONE("prctl", 0, PR_SET_NAME),
	ONE("prctl", 0, PR_SET_CHILD_SUBREAPER),
	ONE("clone", 0, SIGCHLD), /* fork */
#ifdef WITH_LIBC
	ONE("clone", 0, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD),
#endif
	{"mmap", {{.index = 2, .op = SC_MASKED_EQ, .value = PROT_EXEC}}, 1},
	{"socket", {VALUE(0, AF_UNIX), VALUE(1, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK)}, 2},
	{"socket", {VALUE(0, AF_UNIX), VALUE(1, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)}, 2},
	{"socketpair", {VALUE(0, AF_UNIX), VALUE(1, SOCK_SEQPACKET | SOCK_CLOEXEC)}, 2},
};
enum { PLAIN = ARRAY_LEN(plain) - 1, CALLS_MAX = 45 };
_Static_assert(PLAIN + 7 <= CALLS_MAX, "few enough to know each");

/* A libc's own and the sanitizers', in builds for tests. */
#ifdef WITH_LIBC
static const char *const libc[] = {"epoll_wait", "set_robust_list", "sigaltstack", "readlink",
				   "readlinkat", "prlimit64",       "gettid",      "futex",
				   "munmap",     "getrandom",       "sched_yield", NULL};
#else
static const char *const libc[] = {NULL};
#endif

int main(void)
{
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	struct seccomp_program p;
	const char *names[ARRAY_LEN(special)][2] = {0};
	struct seccomp_rule rules[ARRAY_LEN(special) + 2] = {
		{.names = plain, .action = SECCOMP_RET_ALLOW},
		{.names = libc, .action = SECCOMP_RET_ALLOW},
	};
	for (size_t i = 0; i < ARRAY_LEN(special); i++) {
		names[i][0] = special[i].call;
		rules[i + 2] = (struct seccomp_rule){.names = names[i],
						     .action = SECCOMP_RET_ALLOW,
						     .args = special[i].args,
						     .arg_count = special[i].arg_count};
	}
	const struct seccomp_policy policy = {
		.default_action = SECCOMP_RET_KILL_PROCESS,
		.unknown_action = SECCOMP_RET_KILL_PROCESS,
		.rules = rules,
		.rule_count = ARRAY_LEN(rules),
	};
	if (seccomp_compile(&policy, &a, &p, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	printf("static const struct sock_filter filter[] = {\n");
	for (size_t i = 0; i < p.count; i++)
		printf("\t{0x%x, %u, %u, 0x%x},\n", p.code[i].code, p.code[i].jt, p.code[i].jf,
		       p.code[i].k);
	printf("};\n");
	return 0;
}
