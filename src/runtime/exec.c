/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another process in a running container. The parent enters the container's pid namespace for the
 * length of one clone; the child joins the rest by the same pidfd in one setns(2), and becomes the
 * user as a first process does. Rests on setns(2) with a pidfd (Linux 5.8), clone3(2).
 * Invariant: after the child has joined the mount namespace nothing is loaded, executed or read
 * from the container but the command itself, and until then no process of the container can look
 * into the child (it is not dumpable). Read runtime.h and container.c first.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "linux/device.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "linux/pty.h"
#include "linux/systemd.h"
#include "runtime/process.h"
#include "runtime/runtime.h"
#include "runtime/spaces.h"
#include "runtime/view.h"

#define JOINED                                                                                     \
	(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)

enum { SYNC_GO = 'g', SYNC_TERMINAL = 't' };

struct entry {
	const struct runtime_exec *exec;
	int into; /* pidfd of the process, or of a thread of it, whose namespaces are joined */
	struct process_plan process;
	struct arena words;         /* of the child */
	int spaces;                 /* CLONE_NEW* to join */
	bool unprivileged;          /* a user calls, or the root of a user namespace */
	bool own_user;              /* its root has no rights over what is root's on the host */
	struct cgroup_entry groups; /* of version 1, by which it enters them itself */
	int sync;
};

/* A user namespace of the container's own gives the rights over its others and must be joined with
 * them; joining the one that we are in is refused (EINVAL), and says that there is no other. */
static int join_all(struct entry *x, struct err *e)
{
	int pidfd = x->into, spaces = x->spaces & ~(CLONE_NEWUSER | CLONE_NEWPID);
	x->own_user = x->unprivileged;
	if (!x->unprivileged && setns(pidfd, CLONE_NEWUSER | spaces) == 0) {
		x->own_user = true;
		if (setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0)
			return 0;
	} else if ((x->unprivileged || errno == EINVAL) && setns(pidfd, spaces) == 0) {
		return 0;
	}
	if (errno == ESRCH)
		return err_set(e, ESRCH, ERR_CONFLICT, "the container is not running");
	return err_errno(e, errno, "cannot enter the container");
}

static int take_terminal(struct entry *x, int root, int stdio[3], struct err *e)
{
	struct pty pty;
	int r = process_terminal(&x->process, root, &pty, e);
	return r < 0 ? r : process_take_terminal(&pty, x->sync, SYNC_TERMINAL, stdio, e);
}

/* docker's codes: a folder that is not there is a command that is not found (127), since its engine
 * reads "no such file or directory" from the runtime so; one that must not be entered is 126. */
static int no_cwd(int root, const char *path, int number, struct err *e)
{
	int r = runtime_explain_cwd(root, path, number, e);
	e->kind = r == -ENOENT || r == -ENOTDIR ? ERR_NO_COMMAND : ERR_NOT_EXECUTABLE;
	return r;
}

/* No magic link, no way out: as for a first process, but nothing is made. */
static int enter_cwd(int root, const char *path, struct err *e)
{
	CLEANUP_FD int cwd = path_open_in_root(root, path, O_PATH | O_DIRECTORY, 0);
	if (cwd < 0)
		return no_cwd(root, path, cwd, e);
	return fchdir(cwd) < 0 ? no_cwd(root, path, errno, e) : 0;
}

/* The container's own, since its root could change the mode of the host's. But a container that
 * removed or replaced its node must not keep others from entering. */
static int open_null(const struct entry *x, int root, int host_null, struct err *e)
{
	int null = device_open_null(root);
	if (null < 0 && !x->own_user)
		return device_new_null(e);
	if (null < 0)
		null = fcntl(host_null, F_DUPFD_CLOEXEC, 0);
	return null < 0 ? err_errno(e, errno, "cannot use the host's /dev/null") : null;
}

/* execCPUAffinity: before, and after the process has entered the container's control groups. */
static int run_on(const struct entry *x, bool final, struct err *e)
{
	const struct oci_cpu_affinity *a = x->process.spec->exec_cpu_affinity;
	const char *list = !a ? NULL : final ? a->final : a->initial;
	int r = list && *list ? cpu_affinity_set(list) : 0;
	return r < 0 ? err_errno(e, r, "execCPUAffinity.%s %.100s", final ? "final" : "initial",
				 list)
		     : 0;
}

