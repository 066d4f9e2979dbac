/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime kill: a signal for the container's first process, or for all of them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "linux/cgroup.h"
#include "linux/pidfd.h"
#include "linux/signals.h"
#include "oci/commands.h"
#include "oci/state.h"

struct values {
	bool all;
};

static int signal_all(struct oci *oci, const struct state *s, int signal, struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	pid_t *pids;
	size_t count;
	int r = cgroup_open(s->record.cgroup, &group, e);
	if (r == 0)
		r = signal == SIGKILL ? cgroup_kill(&group, e)
				      : cgroup_pids(&group, &oci->arena, &pids, &count, e);
	for (size_t i = 0; r == 0 && signal != SIGKILL && i < count; i++)
		kill(pids[i], signal);
	return r;
}

/* The freezer of version 1 holds what a SIGKILL is for, until it is thawed. */
static void let_die(const struct state *s)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct err ignored;
	if (cgroup_open(s->record.cgroup, &group, &ignored) == 0)
		cgroup_freeze(&group, false, &ignored);
}

static int kill_container(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	const struct values *v = values;
	const char *name = args->count > 1 ? args->items[1] : "TERM";
	int signal = signal_parse(name);
	if (signal < 0)
		return err_set(e, EINVAL, ERR_INVALID, "unknown signal \"%.40s\"", name);
	int r = state_open(oci, args->items[0], STATE_READ, &s, e);
	if (r < 0)
		return r;
	if (v->all && *s.record.cgroup && (s.pidfd >= 0 || s.record.pid)) {
		r = signal_all(oci, &s, signal, e);
		return r == -ENOENT ? 0 : r;
	}
	r = s.pidfd < 0 ? -ESRCH : pidfd_signal(s.pidfd, signal);
	if (r == 0 && signal == SIGKILL && s.status == OCI_PAUSED)
		let_die(&s);
	/* Callers look for these words. */
	if (r == -ESRCH)
		return err_set(e, ESRCH, ERR_CONFLICT, "container %s: container not running", s.id);
	return r < 0 ? err_errno(e, r, "container %s: cannot send signal %d", s.id, signal) : 0;
}

#undef O
#define O(member_) .offset = offsetof(struct values, member_)
static const struct option items[] = {
	{"all", 'a', OPTION_BOOL, O(all), .help = "To all processes in its control group"},
};
const struct oci_command oci_kill = {
	.name = "kill",
	.synopsis = "ID [SIGNAL]",
	.summary = "Send a signal (default: TERM) to the container's first process",
	.options = OPTIONS_FOR(struct values, items),
	.args = {1, 2},
	.run = kill_container,
};
