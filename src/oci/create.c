/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a bundle to a container. The order is that of state.h; the child of the clone dies with us
 * until its pid is in the record. Read create.h and runtime/runtime.h first.
 */
#include "oci/create.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "linux/namespaces.h"
#include "linux/network_ahead.h"
#include "linux/pidfd.h"
#include "linux/systemd.h"
#include "oci/group.h"
#include "oci/handover.h"
#include "oci/notify.h"
#include "oci/remove.h"
#include "runtime/gate.h"
#include "runtime/hooks.h"
#include "runtime/resources.h"
#include "runtime/seccomp.h"

/* What is needed on the way only. */
struct making {
	struct oci *oci;
	const struct create_options *o;
	struct creation *c;
	bool wait;
	struct resources resources;
	struct seccomp_program filter;
	struct cgroup group;
	struct systemd_scope scope; /* what holds it until the container does */
	struct resctrl rdt;
	int failure[2]; /* the child's report */
	int gate;
	struct network_ahead network;
};

static void making_end(struct making *m)
{
	network_ahead_end(&m->network);
	systemd_scope_release(&m->scope);
	cgroup_close(&m->group);
	resctrl_close(&m->rdt);
	fd_drop(&m->failure[0]);
	fd_drop(&m->failure[1]);
	fd_drop(&m->gate);
}

/* ---- checks, before anything is made ---- */

static int check_terminal(const struct making *m, struct err *e)
{
	bool stays = m->wait || m->o->detach;
	bool terminal = m->c->bundle.spec.process.terminal;
	bool socket = m->o->console_socket && *m->o->console_socket;
	if (stays && terminal && !socket)
		return err_set(e, EINVAL, ERR_INVALID,
			       "a terminal needs --console-socket when nobody stays to serve it");
	if (socket && !(stays && terminal))
		return err_set(e, EINVAL, ERR_INVALID,
			       "--console-socket is for detached containers with a terminal");
	return 0;
}

static bool makes(const struct oci_spec *s, const char *kind)
{
	const struct oci_namespace *n = s->linux_.namespaces.items;
	for (size_t i = 0; i < s->linux_.namespaces.count; i++)
		if (!strcmp(n[i].type, kind))
			return true;
	return false;
}

/* What a process that joins has of its container though --process does not say it. */
static bool has_rare(const struct oci_spec *s)
{
	const struct oci_process *p = &s->process;
	return p->apparmor_profile || p->selinux_label || p->scheduler || p->io_priority ||
	       p->exec_cpu_affinity || p->user.umask.set || s->linux_.personality ||
	       s->linux_.memory_policy;
}

static uint32_t record_flags_of(const struct making *m)
{
	const struct oci_spec *s = &m->c->bundle.spec;
	uint32_t flags = 0;
	flags |= s->hooks && s->hooks->poststart.count ? RECORD_POSTSTART : 0;
	flags |= s->hooks && s->hooks->poststop.count ? RECORD_POSTSTOP : 0;
	flags |= makes(s, "time") ? RECORD_OWN_TIME : 0;
	flags |= s->process.terminal ? RECORD_TERMINAL : 0;
	flags |= s->linux_.intel_rdt ? RECORD_RDT : 0;
	flags |= has_rare(s) ? RECORD_RARE : 0;
	return flags;
}

/* @e says why there can be no group: a user may do without, unless he asked for what it gives. */
static int do_without_group(struct making *m, int r, struct err *e)
{
	const char *limit = cgroup_limits_any(&m->resources.limits);
	bool denied = r == -EACCES || r == -EPERM || r == -EROFS;
	if (!denied || !oci_is_rootless(m->oci))
		return r;
	if (limit)
		return err_context(e, "limits (%s) need a control group", limit);
	if (m->oci->globals.debug)
		log_warning(m->oci, e);
	return 0;
}

/* "" is none. */
static int plan_group(struct making *m, const char *id, char **ret, struct err *e)
{
	const char *manager = m->oci->globals.cgroup_manager;
	const char *given = m->c->bundle.spec.linux_.cgroups_path;
	*ret = "";
	if (manager && !strcmp(manager, "disabled"))
		return 0;
	if (oci_uses_systemd(m->oci)) {
		int r = systemd_scope_name(given, id, &m->scope, e);
		*ret = arena_strdup(&m->oci->arena, m->scope.group);
		m->c->state.record.flags |= RECORD_SYSTEMD;
		return r;
	}
	int r = group_path(id, given, &m->oci->arena, ret, e);
	return r < 0 ? do_without_group(m, r, e) : 0;
}

static int check_rdt(const struct making *m, const char *id, struct err *e)
{
	const struct oci_spec *s = &m->c->bundle.spec;
	if (!s->linux_.intel_rdt)
		return 0;
	if (m->o->launch)
		return err_set(
			e, EOPNOTSUPP, ERR_INVALID,
			"intelRdt: restored processes cannot be put into a group of resctrl");
	struct resctrl_wish wish = group_rdt(s, id);
	CLEANUP_FD int mount = resctrl_mount(e);
	return mount < 0 ? mount : resctrl_check(mount, &wish, e);
}

