/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container: the parent's half. Check the spec, clone once into the v2 tree of control
 * groups, tend the child while it sets itself up, receive its terminal. Rests on clone3(2),
 * socketpair(2). Invariant: when runtime_start() fails, the child is dead and reaped. Read
 * runtime.h, then container.c for the child's half.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/sysctl.h"
#include "linux/systemd.h"
#include "runtime/container.h"
#include "runtime/hooks.h"

enum { HOSTNAME_MAX = 64 };

static int check_absolute(const struct strv *paths, const char *name, struct err *e)
{
	for (size_t i = 0; i < paths->count; i++)
		if (paths->items[i][0] != '/')
			return err_set(e, EINVAL, ERR_INVALID, "%s \"%.100s\": must be absolute",
				       name, paths->items[i]);
	return 0;
}

/* What the specification rules out, and would otherwise pass without effect. */
static int check_words(const struct oci_spec *s, struct err *e)
{
	const struct oci_seccomp *filter = s->linux_.seccomp;
	for (size_t i = 0; i < s->annotations.count; i++)
		if (!*s->annotations.items[i].key)
			return err_set(e, EINVAL, ERR_INVALID, "annotations: a key is empty");
	if (filter && filter->listener_metadata && !filter->listener_path)
		return err_set(e, EINVAL, ERR_INVALID,
			       "seccomp: listenerMetadata without a listenerPath");
	int r = check_absolute(&s->linux_.masked_paths, "maskedPaths", e);
	if (r == 0)
		r = check_absolute(&s->linux_.readonly_paths, "readonlyPaths", e);
	return r < 0 ? r : hooks_check(s->hooks, e);
}

static int check_spec(const struct oci_spec *s, const struct spaces *spaces, struct err *e)
{
	const struct kvs *sysctl = &s->linux_.sysctl;
	for (size_t i = 0; i < sysctl->count; i++) {
		int r = sysctl_check(sysctl->items[i].key, sysctl->items[i].value, spaces->own, e);
		if (r < 0)
			return r;
	}
	int r = check_words(s, e);
	if (r < 0)
		return r;
	if (s->hostname && strlen(s->hostname) > HOSTNAME_MAX)
		return err_set(e, EINVAL, ERR_INVALID, "host name %.80s: longer than %d characters",
			       s->hostname, HOSTNAME_MAX);
	if (geteuid() != 0 && !(spaces->own & CLONE_NEWUSER)) {
		err_set(e, EPERM, ERR_DENIED,
			"a container of an ordinary user needs a user namespace");
		return err_hint(e, "add one to linux.namespaces, with uidMappings and gidMappings");
	}
	bool named = (s->hostname && *s->hostname) || (s->domainname && *s->domainname);
	if (named && !(spaces->own & CLONE_NEWUTS))
		return err_set(e, EINVAL, ERR_INVALID,
			       "a host name can be set only with an own uts namespace");
	return 0;
}

bool runtime_takes_netns(const struct oci_spec *spec)
{
	const struct oci_namespace *list = spec->linux_.namespaces.items;
	bool takes = false;
	for (size_t i = 0; i < spec->linux_.namespaces.count; i++) {
		if (!strcmp(list[i].type, "user"))
			return false;
		if (!strcmp(list[i].type, "network"))
			takes = !list[i].path || !*list[i].path;
	}
	return takes && !namespace_caller_is_user();
}

/* In the v2 tree. The root of a joined user namespace may not put processes there. */
static bool born_inside(const struct container *c)
{
	const struct cgroup *g = c->start->cgroup;
	return g && g->v2 >= 0 && !(c->spaces.join & CLONE_NEWUSER) && !c->start->unit;
}

/* By systemd, or where the process could not be born. */
static bool attached_by_us(const struct container *c)
{
	const struct cgroup *g = c->start->cgroup;
	return g && (c->start->unit || (g->v2 >= 0 && !born_inside(c)));
}