static int set_up(struct entry *x, struct err *e)
{
	const struct runtime_exec *p = x->exec;
	int stdio[3] = {p->stdio[0], p->stdio[1], p->stdio[2]};
	CLEANUP_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FD int host_null = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);
	CLEANUP_FD int null = -1;
	if (proc < 0)
		return err_errno(e, errno, "cannot open the host's /proc");
	umask(0);
	if (x->process.listener.socket >= 0) {
		struct hooks of = {p->spec, p->id, p->bundle};
		x->process.listener.state = seccomp_listener_state(&of, proc, &x->words);
	}
	int r = process_begin(&x->process, proc, e);
	if (r == 0)
		r = run_on(x, false, e);
	if (r == 0)
		r = join_all(x, e);
	if (r == 0 && p->view)
		r = view_enter(p->view, e);
	CLEANUP_FD int root = r < 0 ? -1 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r == 0 && root < 0)
		r = err_errno(e, errno, "cannot open the container's root");
	if (r == 0 && x->process.spec->terminal) {
		r = take_terminal(x, root, stdio, e);
	} else if (r == 0 && (stdio[0] < 0 || stdio[1] < 0 || stdio[2] < 0)) {
		null = open_null(x, root, host_null, e);
		r = null < 0 ? null : 0;
	}
	if (r == 0)
		r = enter_cwd(root, x->process.spec->cwd, e);
	if (r == 0)
		r = process_limit(&x->process, e);
	if (r == 0)
		r = process_stdio(&x->process, stdio, null, e);
	return r;
}

static void execute(const struct entry *x, struct err *e)
{
	if (x->exec->init_fd <= 0) {
		process_execute(&x->process, e);
		return;
	}
	execveat(x->exec->init_fd, "", x->process.argv, x->process.envp, AT_EMPTY_PATH);
	err_errno(e, errno, "cannot execute hull-init");
}

static _Noreturn void exec_child(struct entry *x)
{
	struct err e = {0};
	char word = 0;
	int error_fd =
		x->exec->error_fd <= 2 ? fd_move_up(x->exec->error_fd, 3) : x->exec->error_fd;
	if (x->sync <= 2)
		x->sync = fd_move_up(x->sync, 3);
	if (set_up(x, &e) < 0 || cgroup_enter(&x->groups, &e) < 0 ||
	    (x->exec->resctrl && resctrl_enter(x->exec->resctrl, &e) < 0))
		process_fail(error_fd, &e);
	if (read(x->sync, &word, 1) != 1 || word != SYNC_GO)
		_exit(125);
	if (run_on(x, true, &e) == 0 && process_become(&x->process, &e) == 0)
		execute(x, &e);
	process_fail(error_fd, &e);
}

static int not_entered(int number, struct err *e)
{
	if (number == ESRCH)
		return err_set(e, ESRCH, ERR_CONFLICT, "the container is not running");
	return err_errno(e, number, "cannot enter the container's pid namespace");
}

/* A user has rights over the container's namespaces only as the root of its user namespace. */
static int enter_as_user(void *arg, struct err *e)
{
	const struct entry *x = arg;
	int spaces = x->spaces & (CLONE_NEWUSER | CLONE_NEWPID);
	if (spaces && setns(x->into, spaces) < 0)
		return not_entered(errno, e);
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_errno(e, errno, "the container has no user and group 0");
	return 0;
}

/* In the container's pid namespace by now, or by a process between. */
static pid_t clone_child(struct entry *x, int cgroup, int *ret_pidfd, struct err *e)
{
	struct between b = {enter_as_user, x, 0, cgroup, false};
	return x->unprivileged ? spaces_clone_between(&b, ret_pidfd, e)
			       : namespace_clone(0, cgroup, ret_pidfd);
}

