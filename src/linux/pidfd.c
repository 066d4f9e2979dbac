/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes by descriptor. Rests on pidfd_open(2), ioctl PIDFD_GET_INFO (Linux 6.13, exit status
 * 6.15), proc(5). Read pidfd.h first.
 */
#include "linux/pidfd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

/* From the kernel's pidfd.h of 6.15, which Debian 12 does not have: the first published size. */
struct info {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};
static_assert(sizeof(struct info) == 64, "struct pidfd_info, version 0");
static_assert(PIDFD_INFO_IOCTL == _IOWR(0xff, 11, struct info), "as pidfd.h says");
enum { INFO_EXIT = 1 << 3 };

int pidfd_of(pid_t pid)
{
	int fd = pidfd_open(pid, 0);
	return fd < 0 ? -errno : fd;
}

int pidfd_of_started(pid_t pid, uint64_t start)
{
	CLEANUP_FD int fd = pidfd_of(pid);
	if (fd < 0)
		return fd;
	uint64_t is;
	/* Read after opening: if the process still is that one now, the descriptor is its too. */
	int r = pidfd_start_time(pid, &is);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	return is == start ? fd_steal(&fd) : -ESRCH;
}

/* Since Linux 6.9; of a process that may have ended. */
int pidfd_mounts(int pidfd)
{
	enum { MOUNTS = _IO(0xff, 3) }; /* PIDFD_GET_MNT_NAMESPACE */
	int fd = ioctl(pidfd, MOUNTS, 0);
	return fd < 0 ? -errno : fd;
}

int pidfd_signal(int pidfd, int signal)
{
	return pidfd_send_signal(pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}

int pidfd_signal_value(int pidfd, int signal, uint64_t value)
{
	siginfo_t info = {.si_signo = signal, .si_code = SI_QUEUE};
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_ptr = (void *)(uintptr_t)value;
	return pidfd_send_signal(pidfd, signal, &info, 0) < 0 ? -errno : 0;
}

/* /proc/PID/stat from @field on, with the blank before it. */
static int read_stat(pid_t pid, int field, char *text, size_t size, const char **ret)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	ssize_t n = file_read_small(AT_FDCWD, path, text, size);
	if (n < 0)
		return (int)n;
	/* The name, field 2, is in parentheses and may hold anything; field 3 follows the last. */
	const char *at = strrchr(text, ')');
	for (int i = 2; at && i < field; i++)
		at = strchr(at + 1, ' ');
	*ret = at;
	return at ? 0 : -EINVAL;
}

int pidfd_start_time(pid_t pid, uint64_t *ret)
{
	char text[1024];
	const char *at;
	int r = read_stat(pid, 22, text, sizeof(text), &at);
	if (r == 0)
		*ret = strtoull(at + 1, NULL, 10);
	return r;
}

int pidfd_started_ns(pid_t pid, int64_t *ret)
{
	uint64_t ticks;
	struct timespec up;
	const int r = pidfd_start_time(pid, &ticks);
	if (r < 0)
		return r;
	/* In this order: whoever is interrupted between them has it too early, as ticks do. */
	const int64_t now = clock_real_ns();
	clock_gettime(CLOCK_BOOTTIME, &up);
	*ret = now - ((int64_t)up.tv_sec * 1000000000 + up.tv_nsec) +
	       (int64_t)ticks * (1000000000 / sysconf(_SC_CLK_TCK));
	return 0;
}

int pidfd_job(pid_t pid, struct pidfd_job *ret)
{
	char text[1024];
	const char *at;
	int r = read_stat(pid, 4, text, sizeof(text), &at);
	if (r < 0)
		return r;
	return sscanf(at, "%d %d %d %d %d", &ret->parent, &ret->group, &ret->session,
		      &ret->terminal, &ret->foreground) == 5
		       ? 0
		       : -EINVAL;
}

pid_t pidfd_pid(int pidfd)
{
	char path[48], text[2048];
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	ssize_t n = file_read_small(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return (pid_t)n;
	const char *at = text;
	while (at && strncmp(at, "Pid:\t", 5)) {
		at = strchr(at, '\n');
		at += at != NULL;
	}
	if (!at)
		return -EINVAL;
	pid_t pid = (pid_t)strtoull(at + 5, NULL, 10); /* once reaped it is -1 */
	return pid > 0 ? pid : -ESRCH;
}

int pidfd_has_ended(int pidfd)
{
	static const struct timespec at_once;
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int n = TEMP_FAILURE_RETRY(ppoll(&p, 1, &at_once, NULL));
	return n < 0 ? -errno : n;
}

/* Field 9 is its first thread's, which may leave the others to go on (pthread_exit(3)); field 20
 * counts those that have not. */
static bool is_leaving(pid_t pid)
{
	enum { EXITING = 4 }; /* PF_EXITING of the kernel's sched.h */
	char text[1024];
	const char *at;
	if (read_stat(pid, 9, text, sizeof(text), &at) < 0 ||
	    !(strtoull(at + 1, NULL, 10) & EXITING))
		return false;
	for (int i = 9; at && i < 20; i++)
		at = strchr(at + 1, ' ');
	return at && strtoull(at + 1, NULL, 10) == 1;
}

bool pidfd_is_ending(int pidfd)
{
	pid_t pid = pidfd_has_ended(pidfd) == 1 ? -ESRCH : pidfd_pid(pidfd);
	return pid < 0 || is_leaving(pid);
}

int pidfd_exit_status(int pidfd, int *ret_status)
{
	struct info info = {.mask = INFO_EXIT};
	if (ioctl(pidfd, PIDFD_INFO_IOCTL, &info) < 0) {
		/* Before 6.15 a reaped process has no information at all. */
		if (errno == ESRCH || errno == ENOTTY || errno == EINVAL)
			return -ENOTSUP;
		return -errno;
	}
	if (!(info.mask & INFO_EXIT))
		return pidfd_has_ended(pidfd) == 1 ? -ENOTSUP : -EAGAIN;
	*ret_status = info.exit_code;
	return 0;
}

int pidfd_wait_child(int pidfd, int *ret_status)
{
	siginfo_t info = {0};
	int r = TEMP_FAILURE_RETRY(waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED));
	if (r < 0)
		return -errno;
	if (info.si_code == CLD_EXITED)
		*ret_status = (info.si_status & 0xff) << 8;
	else
		*ret_status = info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
	return 0;
}