static int plan(struct container *c, const struct runtime_start *p, struct arena *a, struct err *e)
{
	c->start = p;
	int r = spaces_open(&c->spaces, &p->spec->linux_, e);
	if (r >= 0)
		r = check_spec(p->spec, &c->spaces, e);
	if (r >= 0)
		r = netdevices_check(&p->spec->linux_, &c->spaces, e);
	if (r >= 0)
		r = process_plan_make(&p->spec->process, &p->spec->linux_, p->seccomp, false, a,
				      &c->process, e);
	c->process.preserve_fds = p->preserve_fds;
	c->process.keep_keyring = p->keep_keyring;
	if (r >= 0)
		r = rootfs_plan(&c->rootfs, p, a, e);
	if (r >= 0)
		r = seccomp_listener_connect(p->spec->linux_.seccomp, p->seccomp,
					     &c->process.listener.socket, e);
	c->unprivileged = geteuid() != 0;
	/* Then the process is in its groups only once the parent has written it there. */
	c->late_cgroup = c->spaces.make & CLONE_NEWCGROUP && attached_by_us(c);
	if (r >= 0)
		r = cgroup_entry_open(p->unit ? NULL : p->cgroup, &c->groups, e);
	return r < 0 ? r : 0;
}

static unsigned long clone_flags(const struct container *c)
{
	unsigned long flags = c->spaces.make & ~(unsigned long)CLONE_NEWCGROUP;
	/* Offsets of a clock can be set only while nobody is in its namespace. */
	if (c->start->spec->linux_.time_offsets.count)
		flags &= ~(unsigned long)CLONE_NEWTIME;
	if (c->start->netns > 0)
		flags &= ~(unsigned long)CLONE_NEWNET; /* clone_into() */
	/* Sources of mounts come from our mount namespace: the child leaves it once it has them. */
	if (!(c->spaces.own & CLONE_NEWUSER))
		flags &= ~(unsigned long)CLONE_NEWNS;
	return flags;
}

static int birth_group(const struct container *c)
{
	return born_inside(c) ? c->start->cgroup->v2 : -1;
}

/* For its unprivileged creator a process that is not dumpable is root's, maps and all. Others gain
 * nothing by it: into a new user namespace only its creator can look. */
static bool opens_up(const struct container *c)
{
	return c->unprivileged && c->spaces.make & CLONE_NEWUSER;
}

/* The pid namespace of a path is given to children only: enter it for the clone, and come back. A
 * process of that container must not be able to look into the new one (its descriptors, its
 * program) before that has set itself up: CVE-2016-9962, CVE-2019-5736. */
static pid_t clone_into(const struct container *c, int *ret_pidfd, struct err *e)
{
	CLEANUP_FD int own = -1;
	if (c->spaces.join & CLONE_NEWPID) {
		own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
		if (own < 0)
			return err_errno(e, errno, "cannot open our own pid namespace");
		int r = spaces_join(&c->spaces, CLONE_NEWPID, e);
		if (r < 0)
			return r;
	}
	CLEANUP_FD int network = -1;
	if (c->start->netns > 0) {
		network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (network < 0 || setns(c->start->netns, CLONE_NEWNET) < 0)
			return err_errno(e, errno,
					 "cannot enter the container's network namespace");
	}
	int dumpable = prctl(PR_GET_DUMPABLE);
	prctl(PR_SET_DUMPABLE, opens_up(c) || (dumpable && own < 0));
	pid_t pid = namespace_clone(clone_flags(c), birth_group(c), ret_pidfd);
	if (pid != 0)
		prctl(PR_SET_DUMPABLE, dumpable);
	int back = pid != 0 && own >= 0 ? namespace_back(own, CLONE_NEWPID) : 0;
	if (back < 0 && pid > 0)
		return err_errno(e, back, "cannot return to our own pid namespace");
	back = pid != 0 && network >= 0 ? namespace_back(network, CLONE_NEWNET) : 0;
	if (back < 0 && pid > 0)
		return err_errno(e, back, "cannot return to our own network namespace");
	return pid < 0 ? err_errno(e, pid, "cannot create the container's process") : pid;
}

