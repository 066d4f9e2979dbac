/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime start: let the command of a created container run. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "oci/commands.h"
#include "oci/notify.h"
#include "oci/state.h"
#include "runtime/gate.h"
#include "runtime/hooks.h"

static int check(const struct state *s, struct err *e)
{
	static const char *const why[] = {
		[OCI_CREATING] = "it is not created yet",
		[OCI_RUNNING] = "cannot start an already running container",
		[OCI_PAUSED] = "cannot start a paused container",
		[OCI_STOPPED] = "cannot start a container that has stopped",
	};
	if (s->status == OCI_CREATED)
		return 0;
	return err_set(e, EINVAL, ERR_CONFLICT, "container %s: %s", s->id, why[s->status]);
}

static int run_poststart(struct oci *oci, const struct state *s, struct err *e)
{
	struct oci_spec spec = {0};
	if (!(s->record.flags & RECORD_POSTSTART))
		return 0;
	int r = state_config(s, &oci->arena, &spec, e);
	struct hooks hooks = {&spec, s->id, s->record.bundle};
	return r < 0 ? r : hooks_run(&hooks, HOOK_POSTSTART, s->record.pid, e);
}

static int start(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	CLEANUP_FD int notify = -1;
	int r = state_open(oci, args->items[0], STATE_LOCK, &s, e);
	if (r == 0)
		r = check(&s, e);
	if (r == 0)
		r = notify_listen(&s, &notify, e);
	if (r < 0)
		return r;
	CLEANUP_FD int gate = gate_connect(s.dir, "start");
	if (gate < 0)
		return err_errno(e, gate, "container %s: cannot reach its process", s.id);
	r = gate_open(gate, e);
	/* The socket tells by itself that nobody waits there any more; without it that costs less.
	 */
	unlinkat(s.dir, "start", 0);
	if (r == 0)
		r = run_poststart(oci, &s, e);
	fd_drop(&s.dir);
	if (r == 0 && notify >= 0)
		r = notify_forward(notify, s.pidfd, s.record.pid, e);
	return r;
}

const struct oci_command oci_start = {
	.name = "start",
	.synopsis = "ID",
	.summary = "Start the command of a created container",
	.args = {1, 1},
	.run = start,
};
