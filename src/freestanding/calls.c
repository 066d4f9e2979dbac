// SPDX-License-Identifier: Apache-2.0
/*
 * System calls under the names, and with the types, that the system's headers give them: a table of
 * those that pass their arguments on, then those that do not. Where the kernel has several, the one
 * that every architecture has (call.h). See the manual page of each in section 2.
 *
 * Invariant: nothing here stores or allocates; errno (libc.c) is the only state.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "freestanding/call.h"

#define SIGSET_SIZE 8 /* of the kernel's: a bit per signal */

static long call(long nr, long a, long b, long c, long d, long e, long f)
{
	long r = sys_call(nr, a, b, c, d, e, f);

	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

#define CALL0(type, name)                                                                          \
	type name(void)                                                                            \
	{                                                                                          \
		return (type)call(__NR_##name, 0, 0, 0, 0, 0, 0);                                  \
	}
#define CALL1(type, name, A)                                                                       \
	type name(A a)                                                                             \
	{                                                                                          \
		return (type)call(__NR_##name, (long)a, 0, 0, 0, 0, 0);                            \
	}
#define CALL2(type, name, A, B)                                                                    \
	type name(A a, B b)                                                                        \
	{                                                                                          \
		return (type)call(__NR_##name, (long)a, (long)b, 0, 0, 0, 0);                      \
	}
#define CALL3(type, name, A, B, C)                                                                 \
	type name(A a, B b, C c)                                                                   \
	{                                                                                          \
		return (type)call(__NR_##name, (long)a, (long)b, (long)c, 0, 0, 0);                \
	}
#define CALL4(type, name, A, B, C, D)                                                              \
	type name(A a, B b, C c, D d)                                                              \
	{                                                                                          \
		return (type)call(__NR_##name, (long)a, (long)b, (long)c, (long)d, 0, 0);          \
	}
#define CALL5(type, name, A, B, C, D, E)                                                           \
	type name(A a, B b, C c, D d, E e)                                                         \
	{                                                                                          \
		return (type)call(__NR_##name, (long)a, (long)b, (long)c, (long)d, (long)e, 0);    \
	}
#define CALL6(type, name, A, B, C, D, E, F)                                                        \
	type name(A a, B b, C c, D d, E e, F f)                                                    \
	{                                                                                          \
		return (type)call(__NR_##name, (long)a, (long)b, (long)c, (long)d, (long)e,        \
				  (long)f);                                                        \
	}

/* files and folders */
CALL1(int, chdir, const char *)
CALL1(int, close, int)
CALL3(int, close_range, unsigned, unsigned, int)
CALL3(int, dup3, int, int, int)
CALL1(int, fchdir, int)
CALL2(int, flock, int, int)
CALL2(int, fstat, int, struct stat *)
CALL2(int, fstatfs, int, struct statfs *)
CALL2(int, ftruncate, int, off_t)
CALL3(int, mkdirat, int, const char *, mode_t)
CALL4(int, renameat, int, const char *, int, const char *)
CALL1(mode_t, umask, mode_t)
CALL3(int, unlinkat, int, const char *, int)

/* bytes */
CALL3(ssize_t, read, int, void *, size_t)
CALL6(ssize_t, splice, int, off64_t *, int, off64_t *, size_t, unsigned)
CALL4(ssize_t, tee, int, int, size_t, unsigned)
CALL3(ssize_t, write, int, const void *, size_t)

/* sockets */
CALL5(int, getsockopt, int, int, int, void *restrict, socklen_t *restrict)
CALL2(int, listen, int, int)
CALL3(ssize_t, recvmsg, int, struct msghdr *, int)
CALL3(ssize_t, sendmsg, int, const struct msghdr *, int)
CALL3(int, socket, int, int, int)

/* events and time */
CALL2(int, clock_gettime, clockid_t, struct timespec *)
CALL1(int, epoll_create1, int)
CALL4(int, epoll_ctl, int, int, int, struct epoll_event *)

/* memory */
CALL3(int, madvise, void *, size_t, int)
CALL6(void *, mmap, void *, size_t, int, int, int, off_t)

/* processes */
CALL3(int, execve, const char *, char *const *, char *const *)
CALL0(uid_t, geteuid)
CALL0(pid_t, getpid)
CALL2(int, pidfd_open, pid_t, unsigned)
CALL0(pid_t, setsid)

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	return call(__NR_pread64, fd, (long)to, (long)size, at, 0, 0);
}

int dup2(int from, int to)
{
	/* As dup3 refuses it. */
	return from == to ? from : dup3(from, to, 0);
}

int fstatat(int dir, const char *restrict path, struct stat *restrict ret, int flags)
{
	return (int)call(__NR_newfstatat, dir, (long)path, (long)ret, flags, 0, 0);
}

int faccessat(int dir, const char *path, int mode, int flags)
{
	return (int)call(__NR_faccessat2, dir, (long)path, mode, flags, 0, 0);
}

int mkfifoat(int dir, const char *path, mode_t mode)
{
	return (int)call(__NR_mknodat, dir, (long)path, mode | S_IFIFO, 0, 0, 0);
}

int pipe2(int ret[2], int flags)
{
	return (int)call(__NR_pipe2, (long)ret, flags, 0, 0, 0, 0);
}

int socketpair(int domain, int type, int protocol, int ret[2])
{
	return (int)call(__NR_socketpair, domain, type, protocol, (long)ret, 0, 0);
}

ssize_t recv(int fd, void *to, size_t size, int flags)
{
	return call(__NR_recvfrom, fd, (long)to, (long)size, flags, 0, 0);
}

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	return call(__NR_sendto, fd, (long)from, (long)size, flags, 0, 0);
}

/* The next three: <sys/socket.h> makes the address a union of all pointers that it may be. */
int accept4(int fd, __SOCKADDR_ARG address, socklen_t *restrict size, int flags)
{
	return (int)call(__NR_accept4, fd, (long)address.__sockaddr__, (long)size, flags, 0, 0);
}

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
	return (int)call(__NR_bind, fd, (long)address.__sockaddr__, size, 0, 0, 0);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
	return (int)call(__NR_connect, fd, (long)address.__sockaddr__, size, 0, 0, 0);
}

int epoll_wait(int fd, struct epoll_event *events, int count, int timeout_ms)
{
	return (int)call(__NR_epoll_pwait, fd, (long)events, count, timeout_ms, 0, SIGSET_SIZE);
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	/* The kernel writes the time that is left into its copy. */
	struct timespec left = timeout ? *timeout : (struct timespec){0};

	return (int)call(__NR_ppoll, (long)fds, (long)count, timeout ? (long)&left : 0, (long)mask,
			 SIGSET_SIZE, 0);
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	const struct timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};

	return ppoll(fds, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
	return (int)call(__NR_signalfd4, fd, (long)set, SIGSET_SIZE, flags, 0, 0);
}

int sigprocmask(int how, const sigset_t *restrict new, sigset_t *restrict old)
{
	return (int)call(__NR_rt_sigprocmask, how, (long)new, (long)old, SIGSET_SIZE, 0, 0);
}

pid_t fork(void)
{
	return (pid_t)call(__NR_clone, SIGCHLD, 0, 0, 0, 0, 0);
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	return (int)call(__NR_waitid, type, id, (long)info, options, 0, 0);
}

/* Those with "...": the one argument that may follow, whatever it is, as a word. */
#define LAST_ARGUMENT(after)                                                                       \
	({                                                                                         \
		va_list rest;                                                                      \
		va_start(rest, after);                                                             \
		long last = va_arg(rest, long);                                                    \
		va_end(rest);                                                                      \
		last;                                                                              \
	})

int open(const char *path, int flags, ...)
{
	return (int)call(__NR_openat, AT_FDCWD, (long)path, flags, LAST_ARGUMENT(flags), 0, 0);
}

int openat(int dir, const char *path, int flags, ...)
{
	return (int)call(__NR_openat, dir, (long)path, flags, LAST_ARGUMENT(flags), 0, 0);
}

int fcntl(int fd, int command, ...)
{
	return (int)call(__NR_fcntl, fd, command, LAST_ARGUMENT(command), 0, 0, 0);
}

int ioctl(int fd, unsigned long request, ...)
{
	return (int)call(__NR_ioctl, fd, (long)request, LAST_ARGUMENT(request), 0, 0, 0);
}

/* Further arguments are zero. */
int prctl(int option, ...)
{
	return (int)call(__NR_prctl, option, LAST_ARGUMENT(option), 0, 0, 0, 0);
}

/* Four arguments at most. */
long syscall(long nr, ...)
{
	va_list rest;
	long arguments[4];

	va_start(rest, nr);
	for (int i = 0; i < 4; i++)
		arguments[i] = va_arg(rest, long);
	va_end(rest);
	return call(nr, arguments[0], arguments[1], arguments[2], arguments[3], 0, 0);
}