static int join_all(void *spaces, struct err *e)
{
	return spaces_join_all(spaces, e);
}

static pid_t clone_staged(struct container *c, int *ret_pidfd, struct err *e)
{
	struct between b = {join_all, &c->spaces, clone_flags(c), birth_group(c), opens_up(c)};
	return spaces_clone_between(&b, ret_pidfd, e);
}

static int say(int sync, char word)
{
	return send(sync, &word, 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A child that failed has said why on error_fd: then it is not for us to say something else. */
static bool has_failed(const struct runtime_process *p)
{
	return pidfd_has_ended(p->pidfd) == 1;
}

static int receive_terminal(struct runtime_process *p, struct err *e)
{
	char word = 0;
	ssize_t n = fd_recv(p->go_fd, &word, 1, &p->pty_fd, 1);
	if (n == 1 && word == SYNC_TERMINAL && p->pty_fd >= 0)
		return 0;
	if (n == 0 || n == -ECONNRESET)
		return 0;
	return err_errno(e, n < 0 ? (int)n : EPROTO, "cannot receive the container's terminal");
}

/* The child has mounted everything and waits. If it has failed, it has said why. */
static int run_hooks(const struct runtime_start *start, const struct runtime_process *p,
		     struct err *e)
{
	struct hooks hooks = {start->spec, start->id, start->bundle};
	char word = 0;
	ssize_t n = fd_recv(p->go_fd, &word, 1, NULL, 0);
	if (n == 0 || n == -ECONNRESET)
		return 0;
	if (n != 1 || word != SYNC_HOOKS)
		return err_errno(e, n < 0 ? (int)n : EPROTO, "cannot hear of the container");
	int r = hooks_run(&hooks, HOOK_PRESTART, p->pid, e);
	if (r == 0)
		r = hooks_run(&hooks, HOOK_CREATE_RUNTIME, p->pid, e);
	if (r == 0)
		say(p->go_fd, SYNC_HOOKS);
	return r;
}

static int tend(const struct container *c, struct runtime_process *p, struct err *e)
{
	const struct cgroup *g = c->start->cgroup;
	int r = spaces_map_ids(&c->spaces, p->pid, e);
	if (r == 0)
		r = netdevices_move(&c->start->spec->linux_, &c->spaces, p->pid, e);
	if (r == 0 && container_waits(c) && (r = say(p->go_fd, SYNC_MAPPED)) < 0)
		r = has_failed(p) ? 0 : err_errno(e, r, "cannot reach the container's process");
	if (r == 0 && attached_by_us(c)) {
		r = c->start->unit ? systemd_scope_attach(c->start->unit, p->pid, e)
				   : cgroup_attach_v2(g, p->pid, e);
		if (r < 0 && has_failed(p))
			r = 0;
	}
	if (r == 0 && c->start->spec->process.terminal)
		r = receive_terminal(p, e);
	if (r == 0 && hooks_before_pivot(c->start->spec))
		r = run_hooks(c->start, p, e);
	return r;
}

static void put_down(struct runtime_process *p)
{
	int status;
	pidfd_signal(p->pidfd, SIGKILL);
	pidfd_wait_child(p->pidfd, &status);
	fd_drop(&p->pidfd);
	fd_drop(&p->pty_fd);
	fd_drop(&p->go_fd);
}

static void drop_sources(struct rootfs *r)
{
	fd_drop(&r->root);
	fd_drop(&r->init);
	for (size_t i = 0; i < r->cgroup_count; i++)
		fd_drop(&r->cgroups[i].source);
	for (size_t i = 0; i < r->spec->mounts.count; i++)
		fd_drop(&r->mounts[i].source), fd_drop(&r->mounts[i].idmap);
}

static int launch(struct container *c, struct runtime_process *ret, struct err *e)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "cannot create a socket pair");
	CLEANUP_FD int theirs = pair[1];
	struct runtime_process p = {.pidfd = -1, .pty_fd = -1, .go_fd = pair[0]};
	c->sync = theirs;
	p.pid = c->spaces.staged ? clone_staged(c, &p.pidfd, e) : clone_into(c, &p.pidfd, e);
	if (p.pid == 0) {
		close(p.go_fd);
		container_child(c);
	}
	if (p.pid < 0) {
		close(p.go_fd);
		return p.pid;
	}
	*ret = p;
	return 0;
}