static int clone_beside(struct entry *x, int *ret_pidfd, struct err *e)
{
	const struct cgroup *g = x->exec->unit ? NULL : x->exec->cgroup;
	CLEANUP_FD int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return err_errno(e, errno, "cannot open our own pid namespace");
	int dumpable = prctl(PR_GET_DUMPABLE);
	prctl(PR_SET_DUMPABLE, 0);
	if (!x->unprivileged && setns(x->into, CLONE_NEWPID) < 0) {
		int number = errno;
		prctl(PR_SET_DUMPABLE, dumpable);
		return not_entered(number, e);
	}
	pid_t pid = clone_child(x, g ? g->v2 : -1, ret_pidfd, e);
	/* The container may have made groups of its own, as systemd does in one. */
	CLEANUP_FD int inner = pid == -EBUSY ? cgroup_v2_of(g, pidfd_pid(x->exec->pidfd)) : -1;
	if (inner >= 0)
		pid = clone_child(x, inner, ret_pidfd, e);
	if (pid == 0)
		return 0;
	prctl(PR_SET_DUMPABLE, dumpable);
	int r = x->unprivileged ? 0 : namespace_back(own, CLONE_NEWPID);
	/* ENOMEM is how the kernel says that the namespace's first process ends. */
	if (pid == -ENOMEM && pidfd_is_ending(x->exec->pidfd))
		return err_set(e, ESRCH, ERR_CONFLICT, "the container is not running");
	/* A process may go only where its user could have moved it: cgroup-v2.rst, "Delegation". */
	if (pid == -EACCES && x->unprivileged && g)
		err_hint(e, "the container's control group lies in another session of this user: "
			    "call hull from there, or by systemd-run --user --scope");
	if (pid < 0 && x->unprivileged)
		return pid;
	if (pid < 0 || r < 0)
		return err_errno(e, pid < 0 ? pid : r, "cannot create a process in the container");
	return pid;
}

static int receive_terminal(int sync, int *ret, struct err *e)
{
	char word;
	ssize_t n = fd_recv(sync, &word, 1, ret, 1);
	/* Nothing: the child has failed and said why. */
	return n < 0 && n != -ECONNRESET ? err_errno(e, (int)n, "cannot receive the terminal") : 0;
}

static int tend(const struct entry *x, int sync, struct runtime_process *p, struct err *e)
{
	const char *unit = x->exec->unit;
	char word = SYNC_GO;
	int r = unit && x->exec->cgroup ? systemd_scope_attach(unit, p->pid, e) : 0;
	if (r < 0 && pidfd_has_ended(p->pidfd) == 1)
		return 0;
	if (r == 0 && x->process.spec->terminal)
		r = receive_terminal(sync, &p->pty_fd, e);
	if (r == 0)
		send(sync, &word, 1, MSG_NOSIGNAL);
	return r;
}

static int launch(struct entry *x, struct runtime_process *ret, struct err *e)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "cannot create a socket pair");
	CLEANUP_FD int ours = pair[0];
	CLEANUP_FD int theirs = pair[1];
	struct runtime_process p = {.pidfd = -1, .pty_fd = -1, .go_fd = -1};
	x->sync = theirs;
	p.pid = clone_beside(x, &p.pidfd, e);
	CLEANUP_FD int thread = p.pid == -ESRCH ? process_live_thread(x->into) : -1;
	if (thread >= 0) {
		x->into = thread;
		p.pid = clone_beside(x, &p.pidfd, e);
	}
	if (p.pid == 0) {
		close(ours);
		exec_child(x);
	}
	if (p.pid < 0)
		return p.pid;
	fd_drop(&theirs);
	int r = tend(x, ours, &p, e);
	if (r < 0) {
		int status;
		pidfd_signal(p.pidfd, SIGKILL);
		pidfd_wait_child(p.pidfd, &status);
		fd_drop(&p.pidfd);
		fd_drop(&p.pty_fd);
		return r;
	}
	*ret = p;
	return 0;
}

int runtime_exec(const struct runtime_exec *p, struct runtime_process *ret, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct entry x = {.exec = p, .into = p->pidfd, .groups = CGROUP_ENTRY_CLOSED};
	int r = process_plan_make(p->process, p->spec ? &p->spec->linux_ : NULL, p->seccomp,
				  p->privileged, &a, &x.process, e);
	x.process.preserve_fds = p->preserve_fds;
	x.unprivileged = namespace_caller_is_user();
	x.spaces = JOINED | (p->own_time ? CLONE_NEWTIME : 0);
	/* What is ours as well need not be joined, and a user may not. */
	if (x.unprivileged)
		x.spaces = namespace_others(pidfd_pid(p->pidfd), x.spaces);
	if (r == 0)
		r = seccomp_listener_connect(p->spec ? p->spec->linux_.seccomp : NULL,
					     x.process.seccomp, &x.process.listener.socket, e);
	if (r == 0)
		r = cgroup_entry_open(p->unit ? NULL : p->cgroup, &x.groups, e);
	if (r == 0)
		r = launch(&x, ret, e);
	cgroup_entry_close(&x.groups);
	fd_drop(&x.process.listener.socket);
	return r;
}
