/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first process sets itself up. Order, and why:
 *   1. namespaces that are joined; session, signals, keyring; the loopback device
 *   2. sources of all mounts, while the engine's mount namespace is still ours
 *   3. its own mount namespace; the new root and everything in it; pivot_root
 *   4. hooks of creation before pivot_root; limits, descriptors, terminal
 *   5. before those hooks: control groups of version 1, which are to count what the command needs
 *      and not what setting it up took; a cgroup namespace, rooted at the group we are in by now
 *   6. wait for the parent; user, capabilities, filter; hooks of the start; execve
 * Invariant: until 6 this process cannot be looked into by others (not dumpable), and all it does
 * goes by descriptors. Read container.h first.
 */
#include "runtime/container.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "linux/device.h"
#include "linux/namespaces.h"
#include "linux/sysctl.h"
#include "runtime/gate.h"
#include "runtime/hooks.h"

static struct hooks hooks_of(const struct runtime_start *p)
{
	return (struct hooks){p->spec, p->id, p->bundle};
}

/* The parent's next word. If it dies, so do we, quietly: nothing has been promised to anyone. */
static int await(const struct container *c, char word, struct err *e)
{
	char said = 0;
	ssize_t n = TEMP_FAILURE_RETRY(read(c->sync, &said, 1));
	if (n < 0)
		return err_errno(e, errno, "cannot hear whether the container may go on");
	if (n != 1 || said != word)
		_exit(125);
	return 0;
}

/* In a new user namespace we are nobody until the parent has written the maps. */
static int become_root(const struct container *c, struct err *e)
{
	int r = container_waits(c) ? await(c, SYNC_MAPPED, e) : 0;
	if (r < 0)
		return r;
	if (!(c->spaces.make & CLONE_NEWUSER))
		return 0;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_errno(e, errno, "the id mappings have no user and group 0");
	return 0;
}

/* A process that is not dumpable may not write what it has below /proc, unless it is the host's
 * root. In a new user namespace there is nobody yet who could look into it meanwhile. */
static int set_clocks(const struct container *c, struct err *e)
{
	bool open = c->spaces.make & CLONE_NEWUSER;
	if (open)
		prctl(PR_SET_DUMPABLE, 1);
	int r = spaces_set_clocks(&c->spaces, e);
	if (open)
		prctl(PR_SET_DUMPABLE, 0);
	return r;
}

static int begin(struct container *c, struct err *e)
{
	/* Until its maps are written, for an unprivileged creator: start.c, opens_up(). */
	if (!c->unprivileged)
		prctl(PR_SET_DUMPABLE, 0);
	umask(0);
	int r = become_root(c, e);
	if (r < 0)
		return r;
	if (c->unprivileged)
		prctl(PR_SET_DUMPABLE, 0);
	CLEANUP_FD int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return err_errno(e, errno, "cannot open the host's /proc");
	struct hooks hooks = hooks_of(c->start);
	if (c->process.listener.socket >= 0)
		c->process.listener.state = seccomp_listener_state(&hooks, proc, &c->words);
	r = process_begin(&c->process, proc, e);
	if (r == 0)
		r = spaces_join_early(&c->spaces, e);
	if (r == 0 && c->start->spec->linux_.time_offsets.count)
		r = set_clocks(c, e);
	if (r == 0 && c->spaces.make & CLONE_NEWNET && c->start->netns <= 0 &&
	    (r = namespace_loopback_up()) < 0)
		err_errno(e, r, "cannot bring up the loopback device");
	return r;
}

static int set_names(const struct container *c, struct err *e)
{
	const struct oci_spec *s = c->start->spec;
	if (s->hostname && *s->hostname && sethostname(s->hostname, strlen(s->hostname)) < 0)
		return err_errno(e, errno, "cannot set the host name %s", s->hostname);
	if (s->domainname && *s->domainname &&
	    setdomainname(s->domainname, strlen(s->domainname)) < 0)
		return err_errno(e, errno, "cannot set the domain name %s", s->domainname);
	return 0;
}