int runtime_clone(const struct runtime_start *p, struct runtime_process *ret, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c = {.groups = CGROUP_ENTRY_CLOSED};
	int r = plan(&c, p, &a, e);
	if (r == 0)
		r = rootfs_take_idmaps(&c.rootfs, e);
	if (r == 0 && c.spaces.own & CLONE_NEWUSER && !c.unprivileged)
		r = c.spaces.join & CLONE_NEWNS ? rootfs_take_cgroups(&c.rootfs, p->cgroup, e)
						: rootfs_take_sources(&c.rootfs, p, e);
	if (r == 0)
		r = launch(&c, ret, e);
	if (c.rootfs.spec)
		drop_sources(&c.rootfs);
	if (c.process.spec)
		fd_drop(&c.process.listener.socket);
	cgroup_entry_close(&c.groups);
	spaces_close(&c.spaces);
	return r;
}

int runtime_tend(const struct runtime_start *p, struct runtime_process *proc, struct err *e)
{
	struct container c = {.start = p};
	int r = spaces_open(&c.spaces, &p->spec->linux_, e);
	if (r >= 0)
		r = tend(&c, proc, e);
	spaces_close(&c.spaces);
	return r;
}

int runtime_start(const struct runtime_start *p, struct runtime_process *ret, struct err *e)
{
	struct runtime_process proc;
	int r = runtime_clone(p, &proc, e);
	if (r < 0)
		return r;
	r = runtime_tend(p, &proc, e);
	if (r < 0)
		put_down(&proc);
	else
		*ret = proc;
	return r;
}

int runtime_release(struct runtime_process *p, struct err *e)
{
	int r = say(p->go_fd, SYNC_GO);
	fd_drop(&p->go_fd);
	/* A child that is gone has reported why, or was killed: its exit status tells. */
	if (r == -EPIPE || r == -ECONNRESET)
		r = 0;
	return r < 0 ? err_errno(e, r, "cannot start the container's command") : 0;
}

int runtime_release_to_gate(struct runtime_process *p, int fd, struct err *e)
{
	char word = 0;
	int r = say(p->go_fd, SYNC_GO);
	ssize_t n = r < 0 ? r : fd_recv(p->go_fd, &word, 1, NULL, 0);
	fd_drop(&p->go_fd);
	if (n == 1 && word == SYNC_READY)
		return 0;
	r = runtime_await_exec(fd, e);
	return r < 0 ? r
		     : err_set(e, EIO, ERR_INTERNAL, "the container's process ended at its start");
}

int runtime_await_exec(int fd, struct err *e)
{
	struct err theirs;
	ssize_t n = fd_read_full(fd, &theirs, sizeof(theirs));
	if (n == 0)
		return 0;
	if (n < 0)
		return err_errno(e, (int)n, "cannot read what became of the container's command");
	if (n != sizeof(theirs))
		return err_set(e, EIO, ERR_INTERNAL,
			       "the container's process ended before its "
			       "command could be executed");
	*e = theirs;
	e->text[sizeof(e->text) - 1] = e->hint[sizeof(e->hint) - 1] = '\0';
	return -(e->number ? e->number : EIO);
}
