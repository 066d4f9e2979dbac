/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls hull-init makes, without a libc: syscalls(2). Every function returns what the
 * kernel returned: zero or more, or a negative errno. Read main.c and freestanding/call.h first.
 */
#ifndef HULL_INIT_SYS_H
#define HULL_INIT_SYS_H

#include <stddef.h>
#include <stdint.h>

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/signal.h>
#include <linux/time_types.h>
#include <linux/uio.h>

#include "freestanding/call.h"

/* The kernel's signal set has one bit per signal; its size is an argument of the calls. */
#define SYS_SIGSET_SIZE 8

/* Descriptors and files. */

static inline long sys_write(int fd, const void *bytes, size_t size)
{
	return sys_call(__NR_write, fd, (long)bytes, (long)size, 0, 0, 0);
}

/* One write that returns -EAGAIN instead of waiting, -EOPNOTSUPP where the file cannot tell. */
static inline long sys_write_now(int fd, const void *bytes, size_t size)
{
	struct iovec part = {(void *)(uintptr_t)bytes, size};

	/* Offset -1 stands for the file's own position, as with write(2). */
	return sys_call(__NR_pwritev2, fd, (long)&part, 1, -1, -1, RWF_NOWAIT);
}

static inline long sys_read(int fd, void *bytes, size_t size)
{
	return sys_call(__NR_read, fd, (long)bytes, (long)size, 0, 0, 0);
}

static inline long sys_openat(int dir, const char *path, int flags)
{
	return sys_call(__NR_openat, dir, (long)path, flags, 0, 0, 0);
}

static inline long sys_close(int fd)
{
	return sys_call(__NR_close, fd, 0, 0, 0, 0, 0);
}

static inline long sys_close_range(unsigned int first, unsigned int last)
{
	return sys_call(__NR_close_range, first, last, 0, 0, 0, 0);
}

static inline long sys_fcntl(int fd, int command, long value)
{
	return sys_call(__NR_fcntl, fd, command, value, 0, 0, 0);
}

static inline long sys_ioctl(int fd, unsigned long request, void *value)
{
	return sys_call(__NR_ioctl, fd, (long)request, (long)value, 0, 0, 0);
}

static inline long sys_poll_now(struct pollfd *fds, unsigned int count)
{
	struct __kernel_timespec now = {0, 0};

	return sys_call(__NR_ppoll, (long)fds, count, (long)&now, 0, 0, 0);
}

static inline long sys_getdents(int fd, void *entries, size_t size)
{
	return sys_call(__NR_getdents64, fd, (long)entries, (long)size, 0, 0, 0);
}

static inline long sys_readlink(const char *path, char *target, size_t size)
{
	return sys_call(__NR_readlinkat, AT_FDCWD, (long)path, (long)target, (long)size, 0, 0);
}

static inline long sys_access(const char *path)
{
	return sys_call(__NR_faccessat, AT_FDCWD, (long)path, 0 /* F_OK */, 0, 0, 0);
}

/* Processes. */

static inline int sys_getpid(void)
{
	return (int)sys_call(__NR_getpid, 0, 0, 0, 0, 0, 0);
}

static inline int sys_getpgid(void)
{
	return (int)sys_call(__NR_getpgid, 0, 0, 0, 0, 0, 0);
}

static inline long sys_setpgid(int pid, int group)
{
	return sys_call(__NR_setpgid, pid, group, 0, 0, 0, 0);
}

static inline long sys_setsid(void)
{
	return sys_call(__NR_setsid, 0, 0, 0, 0, 0, 0);
}

static inline long sys_fork(void)
{
	return sys_call(__NR_clone, SIGCHLD, 0, 0, 0, 0, 0);
}

static inline long sys_execve(const char *path, char **argv, char **envp)
{
	return sys_call(__NR_execve, (long)path, (long)argv, (long)envp, 0, 0, 0);
}

static inline long sys_wait(int *ret_status, int options)
{
	return sys_call(__NR_wait4, -1, (long)ret_status, options, 0, 0, 0);
}

static inline long sys_prctl(int option, unsigned long value)
{
	return sys_call(__NR_prctl, option, (long)value, 0, 0, 0, 0);
}

static inline long sys_pidfd_open(int pid)
{
	return sys_call(__NR_pidfd_open, pid, 0, 0, 0, 0, 0);
}

/* Signals and time. */

static inline long sys_kill(int pid, int sig)
{
	return sys_call(__NR_kill, pid, sig, 0, 0, 0, 0);
}

static inline long sys_pidfd_kill(int pidfd, int sig)
{
	return sys_call(__NR_pidfd_send_signal, pidfd, sig, 0, 0, 0, 0);
}

static inline long sys_sigaction(int sig, const struct sigaction *action)
{
	return sys_call(__NR_rt_sigaction, sig, (long)action, 0, SYS_SIGSET_SIZE, 0, 0);
}

static inline long sys_sigmask_set(uint64_t mask)
{
	return sys_call(__NR_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, SYS_SIGSET_SIZE, 0, 0);
}

static inline long sys_sigwait(uint64_t set, siginfo_t *ret_info, struct __kernel_timespec *timeout)
{
	return sys_call(__NR_rt_sigtimedwait, (long)&set, (long)ret_info, (long)timeout,
			SYS_SIGSET_SIZE, 0, 0);
}

/* Nanoseconds of a clock of clock_gettime(2). */
static inline int64_t sys_clock(int clock)
{
	struct __kernel_timespec now = {0, 0};

	sys_call(__NR_clock_gettime, clock, (long)&now, 0, 0, 0, 0);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

#endif
