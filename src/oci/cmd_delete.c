/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-runtime delete: remove a container that has ended or was never started; with --force any,
 * and what a killed create has left.
 */
#include <errno.h>

#include "oci/commands.h"
#include "oci/remove.h"

struct values {
	bool force;
};

static int delete (struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	const struct values *v = values;
	int r = state_open(oci, args->items[0], v->force ? STATE_FORCE : STATE_DELETE, &s, e);
	/* As in runc: force asks for its absence. */
	if (r == -ENOENT && v->force)
		return 0;
	if (r < 0)
		return r;
	if (!v->force && (s.status == OCI_RUNNING || s.status == OCI_PAUSED)) {
		err_set(e, EBUSY, ERR_CONFLICT,
			"cannot delete container %s that is not stopped: %s", s.id,
			oci_status_names[s.status]);
		return err_hint(e, "hull-runtime kill %s KILL, or delete --force", s.id);
	}
	r = container_kill(&s, e);
	return r < 0 ? r : container_remove(oci, &s, NULL, e);
}

#define O(member_) .offset = offsetof(struct values, member_)
static const struct option items[] = {
	{"force", 'f', OPTION_BOOL, O(force), .help = "Kill the container if it is running"},
};
const struct oci_command oci_delete = {
	.name = "delete",
	.synopsis = "ID",
	.summary = "Remove all that a container holds",
	.options = OPTIONS_FOR(struct values, items),
	.args = {1, 1},
	.run = delete,
};
