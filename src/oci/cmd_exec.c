/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-runtime exec: another process in a container. What it gets is the container's own process
 * with changes, or the whole process object of a file (--process), which is how engines call it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "oci/bundle.h"
#include "oci/commands.h"
#include "oci/group.h"
#include "oci/handover.h"
#include "oci/state.h"
#include "oci/supervise.h"
#include "runtime/runtime.h"

struct values {
	char *console_socket, *cwd, *user, *process, *pid_file, *pidfd_socket, *label, *apparmor;
	struct strv env, gids, caps, cgroups;
	int64_t preserve_fds;
	bool tty, detach, no_new_privs, ignore_paused;
};

struct joining {
	struct oci *oci;
	const struct values *v;
	struct state state;
	struct oci_spec spec; /* of the container, as far as it was needed */
	struct oci_process process;
	struct seccomp_program filter;
	struct group group;
	struct resctrl rdt;
	int failure[2];
};

static void joining_end(struct joining *j)
{
	state_close(&j->state);
	group_close(&j->group);
	resctrl_close(&j->rdt);
	fd_drop(&j->failure[0]);
	fd_drop(&j->failure[1]);
}

/* ---- the process object ---- */

static void add_caps(struct oci_process *p, const struct strv *caps, struct arena *a)
{
	if (caps->count && !p->capabilities)
		p->capabilities = arena_new(a, struct oci_capabilities);
	for (size_t i = 0; i < caps->count; i++) {
		strv_push(a, &p->capabilities->bounding, caps->items[i]);
		strv_push(a, &p->capabilities->effective, caps->items[i]);
		strv_push(a, &p->capabilities->permitted, caps->items[i]);
	}
}

/* Names are looked up in the container's own files, and bring the groups that they are in. A number
 * is one, as with runc: what is not given stays as it is. */
static int set_user(struct joining *j, int root, struct err *e)
{
	const struct values *v = j->v;
	char *home;
	if (!v->user && !v->gids.count)
		return 0;
	struct arena *a = &j->oci->arena;
	struct oci_user *u = &j->process.user, found;
	const char *user = v->user ?: arena_printf(a, "%lld", (long long)u->uid);
	bool named = *user < '0' || *user > '9';
	if (!named && !strchr(user, ':'))
		user = arena_printf(a, "%s:%lld", user, (long long)u->gid);
	int r = runtime_lookup_user(root, user, &v->gids, a, &found, &home, e);
	if (r < 0)
		return r;
	u->uid = found.uid;
	u->gid = found.gid;
	if (named)
		u->additional_gids = (struct array){0};
	runtime_add_groups(u, &found.additional_gids, a);
	return 0;
}

static int change_process(struct joining *j, const struct strv *words, int root, struct err *e)
{
	const struct values *v = j->v;
	struct oci_process *p = &j->process;
	struct arena *a = &j->oci->arena;
	*p = j->spec.process;
	p->args = *words;
	p->terminal = v->tty;
	p->console_size = NULL;
	if (v->cwd && *v->cwd)
		p->cwd = v->cwd;
	if (v->apparmor && *v->apparmor)
		p->apparmor_profile = v->apparmor;
	if (v->label && *v->label)
		p->selinux_label = v->label;
	p->no_new_privileges |= v->no_new_privs;
	for (size_t i = 0; i < v->env.count; i++)
		strv_set_env(a, &p->env, v->env.items[i]);
	add_caps(p, &v->caps, a);
	return set_user(j, root, e);
}

/* What it does not say is the container's, as with runc. */
static void inherit(struct oci_process *p, const struct oci_process *from)
{
	p->capabilities = p->capabilities ?: from->capabilities;
	p->rlimits = p->rlimits.count ? p->rlimits : from->rlimits;
	p->apparmor_profile = p->apparmor_profile ?: from->apparmor_profile;
	p->selinux_label = p->selinux_label ?: from->selinux_label;
	p->scheduler = p->scheduler ?: from->scheduler;
	p->io_priority = p->io_priority ?: from->io_priority;
	p->exec_cpu_affinity = p->exec_cpu_affinity ?: from->exec_cpu_affinity;
	p->user.umask = p->user.umask.set ? p->user.umask : from->user.umask;
}