/* Through our own procfs by its descriptor, whatever lies upon /proc/sys in the mount table. */
static int set_sysctls(const struct container *c, struct err *e)
{
	const struct kvs *list = &c->start->spec->linux_.sysctl;
	if (list->count == 0)
		return 0;
	CLEANUP_FD int made = -1;
	if (c->rootfs.proc < 0 && (made = mount_new("proc", "proc", NULL, 0, 0, e)) < 0)
		return made;
	int r = 0;
	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = sysctl_write(c->rootfs.proc >= 0 ? c->rootfs.proc : made, list->items[i].key,
				 list->items[i].value, e);
	return r;
}

static int enter_filesystem(struct container *c, struct err *e)
{
	const struct runtime_start *p = c->start;
	unsigned long make = c->spaces.make & CLONE_NEWNS;
	/* Whoever is in a joined one finds himself in our root afterwards: it is pivoted there. */
	bool joins = c->spaces.join & CLONE_NEWNS;
	int r = joins ? rootfs_take_cgroups(&c->rootfs, p->cgroup, e) : 0;
	if (r == 0)
		r = spaces_join(&c->spaces, CLONE_NEWNS, e);
	/* With a user namespace we were born in our own mount one, and the parent took the sources,
	 * unless it had no right to. */
	if (c->spaces.own & CLONE_NEWUSER)
		make = 0;
	if (r == 0 && (joins || !(c->spaces.own & CLONE_NEWUSER) || c->unprivileged))
		r = rootfs_take_sources(&c->rootfs, p, e);
	if (r == 0 && make && unshare((int)make) < 0)
		r = err_errno(e, errno, "cannot create the mount namespace");
	if (r == 0)
		r = rootfs_build(&c->rootfs, &c->process, e);
	return r;
}

static int take_terminal(struct container *c, int stdio[3], struct err *e)
{
	struct pty pty = {-1, -1};
	int r = rootfs_console(&c->rootfs, &c->process, &pty, e);
	return r < 0 ? r : process_take_terminal(&pty, c->sync, SYNC_TERMINAL, stdio, e);
}

static int make_cgroup_space(struct err *e)
{
	return unshare(CLONE_NEWCGROUP) < 0
		       ? err_errno(e, errno, "cannot create the cgroup namespace")
		       : 0;
}

static int enter_groups(struct container *c, struct err *e)
{
	int r = cgroup_enter(&c->groups, e);
	if (r == 0 && c->start->resctrl)
		r = resctrl_enter(c->start->resctrl, e);
	cgroup_entry_close(&c->groups);
	return r == 0 && c->spaces.make & CLONE_NEWCGROUP && !c->late_cgroup ? make_cgroup_space(e)
									     : r;
}

/* All is mounted, and the host's root still ours: the parent's hooks first, then those that run in
 * our namespaces, in the container's root as their folder. */
static int run_create_hooks(struct container *c, struct err *e)
{
	char word = SYNC_HOOKS;
	struct hooks hooks = hooks_of(c->start);
	if (fd_send(c->sync, &word, 1, NULL, 0) < 0)
		_exit(125);
	int r = await(c, SYNC_HOOKS, e);
	if (r < 0)
		return r;
	if (fchdir(c->rootfs.root) < 0)
		return err_errno(e, errno, "cannot enter the root file system");
	return hooks_run(&hooks, HOOK_CREATE_CONTAINER, getpid(), e);
}

/* Where a stream is given none: the container's own /dev/null, not the host's, whose mode its root
 * could change through the descriptor. A root without one (an OCI bundle may have none) keeps the
 * host's. */
static int own_null(const struct container *c)
{
	CLEANUP_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int null = root < 0 ? -errno : device_open_null(root);
	return null < 0 ? c->rootfs.null : null;
}

static int set_up(struct container *c, struct err *e)
{
	const struct runtime_start *p = c->start;
	int stdio[3] = {p->stdio[0], p->stdio[1], p->stdio[2]};
	int r = begin(c, e);
	if (r == 0)
		r = set_names(c, e);
	if (r == 0)
		r = enter_filesystem(c, e);
	if (r == 0)
		r = set_sysctls(c, e);
	if (r == 0 && p->spec->process.terminal)
		r = take_terminal(c, stdio, e);
	if (r == 0)
		r = enter_groups(c, e);
	if (r == 0 && hooks_before_pivot(p->spec))
		r = run_create_hooks(c, e);
	if (r == 0)
		r = rootfs_finish(&c->rootfs, p->no_pivot, e);
	if (r == 0)
		r = process_limit(&c->process, e);
	if (r == 0)
		r = process_stdio(&c->process, stdio, own_null(c), e);
	return r;
}

