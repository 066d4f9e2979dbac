/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime create, run: a container that waits for `start`, or one that runs at once. */
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "oci/commands.h"
#include "oci/create.h"
#include "oci/notify.h"
#include "oci/remove.h"
#include "oci/supervise.h"

static int create(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	struct creation c;
	int r = container_create(oci, args->items[0], values, true, &c, e);
	if (r < 0)
		return r;
	fd_drop(&c.process.pidfd);
	state_close(&c.state);
	return 0;
}

/* In the foreground the container goes with us, unless it is to be kept. */
static int stand_by(struct oci *oci, const struct create_options *o, struct creation *c,
		    struct err *e)
{
	/* Let others at it: kill, exec, delete. */
	fd_drop(&c->state.dir);
	int code = supervise(&c->process, c->notify, e);
	if (o->keep || code < 0)
		return code;
	CLEANUP_STATE struct state s = STATE_CLOSED;
	int r = state_open(oci, c->state.id, STATE_DELETE, &s, e);
	/* Whoever deleted it by force was faster. */
	if (r == -ENOENT)
		return code;
	if (r == 0)
		r = container_kill(&s, e);
	if (r == 0)
		r = container_remove(oci, &s, &c->bundle.spec, e);
	return r < 0 ? r : code;
}

static int run(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	const struct create_options *o = values;
	struct creation c;
	if (!o->detach) {
		supervise_begin();
		if (!o->no_subreaper)
			prctl(PR_SET_CHILD_SUBREAPER, 1);
	}
	int r = container_create(oci, args->items[0], o, false, &c, e);
	if (r < 0)
		return r;
	if (!o->detach)
		r = stand_by(oci, o, &c, e);
	else if (c.notify >= 0)
		r = notify_forward(c.notify, c.process.pidfd, c.process.pid, e);
	fd_drop(&c.notify);
	fd_drop(&c.process.pidfd);
	fd_drop(&c.process.pty_fd);
	state_close(&c.state);
	return r;
}

static const struct option create_items[] = {CREATE_OPTIONS};
const struct oci_command oci_create = {
	.name = "create",
	.synopsis = "ID",
	.summary = "Create a container from a bundle; its command waits for start",
	.options = OPTIONS_FOR(struct create_options, create_items),
	.args = {1, 1},
	.flags = OCI_NEW_ID | OCI_ENTERS,
	.run = create,
};

static const struct option run_items[] = {
	CREATE_OPTIONS,
	{"detach", 'd', OPTION_BOOL, O(detach), .help = "Leave the container running"},
	{"keep", 0, OPTION_BOOL, O(keep), .help = "Do not delete the container when it has ended"},
};
const struct oci_command oci_run = {
	.name = "run",
	.synopsis = "ID",
	.summary = "Create a container from a bundle and start it",
	.options = OPTIONS_FOR(struct create_options, run_items),
	.args = {1, 1},
	.flags = OCI_NEW_ID | OCI_ENTERS,
	.run = run,
};