static int read_process(struct joining *j, struct err *e)
{
	struct arena *a = &j->oci->arena;
	struct oci_process *p = &j->process;
	char *text;
	size_t len;
	int r = file_read(AT_FDCWD, j->v->process, OCI_CONFIG_MAX, a, &text, &len, e);
	if (r == 0)
		r = shape_parse(&oci_process_shape, text, len, p, a, e);
	if (r < 0)
		return err_context(e, "--process %s", j->v->process);
	/* Engines say all that most containers have: then there is nothing to look up. */
	if (!(j->state.record.flags & RECORD_RARE) && p->capabilities && p->rlimits.count)
		return 0;
	r = state_config(&j->state, a, &j->spec, e);
	inherit(p, &j->spec.process);
	return r;
}

static int make_process(struct joining *j, const struct strv *words, struct err *e)
{
	bool whole = j->v->process && *j->v->process;
	CLEANUP_FD int root = process_root(j->state.record.pid);
	if (root < 0) {
		int r = err_errno(e, root, "container %s: cannot open its root", j->state.id);
		/* What has not executed its command yet can be looked into by root alone. */
		if (r == -EACCES && j->state.status == OCI_CREATED)
			err_hint(e, "a user can enter it once it is started");
		return r;
	}
	int r = whole ? read_process(j, e) : state_config(&j->state, &j->oci->arena, &j->spec, e);
	if (r == 0 && !whole)
		r = change_process(j, words, root, e);
	if (r == 0)
		bundle_home(&j->process, root, &j->oci->arena);
	return r;
}

/* ---- checks ---- */

static int check_state(const struct joining *j, struct err *e)
{
	const struct state *s = &j->state;
	if (s->status == OCI_STOPPED || s->status == OCI_CREATING)
		return err_set(e, ESRCH, ERR_CONFLICT,
			       "container %s: container not running: cannot exec in a %s container",
			       s->id, oci_status_names[s->status]);
	if (s->status == OCI_PAUSED && !j->v->ignore_paused)
		return err_set(e, EBUSY, ERR_CONFLICT,
			       "container %s: cannot exec in a paused container (use "
			       "--ignore-paused to override)",
			       s->id);
	return 0;
}

static int check_process(const struct joining *j, struct err *e)
{
	const struct values *v = j->v;
	bool socket = v->console_socket && *v->console_socket;
	if (j->process.args.count == 0)
		return err_set(e, EINVAL, ERR_USAGE, "exec: no command given");
	if (j->process.terminal && v->detach && !socket)
		return err_set(e, EINVAL, ERR_INVALID,
			       "a terminal needs --console-socket when nobody stays to serve it");
	if (socket && !(j->process.terminal && v->detach))
		return err_set(e, EINVAL, ERR_INVALID,
			       "--console-socket is for detached processes with a terminal");
	return 0;
}

static int prepare(struct joining *j, const struct strv *args, struct err *e)
{
	struct strv words = {args->items + 1, args->count - 1, 0};
	struct arena *a = &j->oci->arena;
	int r = state_open(j->oci, args->items[0], STATE_READ, &j->state, e);
	if (r == 0)
		r = check_state(j, e);
	if (r == 0)
		r = make_process(j, &words, e);
	if (r == 0)
		r = check_process(j, e);
	if (r == 0)
		r = handover_descriptors(&j->process, j->v->preserve_fds, a, e);
	if (r == 0 && j->state.record.flags & RECORD_FILTER)
		r = state_filter_read(&j->state, a, &j->filter, e);
	/* A filter's listener wants to hear of the container. */
	bool wants = j->filter.flags & SECCOMP_FILTER_FLAG_NEW_LISTENER ||
		     j->state.record.flags & RECORD_RDT;
	if (r == 0 && wants && !j->spec.oci_version)
		r = state_config(&j->state, a, &j->spec, e);
	if (r == 0 && j->state.record.flags & RECORD_RDT)
		r = group_rdt_open(&j->spec, j->state.id, &j->rdt, e);
	if (r == 0)
		r = group_open(&j->state, &j->v->cgroups, &j->group, e);
	if (r == 0)
		log_process_warnings(j->oci, &j->process);
	if (r == 0 && pipe2(j->failure, O_CLOEXEC) < 0)
		r = err_errno(e, errno, "cannot make a pipe");
	return r;
}

/* ---- joining ---- */

