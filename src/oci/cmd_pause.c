/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime pause, resume: freeze all processes of a container, and let them go on. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/cgroup.h"
#include "oci/commands.h"
#include "oci/state.h"

static int freeze(const struct state *s, bool frozen, struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	if (!*s->record.cgroup)
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "container %s has no control group to freeze", s->id);
	int r = cgroup_open(s->record.cgroup, &group, e);
	if (r == 0)
		r = cgroup_freeze(&group, frozen, e);
	return r < 0 ? err_context(e, "container %s", s->id) : 0;
}

static int pause_container(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	int r = state_open(oci, args->items[0], STATE_LOCK, &s, e);
	if (r < 0)
		return r;
	if (s.status != OCI_RUNNING && s.status != OCI_CREATED)
		return err_set(e, EINVAL, ERR_CONFLICT,
			       "container %s: container not running: it is %s", s.id,
			       oci_status_names[s.status]);
	/* The mark first: it counts only while the group is frozen as well. */
	CLEANUP_FD int mark = openat(s.dir, "paused", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (mark < 0)
		return err_errno(e, errno, "container %s: cannot note the pause", s.id);
	r = freeze(&s, true, e);
	if (r < 0)
		unlinkat(s.dir, "paused", 0);
	return r;
}

static int resume(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	int r = state_open(oci, args->items[0], STATE_LOCK, &s, e);
	if (r < 0)
		return r;
	if (s.status != OCI_PAUSED)
		return err_set(e, EINVAL, ERR_CONFLICT, "container %s: container not paused", s.id);
	r = freeze(&s, false, e);
	if (r == 0)
		unlinkat(s.dir, "paused", 0);
	return r;
}

const struct oci_command oci_pause = {
	.name = "pause",
	.synopsis = "ID",
	.summary = "Freeze all processes of a container",
	.args = {1, 1},
	.run = pause_container,
};

const struct oci_command oci_resume = {
	.name = "resume",
	.synopsis = "ID",
	.summary = "Let a paused container go on",
	.args = {1, 1},
	.run = resume,
};
