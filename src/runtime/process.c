/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stretch of a container's process, from the engine's rights to its own. Runs in the child
 * between clone and execve. Rests on setresuid(2), capabilities(7), seccomp(2), close_range(2).
 * Invariant: a right that is given up is verified to be gone where the kernel lets one ask.
 * Read process.h first.
 */
#include "runtime/process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "linux/device.h"
#include "linux/keyring.h"
#include "linux/lsm.h"
#include "linux/rlimit.h"
#include "linux/signals.h"
#include "runtime/runtime.h"

enum { FIRST_FREE_FD = 3, ABOVE_STDIO = 16 };

int process_terminal(const struct process_plan *p, int root, struct pty *ret, struct err *e)
{
	const struct oci_box *size = p->spec->console_size;
	int r = pty_open_in_root(root, ret, e);
	if (r < 0)
		return r;
	if (size && size->height > 0 && size->width > 0)
		pty_resize(ret->master, (unsigned)size->height, (unsigned)size->width);
	if (fchown(ret->slave, p->uid, (gid_t)-1) < 0 && errno != EPERM)
		return err_errno(e, errno, "cannot give the terminal to user %u", p->uid);
	return 0;
}

int process_take_terminal(const struct pty *pty, int sync, char word, int stdio[3], struct err *e)
{
	int r = fd_send(sync, &word, 1, &pty->master, 1);
	if (r < 0)
		return err_errno(e, r, "cannot pass the terminal on");
	close(pty->master);
	if (ioctl(pty->slave, TIOCSCTTY, 0) < 0)
		return err_errno(e, errno, "cannot take the terminal");
	stdio[0] = stdio[1] = stdio[2] = pty->slave;
	return 0;
}

/* Best effort: without CAP_SYS_RESOURCE the value may only be raised, and a container that is
 * killed a little later than wished is better than none. */
static int set_oom_score(const struct process_plan *p, int procfd, struct err *e)
{
	const struct opt_i64 *wish = &p->spec->oom_score_adj;
	if (!wish->set)
		return 0;
	if (wish->value < -1000 || wish->value > 1000)
		return err_set(e, EINVAL, ERR_INVALID, "oom_score_adj %lld: must be -1000 to 1000",
			       (long long)wish->value);
	char text[16];
	snprintf(text, sizeof(text), "%d", (int)wish->value);
	int r = file_write_small(procfd, "self/oom_score_adj", text);
	return r < 0 && r != -EACCES && r != -EPERM ? err_errno(e, r, "cannot set oom_score_adj")
						    : 0;
}

int process_begin(const struct process_plan *p, int procfd, struct err *e)
{
	signal_reset_all();
	setsid();
	if (!p->keep_keyring)
		keyring_new_session(); /* a full key quota is no reason not to start */
	int r = set_oom_score(p, procfd, e);
	if (r == 0)
		r = lsm_apparmor_on_exec(procfd, p->spec->apparmor_profile, e);
	if (r == 0)
		r = lsm_selinux_on_exec(procfd, p->spec->selinux_label, e);
	return r;
}

/* The one on open files apart: whoever sets the process up needs some. */
static int set_limits(const struct process_plan *p, bool of_files, struct err *e)
{
	for (size_t i = 0; i < p->limit_count; i++) {
		const struct process_limit *l = &p->limits[i];
		bool clamped;
		if ((l->number == RLIMIT_NOFILE) != of_files)
			continue;
		int r = rlimit_set(l->number, l->soft, l->hard, &clamped);
		if (r < 0)
			return err_errno(e, r, "cannot set the limit %s", rlimit_name(l->number));
	}
	return 0;
}

int process_limit(const struct process_plan *p, struct err *e)
{
	int r = set_limits(p, false, e);
	if (r == 0)
		r = tuning_apply(&p->tuning, e);
	if (r < 0)
		return r;
	r = capability_bound(p->caps.bounding);
	return r < 0 ? err_errno(e, r, "cannot limit the capabilities") : 0;
}

/* The user must be able to open what he was given: /dev/stdout leads through /proc to the inode,
 * whose owner is the engine's. Files and sockets are not ours to give away. */
static void give_to_user(int fd, const struct process_plan *p)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_uid != p->uid)
		(void)!fchown(fd, p->uid, (gid_t)-1);
}

int process_stdio(const struct process_plan *p, const int stdio[3], int null, struct err *e)
{
	int kept[3];
	/* Out of the way first: the three may be any of 0, 1, 2 in any order. The host's /dev/null
	 * is as good as none, and the container's own can be checkpointed. */
	for (int i = 0; i < 3; i++) {
		bool none = stdio[i] < 0 || (null >= 0 && device_check_null(stdio[i]) == 0);
		kept[i] = fcntl(none ? null : stdio[i], F_DUPFD_CLOEXEC, ABOVE_STDIO);
		if (kept[i] < 0)
			return err_errno(e, errno, "cannot set up descriptor %d", i);
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(kept[i], i) < 0)
			return err_errno(e, errno, "cannot set up descriptor %d", i);
		if (stdio[i] >= 0)
			give_to_user(i, p);
	}
	unsigned first = FIRST_FREE_FD + p->preserve_fds;
	if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot close the engine's descriptors");
	return 0;
}

