/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and joining namespaces. Rests on clone3(2) (5.3; CLONE_INTO_CGROUP 5.7), ioctl_ns(2),
 * netdevice(7). Read namespaces.h first.
 */
#include "linux/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h> /* struct clone_args */
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "linux/pidfd.h"

/* The user namespace first: it gives the rights to join the others. The mount namespace last: after
 * it no path means what it did. */
static const struct namespace_kind kinds[] = {
	{"user", "user", CLONE_NEWUSER},
	{"ipc", "ipc", CLONE_NEWIPC},
	{"uts", "uts", CLONE_NEWUTS},
	{"network", "net", CLONE_NEWNET},
	{"pid", "pid", CLONE_NEWPID},
	{"cgroup", "cgroup", CLONE_NEWCGROUP},
	{"time", "time_for_children", CLONE_NEWTIME},
	{"mount", "mnt", CLONE_NEWNS},
};

const struct namespace_kind *namespace_at(size_t index)
{
	return index < ARRAY_LEN(kinds) ? &kinds[index] : NULL;
}

const struct namespace_kind *namespace_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(name, kinds[i].name) || !strcmp(name, kinds[i].file))
			return &kinds[i];
	return NULL;
}

int namespace_open(const struct namespace_kind *kind, const char *path, struct err *e)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(e, errno, "cannot join the %s namespace %s", kind->name, path);
	int type = ioctl(fd, NS_GET_NSTYPE);
	if (type < 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "cannot join the %s namespace %s: it is not a namespace", kind->name,
			       path);
	if (type != kind->flag)
		return err_set(e, EINVAL, ERR_INVALID,
			       "cannot join the %s namespace %s: it is of another kind", kind->name,
			       path);
	return fd_steal(&fd);
}

int namespace_of_process(pid_t pid, int pidfd, const char *file)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, file);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int ended = pidfd_has_ended(pidfd);
	return ended < 0 ? ended : ended ? -ESRCH : fd_steal(&fd);
}

pid_t namespace_clone(unsigned long long flags, int cgroup, int *ret_pidfd)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		/* A sibling has that of its parent's child, our own. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};
	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup;
	}
	long pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return -errno;
	if (pid > 0)
		*ret_pidfd = pidfd;
	return (pid_t)pid;
}

/* PROC_USER_INIT_INO and PROC_PID_INIT_INO of the kernel: of the namespaces that it began with. */
#define FIRST_USER 0xEFFFFFFDU
#define FIRST_PID 0xEFFFFFFCU

static bool is_other(const char *path, ino_t first)
{
	struct stat st;
	return stat(path, &st) == 0 && st.st_ino != first;
}

bool namespace_caller_is_in_first_pid(void)
{
	return !is_other("/proc/self/ns/pid", FIRST_PID);
}

static bool caller_is_user;

static void look_at_caller(void)
{
	caller_is_user = geteuid() != 0 || is_other("/proc/self/ns/user", FIRST_USER);
}

bool namespace_caller_is_user(void)
{
	static once_flag once = ONCE_FLAG_INIT;
	call_once(&once, look_at_caller);
	return caller_is_user;
}

uid_t namespace_real_uid(void)
{
	unsigned inside, outside, count;
	const uid_t own = getuid();
	CLEANUP_FILE FILE *map = fopen("/proc/self/uid_map", "re");
	while (map && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3)
		if (own >= inside && own - inside < count)
			return outside + (own - inside);
	return own;
}

bool namespace_owns_network(void)
{
	if (!namespace_caller_is_user())
		return true;
	CLEANUP_FD int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CLEANUP_FD int owner = net < 0 ? -1 : ioctl(net, NS_GET_USERNS);
	return owner >= 0; /* that of a namespace above ours is not told */
}

int namespace_others(pid_t pid, int flags)
{
	char path[64];
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct stat ours, theirs;
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].file);
		int r = stat(path, &ours);
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kinds[i].file);
		if (r == 0 && stat(path, &theirs) == 0 && ours.st_ino == theirs.st_ino)
			flags &= ~kinds[i].flag;
	}
	return flags;
}

int namespace_back(int own, int flag)
{
	enum { TRIES = 3 };
	int r = -EBADF;
	for (int i = 0; i < TRIES && r < 0; i++)
		r = setns(own, flag) < 0 ? -errno : 0;
	return r;
}

void namespace_network_back(int own)
{
	int r = namespace_back(own, CLONE_NEWNET);
	if (r == 0)
		return;
	dprintf(2, "hull: cannot return to its own network: %s\n", err_errno_text(-r));
	_exit(125);
}

int namespace_socket(int netns, int domain, int type, int protocol)
{
	CLEANUP_FD int own = netns < 0 ? -1 : open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (netns >= 0 && (own < 0 || setns(netns, CLONE_NEWNET) < 0))
		return -errno;
	int fd = socket(domain, type | SOCK_CLOEXEC, protocol), r = -errno;
	if (own >= 0)
		namespace_network_back(own);
	return fd < 0 ? r : fd;
}

int namespace_loopback_up(void)
{
	CLEANUP_FD int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	return ioctl(sock, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

int namespace_time(const char *one, const char *other)
{
	static const char offsets[] = "/proc/self/timens_offsets";
	int r = unshare(CLONE_NEWTIME) < 0 ? -errno : file_write_small(AT_FDCWD, offsets, one);
	if (r == 0 && *other)
		r = file_write_small(AT_FDCWD, offsets, other);
	if (r < 0)
		return r;
	/* unshare(2) is for children alone. */
	CLEANUP_FD int fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	return fd < 0 || setns(fd, CLONE_NEWTIME) < 0 ? -errno : 0;
}

int fd_from_child(int (*make)(const void *arg), const void *arg)
{
	int pair[2], status, r = 0;
	CLEANUP_FD int child = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	CLEANUP_FD int ours = pair[0];
	CLEANUP_FD int theirs = pair[1];
	pid_t pid = namespace_clone(0, -1, &child);
	if (pid == 0) {
		int made = make(arg);
		fd_send(theirs, &made, sizeof(made), &made, made >= 0);
		_exit(0);
	}
	if (pid < 0)
		return pid;
	fd_drop(&theirs);
	int made = -1;
	ssize_t n = fd_recv(ours, &r, sizeof(r), &made, 1);
	pidfd_wait_child(child, &status);
	if (n != sizeof(r))
		return n < 0 ? (int)n : -EIO;
	return r < 0 ? r : made;
}
