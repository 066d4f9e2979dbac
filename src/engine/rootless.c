/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding, making and entering the user's namespace. Rests on clone3(2), setns(2), flock(2),
 * F_OFD_SETLKW of fcntl(2), subuid(5).
 *
 * The file "userns" says who holds the namespace: a pid and its start time. flock shared: the
 * namespace is in use. Its holder waits for the exclusive one, and then empties the file before it
 * ends. The other kind of lock: somebody looks, and makes the namespace if there is none. If the
 * holder was killed, the namespace is found again through a container that runs in it.
 * Invariant: a namespace is entered only if this user owns it. Read rootless.h first.
 */
#include "engine/rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "linux/idmap.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/subid.h"
#include "runtime/user_file.h"

enum { ACCOUNTS_MAX = 1 << 20 };
static const char FILE_NAME[] = "userns";

struct holder {
	pid_t pid;
	uint64_t start;
};

/* What is needed on the way. */
struct entering {
	const char *user; /* his name, or NULL */
	char *const *argv;
	int run_fd, lock;
	struct idmaps maps;
};

/* ---- the process that holds a namespace ---- */

static void show_name(char *const argv[])
{
	static const char name[] = "hull-userns";
	size_t last = 0;
	while (argv[last + 1])
		last++;
	size_t room = (size_t)(argv[last] - argv[0]) + strlen(argv[last]) + 1;
	prctl(PR_SET_NAME, name);
	memset(argv[0], 0, room);
	memcpy(argv[0], name, room < sizeof(name) ? room - 1 : sizeof(name));
}

/* @ns: to enter, or -1: this process is in it. Nothing is kept but the one descriptor. */
static _Noreturn void hold(const struct entering *n, int ns)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	show_name(n->argv);
	/* A lock belongs to an open file: the starter's must not be ours. */
	int own = openat(n->run_fd, FILE_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (own < 0 || null < 0 || (ns >= 0 && setns(ns, CLONE_NEWUSER) < 0) || chdir("/") < 0)
		_exit(1);
	/* The next command looks at our namespace. */
	prctl(PR_SET_DUMPABLE, 1);
	own = fd_move_up(own, 3);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close_range(3, (unsigned)own - 1, 0);
	close_range((unsigned)own + 1, ~0U, 0);
	while (flock(own, LOCK_EX) < 0 && errno == EINTR)
		continue;
	_exit(ftruncate(own, 0) < 0);
}

static int note_holder(const struct entering *n, pid_t pid, struct err *e)
{
	struct holder h = {.pid = pid};
	int r = pidfd_start_time(pid, &h.start);
	if (r == 0 && pwrite(n->lock, &h, sizeof(h), 0) != sizeof(h))
		r = -errno;
	return r < 0 ? err_errno(e, r, "cannot note who holds the user namespace") : 0;
}

/* ---- finding it ---- */

/* The user namespace of a process, if it is one that this user owns; or negative errno. */
static int namespace_of(pid_t pid, uint64_t start)
{
	uid_t owner;
	CLEANUP_FD int pidfd = pidfd_of_started(pid, start);
	if (pidfd < 0)
		return pidfd;
	CLEANUP_FD int ns = namespace_of_process(pid, pidfd, "user");
	if (ns < 0)
		return ns;
	/* Not one that a container has made below: that would be its ground, and no longer ours. */
	CLEANUP_FD int above = ioctl(ns, NS_GET_PARENT);
	CLEANUP_FD int own = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	struct stat theirs, ours;
	if (above < 0 || own < 0 || fstat(above, &theirs) < 0 || fstat(own, &ours) < 0 ||
	    ioctl(ns, NS_GET_OWNER_UID, &owner) < 0)
		return -errno;
	return owner == geteuid() && theirs.st_ino == ours.st_ino ? fd_steal(&ns) : -EPERM;
}

static int find_by_holder(const struct entering *n)
{
	struct holder h;
	return pread(n->lock, &h, sizeof(h), 0) == sizeof(h) ? namespace_of(h.pid, h.start)
							     : -ESRCH;
}

