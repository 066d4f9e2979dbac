/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a container. Invariant: the folder goes last, so that whoever finds it can do again
 * what was not finished. Read remove.h first.
 */
#include "oci/remove.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/cgroup.h"
#include "linux/pidfd.h"
#include "linux/systemd.h"
#include "oci/group.h"
#include "runtime/hooks.h"

enum { END_TIMEOUT_MS = 10000 };

static int await_end(const struct state *s, struct err *e)
{
	struct pollfd p = {.fd = s->pidfd, .events = POLLIN};
	int n = TEMP_FAILURE_RETRY(poll(&p, 1, END_TIMEOUT_MS));
	return n == 1 ? 0
		      : err_set(e, ETIMEDOUT, ERR_TIMEOUT,
				"container %s: its first process does not end after SIGKILL",
				s->id);
}

int container_kill(struct state *s, struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	int r = 0;
	if (s->pidfd >= 0) {
		r = pidfd_signal(s->pidfd, SIGKILL);
		if (r < 0 && r != -ESRCH)
			return err_errno(e, r, "container %s: cannot kill it", s->id);
	}
	/* Without a pid namespace of its own others live on; a frozen one must be thawed on v1.
	 * What was never told to have a process has at most one that is about to end by itself. */
	bool grouped = *s->record.cgroup && cgroup_open(s->record.cgroup, &group, ERR_IGNORED) == 0;
	r = grouped && s->record.pid ? cgroup_kill(&group, e) : 0;
	if (r == 0 && s->pidfd >= 0)
		r = await_end(s, e);
	if (r == 0 && grouped)
		cgroup_wait_empty(&group, END_TIMEOUT_MS);
	if (r == 0)
		state_look(s);
	return r;
}

static int run_poststop(const struct state *s, const struct oci_spec *spec, struct err *e)
{
	struct hooks hooks = {spec, s->id, s->record.bundle};
	return s->record.flags & RECORD_POSTSTOP ? hooks_run(&hooks, HOOK_POSTSTOP, 0, e) : 0;
}

/* Where resctrl is not mounted any more, its groups are gone. */
static int remove_rdt(const struct state *s, const struct oci_spec *spec, struct err *e)
{
	if (!(s->record.flags & RECORD_RDT) || !spec->linux_.intel_rdt)
		return 0;
	struct resctrl_wish wish = group_rdt(spec, s->id);
	CLEANUP_FD int mount = resctrl_mount(e);
	return mount == -EOPNOTSUPP ? 0 : mount < 0 ? mount : resctrl_remove(mount, &wish, e);
}

static int remove_group(struct oci *oci, const struct record *r, struct err *e)
{
	struct err warning;
	if (!*r->cgroup)
		return 0;
	/* Of a create that was killed: what systemd made for it has ended with the holder, and what
	 * is there may be another's. */
	if (record_unit(r) && !r->pid) {
		cgroup_remove_empty(r->cgroup);
		return 0;
	}
	if (record_unit(r) && systemd_scope_stop(record_unit(r), &warning) < 0)
		log_warning(oci, &warning);
	return cgroup_remove(r->cgroup, e);
}

int container_remove(struct oci *oci, struct state *s, const struct oci_spec *spec, struct err *e)
{
	struct err warning;
	struct oci_spec copy = {0};
	bool read = !spec && s->record.flags & (RECORD_POSTSTOP | RECORD_RDT);
	int known = read ? state_config(s, &oci->arena, &copy, &warning) : 0;
	const struct oci_spec *config = spec ?: &copy;
	int r = remove_group(oci, &s->record, e);
	if (r == 0 && known == 0)
		r = remove_rdt(s, config, e);
	if (r < 0)
		return err_context(e, "container %s", s->id);
	/* They are told of, and keep nothing from going (runtime.md, "Lifecycle"). */
	if (known < 0 || run_poststop(s, config, &warning) < 0)
		log_warning(oci, &warning);
	return state_remove(oci, s, e);
}