static int launch(struct joining *j, struct runtime_process *p, struct err *e)
{
	struct runtime_exec x = {
		.pidfd = j->state.pidfd,
		.process = &j->process,
		.cgroup = j->group.open ? &j->group.joined : NULL,
		.unit = namespace_caller_is_user() && !j->v->cgroups.count
				? record_unit(&j->state.record)
				: NULL,
		.resctrl = j->state.record.flags & RECORD_RDT ? &j->rdt : NULL,
		.seccomp = j->filter.count ? &j->filter : NULL,
		.spec = j->spec.oci_version ? &j->spec : NULL,
		.id = j->state.id,
		.bundle = j->state.record.bundle,
		.own_time = j->state.record.flags & RECORD_OWN_TIME,
		.stdio = {0, 1, 2},
		.error_fd = j->failure[1],
		.preserve_fds = (unsigned)handover_count(j->v->preserve_fds),
	};
	prctl(PR_SET_DUMPABLE, 0);
	int r = runtime_exec(&x, p, e);
	fd_drop(&j->failure[1]);
	return r < 0 ? r : runtime_await_exec(j->failure[0], e);
}

static int hand_over(const struct joining *j, struct runtime_process *p, struct err *e)
{
	const struct values *v = j->v;
	int r = 0;
	if (p->pty_fd >= 0 && v->detach)
		r = handover_socket(v->console_socket, "/dev/ptmx", p->pty_fd, e);
	if (r == 0 && v->pidfd_socket && *v->pidfd_socket)
		r = handover_socket(v->pidfd_socket, "pidfd", p->pidfd, e);
	if (r == 0 && v->pid_file && *v->pid_file)
		r = handover_pid_file(v->pid_file, p->pid, e);
	return r;
}

static int exec(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP(joining_end)
	struct joining j = {.oci = oci,
			    .v = values,
			    .state = STATE_CLOSED,
			    .group = GROUP_CLOSED,
			    .rdt = RESCTRL_CLOSED,
			    .failure = {-1, -1}};
	struct runtime_process p = {0, -1, -1, -1};
	int r = prepare(&j, args, e);
	if (r < 0)
		return r;
	if (!j.v->detach)
		supervise_begin();
	r = launch(&j, &p, e);
	if (r == 0)
		r = hand_over(&j, &p, e);
	if (r < 0 && p.pidfd >= 0)
		pidfd_signal(p.pidfd, SIGKILL);
	if (r == 0 && !j.v->detach)
		r = supervise(&p, -1, e);
	fd_drop(&p.pidfd);
	fd_drop(&p.pty_fd);
	return r;
}

#define O(member_) .offset = offsetof(struct values, member_)
/* clang-format off */
static const struct option items[] = {
	{"additional-gids", 'g', OPTION_LIST, O(gids), .help = "Further group, by name or number"},
	{"apparmor", 0, OPTION_STR, O(apparmor), .help = "AppArmor profile"},
	{"cap", 'c', OPTION_LIST, O(caps), .help = "Capability to add"},
	{"cgroup", 0, OPTION_LIST, O(cgroups), .help = "Group below the container's, as [CONTROLLERS:]PATH"},
	{"console-socket", 0, OPTION_STR, O(console_socket), .help = "Socket that is sent the master of the terminal"},
	{"cwd", 0, OPTION_STR, O(cwd), .help = "Working directory"},
	{"detach", 'd', OPTION_BOOL, O(detach), .help = "Leave the process running"},
	{"env", 'e', OPTION_LIST, O(env), .help = "Environment variable, NAME=VALUE"},
	{"ignore-paused", 0, OPTION_BOOL, O(ignore_paused), .help = "Also in a paused container"},
	{"no-new-privs", 0, OPTION_BOOL, O(no_new_privs), .help = "Gain no rights by execve"},
	{"pid-file", 0, OPTION_STR, O(pid_file), .help = "File to write the process id to"},
	{"pidfd-socket", 0, OPTION_STR, O(pidfd_socket), .help = "Socket that is sent a pidfd of the process"},
	{"preserve-fds", 0, OPTION_INT, O(preserve_fds), .initial = "0", .help = "Number of descriptors from 3 on that the process keeps"},
	{"process", 'p', OPTION_STR, O(process), .help = "File with the whole process object"},
	{"process-label", 0, OPTION_STR, O(label), .help = "SELinux label"},
	{"tty", 't', OPTION_BOOL, O(tty), .help = "Give it a terminal"},
	{"user", 'u', OPTION_STR, O(user), .help = "User and group: UID[:GID], or names"},
};
/* clang-format on */
const struct oci_command oci_exec = {
	.name = "exec",
	.synopsis = "ID COMMAND [ARGUMENT...] | --process FILE ID",
	.summary = "Run another process in a container",
	.options = OPTIONS_FOR(struct values, items),
	.args = {1, SIZE_MAX},
	.flags = OCI_STOP_AT_ARGUMENT | OCI_EXIT_255 | OCI_ENTERS,
	.run = exec,
};