static int plan(struct making *m, const char *id, struct err *e)
{
	struct creation *c = m->c;
	struct arena *a = &m->oci->arena;
	struct oci_spec *s = &c->bundle.spec;
	struct record *record = &c->state.record;
	int r = check_terminal(m, e);
	if (r == 0)
		r = handover_descriptors(&s->process, m->o->preserve_fds, a, e);
	if (r == 0)
		r = resources_read(&s->linux_.resources, a, &m->resources, e);
	if (r == 0)
		r = plan_group(m, id, &record->cgroup, e);
	if (r == 0)
		r = check_rdt(m, id, e);
	if (r < 0)
		return r;
	log_warning_text(m->oci, m->resources.warning);
	log_process_warnings(m->oci, &s->process);
	record->oci_version = s->oci_version;
	record->bundle = c->bundle.path;
	record->rootfs = bundle_rootfs(&c->bundle, a);
	record->annotations = s->annotations.count ? kvs_print(&s->annotations, a) : "";
	record->flags |= record_flags_of(m);
	record->owner = geteuid();
	record->created_ns = clock_real_ns();
	CLEANUP_FD int root = open(record->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bundle_home(&s->process, root, a);
	return 0;
}

/* ---- making ---- */

static int make_state(struct making *m, const char *id, struct err *e)
{
	struct record record = m->c->state.record;
	struct state *s = &m->c->state;
	int r = state_make(m->oci, id, s, e);
	if (r < 0)
		return r;
	s->record = record;
	CLEANUP_FD int config = openat(s->dir, "config.json", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	r = config < 0 ? -errno : fd_write_full(config, m->c->bundle.text, m->c->bundle.length);
	if (r < 0)
		return err_errno(e, r, "cannot keep a copy of config.json");
	r = notify_prepare(s, &m->c->bundle.spec, &m->oci->arena, e);
	return r < 0 ? r : state_write(s, e);
}

static int make_scope(struct making *m, size_t rules, struct err *e)
{
	const struct resources *w = &m->resources;
	int r = systemd_scope_make(&m->scope, &m->c->bundle.spec.annotations, &w->limits, w->rules,
				   rules, &m->group, e);
	if (m->scope.made)
		m->c->state.record.cgroup = arena_strdup(&m->oci->arena, m->scope.group);
	return r;
}

static int make_group(struct making *m, struct err *e)
{
	const struct resources *w = &m->resources;
	struct record *record = &m->c->state.record;
	if (!*record->cgroup)
		return 0;
	/* The rules are root's to give; a user namespace has no right to make devices anyway. */
	size_t rules = namespace_caller_is_user() ? 0 : w->rule_count;
	int r = record->flags & RECORD_SYSTEMD
			? make_scope(m, rules, e)
			: cgroup_make(record->cgroup, &w->limits, w->rules, rules, &m->group, e);
	if (r == 0)
		return 0;
	record->cgroup = ""; /* if there is one of that name, it is not ours */
	r = do_without_group(m, r, e);
	return r < 0 ? r : state_write(&m->c->state, e);
}

static int make_rdt(struct making *m, struct err *e)
{
	struct record *record = &m->c->state.record;
	if (!(record->flags & RECORD_RDT))
		return 0;
	struct resctrl_wish wish = group_rdt(&m->c->bundle.spec, m->c->state.id);
	CLEANUP_FD int mount = resctrl_mount(e);
	int r = mount < 0 ? mount : resctrl_make(mount, &wish, &m->rdt, e);
	if (r < 0)
		record->flags &= ~(uint32_t)RECORD_RDT; /* what is of that name is not ours */
	return r;
}

/* After the group was made: meanwhile the kernel gets ready to move a process there. */
static int make_filter(struct making *m, struct err *e)
{
	const struct oci_seccomp *wanted = m->c->bundle.spec.linux_.seccomp;
	int r = wanted ? runtime_seccomp_compile(wanted, &m->oci->arena, &m->filter, e) : 0;
	if (r < 0 || !m->filter.count)
		return r;
	m->c->state.record.flags |= RECORD_FILTER;
	return state_filter_write(&m->c->state, &m->filter, e);
}

static int launch(struct making *m, struct err *e)
{
	struct creation *c = m->c;
	const struct cgroup *group = *c->state.record.cgroup ? &m->group : NULL;
	if (m->o->launch)
		return m->o->launch(m->oci, m->o, c, group, e);
	if (pipe2(m->failure, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	if (m->wait && (m->gate = gate_listen(c->state.dir, "start", e)) < 0)
		return m->gate;
	struct runtime_start start = {
		.spec = &c->bundle.spec,
		.root_mount = -1,
		.cgroup = group,
		.unit = namespace_caller_is_user() ? record_unit(&c->state.record) : NULL,
		.resctrl = c->state.record.flags & RECORD_RDT ? &m->rdt : NULL,
		.seccomp = m->filter.count ? &m->filter : NULL,
		.stdio = {0, 1, 2},
		.init_fd = -1,
		.init_report_fd = -1,
		.error_fd = m->failure[1],
		.id = c->state.id,
		.bundle = c->bundle.path,
		.start_fd = m->wait ? m->gate : 0,
		.lock_fd = c->state.dir,
		.preserve_fds = (unsigned)handover_count(m->o->preserve_fds),
		.keep_keyring = m->o->no_new_keyring,
		.no_pivot = m->o->no_pivot,
		.netns = network_ahead_wait(&m->network),
	};
	prctl(PR_SET_DUMPABLE, 0);
	struct runtime_process p;
	int r = runtime_start(&start, &p, e);
	fd_drop(&m->failure[1]);
	fd_drop(&m->gate);
	if (r == 0)
		c->process = p;
	return r;
}

int container_note(struct creation *c, struct err *e)
{
	struct record *record = &c->state.record;
	int r = pidfd_start_time(c->process.pid, &record->pid_start);
	if (r < 0)
		return err_errno(e, r, "cannot read the container's start time");
	record->pid = c->process.pid;
	return state_write(&c->state, e);
}

static int release(struct making *m, struct err *e)
{
	struct creation *c = m->c;
	struct hooks hooks = {&c->bundle.spec, c->state.id, c->bundle.path};
	if (m->o->launch)
		return 0;
	if (m->wait)
		return runtime_release_to_gate(&c->process, m->failure[0], e);
	int r = runtime_release(&c->process, e);
	if (r == 0)
		r = runtime_await_exec(m->failure[0], e);
	return r < 0 ? r : hooks_run(&hooks, HOOK_POSTSTART, c->process.pid, e);
}

/* A child that failed has said why, and that is nearer to the cause than what we noticed. */
static int failed(const struct making *m, int r, struct err *e)
{
	struct err theirs;
	if (m->failure[0] >= 0 && m->failure[1] < 0 &&
	    fcntl(m->failure[0], F_SETFL, O_NONBLOCK) == 0 &&
	    fd_read_full(m->failure[0], &theirs, sizeof(theirs)) == sizeof(theirs)) {
		*e = theirs;
		return -e->number;
	}
	return r;
}

static void give_up(struct making *m)
{
	struct creation *c = m->c;
	struct err ignored;
	int status;
	if (c->process.pidfd >= 0) {
		pidfd_signal(c->process.pidfd, SIGKILL);
		pidfd_wait_child(c->process.pidfd, &status);
	}
	fd_drop(&c->process.pidfd);
	fd_drop(&c->process.pty_fd);
	fd_drop(&c->notify);
	systemd_scope_release(&m->scope);
	if (m->scope.made) {
		systemd_scope_stop(m->scope.unit, &ignored);
		cgroup_remove_empty(m->scope.group); /* where systemd has no controller */
	}
	if (c->state.dir >= 0)
		container_remove(m->oci, &c->state, &c->bundle.spec, &ignored);
	state_close(&c->state);
}

static int bring_up(struct making *m, const char *id, struct err *e)
{
	struct creation *c = m->c;
	int r = make_state(m, id, e);
	if (r == 0 && !m->wait && !m->o->launch)
		r = notify_listen(&c->state, &c->notify, e);
	if (r == 0)
		r = make_group(m, e);
	if (r == 0)
		r = make_rdt(m, e);
	if (r == 0)
		r = make_filter(m, e);
	if (r == 0)
		r = launch(m, e);
	if (r == 0 && !m->o->launch)
		r = container_note(c, e);
	if (r == 0 && c->process.pty_fd >= 0 && (m->wait || m->o->detach)) {
		r = handover_socket(m->o->console_socket, "/dev/ptmx", c->process.pty_fd, e);
		fd_drop(&c->process.pty_fd);
	}
	if (r == 0)
		r = release(m, e);
	if (r == 0 && m->o->pidfd_socket && *m->o->pidfd_socket)
		r = handover_socket(m->o->pidfd_socket, "pidfd", c->process.pidfd, e);
	if (r == 0 && m->o->pid_file && *m->o->pid_file)
		r = handover_pid_file(m->o->pid_file, c->process.pid, e);
	return r;
}

int container_create(struct oci *oci, const char *id, const struct create_options *o, bool wait,
		     struct creation *ret, struct err *e)
{
	*ret = (struct creation){.state = STATE_CLOSED, .process = {0, -1, -1, -1}, .notify = -1};
	CLEANUP(making_end)
	struct making m = {.oci = oci,
			   .o = o,
			   .c = ret,
			   .wait = wait,
			   .group = CGROUP_CLOSED,
			   .scope = SYSTEMD_SCOPE_NONE,
			   .rdt = RESCTRL_CLOSED,
			   .failure = {-1, -1},
			   .gate = -1,
			   .network = NETWORK_AHEAD_NONE};
	int r = bundle_read(oci, o->bundle, o->config, &ret->bundle, e);
	if (r == 0 && !o->launch && runtime_takes_netns(&ret->bundle.spec))
		network_ahead_begin(&m.network);
	if (r == 0)
		r = plan(&m, id, e);
	if (r < 0)
		return r;
	r = bring_up(&m, id, e);
	systemd_scope_release(&m.scope);
	if (r == 0)
		return 0;
	r = failed(&m, r, e);
	give_up(&m);
	return r;
}