/* hull-init is executed from its descriptor; the command is its business then, so what can be known
 * of that beforehand is checked here, where it can still be reported. */
static int execute_init(struct container *c, struct err *e)
{
	const struct runtime_start *p = c->start;
	const struct process_plan *process = &c->process;
	char path[COMMAND_PATH_SIZE];
	int r = command_find(process->argv[0], &process->spec->env, &process->self, path, e);
	if (r == 0)
		r = command_check(path, e);
	if (r < 0)
		return r;
	CLEANUP_ARENA struct arena a = {0};
	struct strv args = {0};
	strv_push_all(&a, &args, p->init_args);
	strv_push_all(&a, &args, &process->spec->args);
	/* PID 1 never hears of what comes before it has said what it does with it; blocked, it
	 * waits until hull-init, which blocks all itself and gives its child none of that, takes
	 * it. Another init would pass that on. */
	sigset_t all;
	sigfillset(&all);
	if (p->init_report_fd >= 0)
		sigprocmask(SIG_SETMASK, &all, NULL);
	execveat(c->rootfs.init, "", args.items, process->envp, AT_EMPTY_PATH);
	return err_errno(e, errno, "cannot execute %s as the init", p->init_args->items[0]);
}

/* Descriptor 3 is hull-init's report pipe; whatever is in that place moves away first. */
static int place_report(struct container *c, struct err *e)
{
	enum { REPORT_FD = 3, ABOVE = 4 };
	int report = c->start->init_report_fd;
	if (c->start->init_fd < 0 || report < 0)
		return 0;
	c->rootfs.init = fd_move_up(c->rootfs.init, ABOVE);
	if (report == REPORT_FD ? fcntl(report, F_SETFD, 0) < 0 : dup2(report, REPORT_FD) < 0)
		return err_errno(e, errno, "cannot pass the report pipe on");
	return c->rootfs.init < 0 ? err_errno(e, c->rootfs.init, "cannot pass the init on") : 0;
}

/* A created container: what can be known of its command is told now, since nobody may be there to
 * hear it later. From here on failures go to whoever starts it. */
static int wait_at_gate(struct container *c, int *error_fd, struct err *e)
{
	char word = SYNC_READY;
	int r = process_check(&c->process, e);
	if (r < 0)
		return r;
	fd_send(c->sync, &word, 1, NULL, 0);
	fd_drop(&c->sync);
	fd_drop(error_fd);
	*error_fd = gate_wait(c->start->start_fd);
	if (*error_fd < 0)
		_exit(125);
	return 0;
}

static int finish(struct container *c, int *error_fd, struct err *e)
{
	CLEANUP_HOOKS struct hooks_ready ready;
	struct hooks hooks = hooks_of(c->start);
	int r = hooks_prepare(&hooks, HOOK_START_CONTAINER, getpid(), &ready, e);
	if (r == 0 && c->late_cgroup)
		r = make_cgroup_space(e);
	if (r == 0)
		r = spaces_join(&c->spaces, CLONE_NEWCGROUP, e);
	if (r == 0 && c->start->start_fd > 0)
		r = wait_at_gate(c, error_fd, e);
	if (r == 0)
		r = process_become(&c->process, e);
	if (r == 0)
		r = hooks_run_ready(&ready, e);
	if (r == 0)
		r = place_report(c, e);
	if (r == 0)
		r = c->start->init_fd >= 0 ? execute_init(c, e) : process_execute(&c->process, e);
	return r;
}

_Noreturn void container_child(struct container *c)
{
	struct err e = {0};
	int error_fd = c->start->error_fd;
	/* Not in the way of 0, 1, 2, or of hull-init's 3. */
	if (error_fd <= 3)
		error_fd = fd_move_up(error_fd, 4);
	if (c->sync <= 3)
		c->sync = fd_move_up(c->sync, 4);
	if (c->start->lock_fd > 0)
		close(c->start->lock_fd);
	if (set_up(c, &e) == 0 && await(c, SYNC_GO, &e) == 0)
		finish(c, &error_fd, &e);
	process_fail(error_fd, &e);
}