static int find_by_container(const struct entering *n)
{
	CLEANUP_FD int list = openat(n->run_fd, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *d = list < 0 ? NULL : dir_stream(list);
	for (struct dirent *entry; d && (entry = dir_next(d));) {
		char path[sizeof(entry->d_name) + sizeof("/running")];
		struct run_record run;
		snprintf(path, sizeof(path), "%s/running", entry->d_name);
		CLEANUP_FD int fd = openat(list, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fd_read_full(fd, &run, sizeof(run)) != sizeof(run) ||
		    run.version != WIRE_VERSION)
			continue;
		int ns = namespace_of((pid_t)run.pid, run.pid_start);
		if (ns >= 0)
			return ns;
	}
	return -ESRCH;
}

/* A new holder for one that was killed. */
static int hold_again(const struct entering *n, int ns, struct err *e)
{
	CLEANUP_FD int pidfd = -1;
	pid_t pid = namespace_clone(0, -1, &pidfd);
	if (pid == 0)
		hold(n, ns);
	return pid < 0 ? err_errno(e, pid, "cannot hold the user namespace")
		       : note_holder(n, pid, e);
}

/* ---- making it ---- */

static int refused(int number, struct err *e)
{
	err_errno(e, number, "hull of a user needs a user namespace, and none may be made");
	if (number == -ENOSPC)
		err_hint(e, "sysctl user.max_user_namespaces is what limits it");
	else
		err_hint(e, "see the sysctls kernel.unprivileged_userns_clone and "
			    "kernel.apparmor_restrict_unprivileged_userns, or run hull as root");
	return number;
}

/* What will not work is said once for each life of --runroot. */
static void warn_alone(const struct entering *n)
{
	CLEANUP_FD int told =
		openat(n->run_fd, "userns.told", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	const char *user = n->user ? n->user : "this user";
	if (told < 0)
		return;
	dprintf(2,
		"WARNING: /etc/subuid and /etc/subgid grant %s no ids: containers have one user, "
		"root. Images with files of other users cannot be unpacked, and programs that "
		"change their user (apt, nginx, postgres) fail.\nhint: " SUBID_HINT "\n",
		user, user);
}

static int make(const struct entering *n, struct err *e)
{
	CLEANUP_FD int pidfd = -1;
	if (n->maps.uid_count == 1 || n->maps.gid_count == 1)
		warn_alone(n);
	pid_t pid = namespace_clone(CLONE_NEWUSER, -1, &pidfd);
	if (pid == 0)
		hold(n, -1);
	if (pid < 0)
		return refused(pid, e);
	int r = idmap_write(pid, &n->maps, e);
	int ns = r < 0 ? r : namespace_of_process(pid, pidfd, "user");
	if (r == 0 && ns < 0)
		err_errno(e, ns, "cannot open the user namespace");
	if (ns >= 0 && (r = note_holder(n, pid, e)) == 0)
		return ns;
	fd_drop(&ns);
	pidfd_signal(pidfd, SIGKILL);
	pidfd_wait_child(pidfd, &(int){0});
	return -e->number;
}

/* The caller's id is root's inside; then come those that he is granted. */
static int plan_maps(struct entering *n, struct arena *a, struct err *e)
{
	char *text = "";
	struct user_entry account = {0};
	file_read(AT_FDCWD, "/etc/passwd", ACCOUNTS_MAX, a, &text, NULL, ERR_IGNORED);
	/* Who is known to another service is known by name to his session; newuidmap checks. */
	n->user =
		user_file_find(text, NULL, geteuid(), a, &account) ? account.name : getenv("USER");
	int r = subid_map("/etc/subuid", n->user, geteuid(), geteuid(), a, &n->maps.uid,
			  &n->maps.uid_count, e);
	return r < 0 ? r
		     : subid_map("/etc/subgid", n->user, geteuid(), getegid(), a, &n->maps.gid,
				 &n->maps.gid_count, e);
}

static int find_or_make(struct entering *n, struct arena *a, struct err *e)
{
	struct flock one = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	if (fcntl(n->lock, F_OFD_SETLKW, &one) < 0)
		return err_errno(e, errno, "cannot lock the user namespace's file");
	CLEANUP_FD int ns = find_by_holder(n);
	int r = 0;
	if (ns < 0 && (ns = find_by_container(n)) >= 0)
		r = hold_again(n, ns, e);
	else if (ns < 0 && (r = plan_maps(n, a, e)) == 0)
		r = ns = make(n, e);
	one.l_type = F_UNLCK;
	fcntl(n->lock, F_OFD_SETLK, &one);
	return r < 0 ? r : fd_steal(&ns);
}

/* ---- entering it ---- */

/* Nobody else may have a hand in what lies there, --runroot's locks and images' files. */
static int open_own(const char *path, struct err *e)
{
	struct stat st;
	int r = dir_make(AT_FDCWD, path, 0700, e);
	CLEANUP_FD int fd = r < 0 ? r : dir_open(AT_FDCWD, path, e);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_errno(e, errno, "cannot look at %s", path);
	if (st.st_uid == geteuid() && !(st.st_mode & 022))
		return fd_steal(&fd);
	err_set(e, EPERM, ERR_DENIED, "%s: not this user's alone (owner %u, mode %04o)", path,
		st.st_uid, st.st_mode & 07777);
	return err_hint(e, "choose other folders with --root and --runroot");
}

static int enter(int ns, struct err *e)
{
	if (setns(ns, CLONE_NEWUSER) < 0)
		return err_errno(e, errno, "cannot enter the user namespace");
	if (geteuid() != 0 || getegid() != 0)
		return err_set(e, EPERM, ERR_DENIED,
			       "the user namespace is another user's or group's");
	/* This program, and what it has open, is on mounts of the namespace that it leaves. If that
	 * had nobody else it would end, and they would have no path any more: kept, and handed on.
	 */
	open("/proc/self/ns/mnt", O_RDONLY);
	/* The machine's mounts as they are for the caller; what is mounted later comes in. */
	if (unshare(CLONE_NEWNS) < 0)
		return err_errno(e, errno, "cannot make a mount namespace");
	/* The change of rights took it away, and /proc/self with it. */
	prctl(PR_SET_DUMPABLE, 1);
	return 0;
}

/* What this process executes, itself among it, finds the same folders. */
static int hand_on(const struct settings *s, struct err *e)
{
	return setenv("HULL_ROOT", s->root, true) < 0 ||
			       setenv("HULL_RUNROOT", s->runroot, true) < 0
		       ? err_errno(e, errno, "cannot set the environment")
		       : 0;
}

int rootless_hold(int run_fd)
{
	CLEANUP_FD int fd = openat(run_fd, FILE_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 || flock(fd, LOCK_SH) < 0 ? -errno : fd_steal(&fd);
}

int rootless_enter(const struct settings *s, char *const argv[], struct arena *a, struct err *e)
{
	if (geteuid() == 0)
		return 0;
	CLEANUP_FD int root = open_own(s->root, e);
	CLEANUP_FD int run = root < 0 ? -1 : open_own(s->runroot, e);
	if (run < 0)
		return -e->number;
	/* Open in all that this process becomes, and starts: see MONITOR_USERNS_FD. */
	int lock = openat(run, FILE_NAME, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (lock < 0 || TEMP_FAILURE_RETRY(flock(lock, LOCK_SH)) < 0)
		return err_errno(e, errno, "cannot lock %s/%s", s->runroot, FILE_NAME);
	struct entering n = {.argv = argv, .run_fd = run, .lock = lock};
	CLEANUP_FD int ns = find_or_make(&n, a, e);
	int r = ns < 0 ? ns : enter(ns, e);
	return r < 0 ? r : hand_on(s, e);
}