int process_check(const struct process_plan *p, struct err *e)
{
	char path[COMMAND_PATH_SIZE];
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if ((setgroups(p->group_count, p->groups) < 0 && errno != EPERM) || setegid(p->gid) < 0 ||
	    seteuid(p->uid) < 0)
		return err_errno(e, errno, "cannot become user %u", p->uid);
	int r = command_find(p->argv[0], &p->spec->env, &p->self, path, e);
	if (r == 0)
		r = command_check(path, e);
	if (seteuid(uid) < 0 || setegid(gid) < 0)
		return err_errno(e, errno, "cannot become user %u", uid);
	return r;
}

static int become_user(const struct process_plan *p, struct err *e)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;
	umask(p->umask);
	/* EPERM: a user namespace without the right to set groups; there are none to drop then. */
	if (setgroups(p->group_count, p->groups) < 0 && errno != EPERM)
		return err_errno(e, errno, "cannot set the groups");
	if (setresgid(p->gid, p->gid, p->gid) < 0)
		return err_errno(e, errno, "cannot become group %u", p->gid);
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setresuid(p->uid, p->uid, p->uid) < 0) {
		err_errno(e, errno, "cannot become user %u", p->uid);
		if (e->number == EINVAL)
			err_hint(e, "its user namespace has no such id: see /etc/subuid");
		return -e->number;
	}
	getresuid(&ruid, &euid, &suid);
	getresgid(&rgid, &egid, &sgid);
	if (ruid != p->uid || euid != p->uid || suid != p->uid || rgid != p->gid ||
	    egid != p->gid || sgid != p->gid)
		return err_set(e, EPERM, ERR_INTERNAL, "user %u:%u did not take effect", p->uid,
			       p->gid);
	return 0;
}

/* What passes the listener on: a thread that the filter is not for, since sending may be what it
 * notifies of, and that would wait for the listener for ever. Execve ends it. */
struct passing {
	const struct seccomp_listener *to;
	int listener; /* PENDING until the filter is loaded; negative: it could not be */
	int result;   /* PENDING until it is passed on */
};
enum { PENDING = INT_MIN, PASSING_STACK = 32768 };

static int pass_listener(void *arg)
{
	struct passing *p = arg;
	int fd;
	while ((fd = __atomic_load_n(&p->listener, __ATOMIC_ACQUIRE)) == PENDING)
		sched_yield();
	int r = fd < 0 ? fd : fd_send(p->to->socket, p->to->state, strlen(p->to->state), &fd, 1);
	/* Whoever reads to the end must not wait for our execve. */
	shutdown(p->to->socket, SHUT_WR);
	__atomic_store_n(&p->result, r, __ATOMIC_RELEASE);
	return 0;
}

/* From the filter on there is no system call here until the listener is where it can be answered.
 */
static int load_and_pass(const struct process_plan *p, struct err *e)
{
	static char stack[PASSING_STACK] __attribute__((aligned(16)));
	struct passing passing = {&p->listener, PENDING, PENDING};
	int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
	int r;
	if (clone(pass_listener, stack + sizeof(stack), flags, &passing) < 0)
		return err_errno(e, errno, "cannot pass the seccomp listener on");
	int fd = seccomp_load(p->seccomp);
	__atomic_store_n(&passing.listener, fd, __ATOMIC_RELEASE);
	while ((r = __atomic_load_n(&passing.result, __ATOMIC_ACQUIRE)) == PENDING)
		;
	if (fd < 0)
		return err_errno(e, fd, "cannot load the system call filter");
	return r < 0 ? err_errno(e, r, "cannot pass the seccomp listener on") : 0;
}

static int load_filter(const struct process_plan *p, struct err *e)
{
	int r = p->seccomp && !p->spec->no_new_privileges ? capability_raise() : 0;
	if (r == 0 && p->listener.socket >= 0)
		return load_and_pass(p, e);
	if (!p->seccomp)
		seccomp_load_none();
	else if (r == 0)
		r = seccomp_load(p->seccomp);
	return r < 0 ? err_errno(e, r, "cannot load the system call filter") : 0;
}

static int drop_caps(const struct process_plan *p, struct err *e)
{
	int r = capability_apply(&p->caps);
	return r < 0 ? err_errno(e, r, "cannot set the capabilities") : 0;
}

int process_become(const struct process_plan *p, struct err *e)
{
	int r = set_limits(p, true, e);
	if (r == 0)
		r = become_user(p, e);
	if (r < 0)
		return r;
	/* A filter needs CAP_SYS_ADMIN or no_new_privs. With the latter it comes last of all;
	 * without it while we still have the capability, and then it must let capset(2) pass. */
	if (p->spec->no_new_privileges) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return err_errno(e, errno, "cannot set no_new_privs");
		r = drop_caps(p, e);
		return r < 0 ? r : load_filter(p, e);
	}
	r = load_filter(p, e);
	return r < 0 ? r : drop_caps(p, e);
}

int process_execute(const struct process_plan *p, struct err *e)
{
	char path[COMMAND_PATH_SIZE];
	int r = command_find(p->argv[0], &p->spec->env, &p->self, path, e);
	if (r < 0)
		return r;
	execve(path, p->argv, p->envp);
	return runtime_explain_exec(path, errno, e);
}

_Noreturn void process_fail(int error_fd, const struct err *e)
{
	/* Smaller than PIPE_BUF: it arrives whole. */
	fd_write_full(error_fd, e, sizeof(*e));
	_exit(err_exit_code(e->kind));
}
