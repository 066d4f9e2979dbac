/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-runtime checkpoint: criu writes the processes of a container to files, and ends them.
 * Invariant: a checkpoint that failed leaves the container as it was. Read criu.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "oci/commands.h"
#include "oci/criu.h"
#include "oci/remove.h"
#include "oci/state.h"

/* By their group criu freezes them at once, if it is whole: version 2, or version 1's freezer. */
static void name_freezer(struct criu_call *c, const struct cgroup *g)
{
	char link[32], at[PATH_MAX];
	snprintf(link, sizeof(link), "/proc/self/fd/%d",
		 g->layout == CGROUP_V2 ? g->v2 : g->v1[CGROUP_FREEZER]);
	ssize_t n = readlink(link, at, sizeof(at) - 1);
	at[n > 0 ? n : 0] = '\0';
	criu_text(c, CRIU_FREEZE_CGROUP, at);
}

static int on_event(void *arg, const char *event, pid_t pid, int fd, struct err *e)
{
	const struct criu_options *o = arg;
	/* The pages wait to be asked for. */
	if (strcmp(event, "status-ready") != 0 || o->status_fd < 0)
		return 0;
	bool told = write((int)o->status_fd, "", 1) == 1;
	close((int)o->status_fd);
	return told ? 0 : err_errno(e, errno, "--status-fd %d", (int)o->status_fd);
}

static int dump(struct oci *oci, const struct state *s, struct criu_options *o, struct err *e)
{
	CLEANUP_CRIU struct criu_call c = CRIU_CLOSED;
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct oci_spec spec = {0};
	int r = state_config(s, &oci->arena, &spec, e);
	if (r == 0)
		r = criu_open(oci, o->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP, o, &spec, &c, e);
	/* criu would make it a whole one without a word. */
	if (r == 0 && o->parent && *o->parent && faccessat(c.images, o->parent, F_OK, 0) < 0)
		r = err_errno(e, errno, "--parent-path %s (from %s)", o->parent, o->image);
	if (r == 0 && *s->record.cgroup)
		r = cgroup_open(s->record.cgroup, &group, e);
	if (r == 0)
		r = criu_outside(&c, &spec, s->record.bundle, s->record.pid, &oci->arena, e);
	if (r < 0)
		return r;
	c.event = on_event;
	c.arg = o;
	criu_number(&c, CRIU_PID, s->record.pid);
	criu_text(&c, CRIU_ROOT, s->record.rootfs);
	name_freezer(&c, &group);
	return criu_run(&c, e);
}

static int checkpoint(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	struct criu_options *o = values;
	int r = state_open(oci, args->items[0], STATE_LOCK, &s, e);
	if (r == 0 && s.status != OCI_RUNNING && s.status != OCI_PAUSED)
		r = err_set(e, ESRCH, ERR_CONFLICT, "container %s: container not running: it is %s",
			    s.id, oci_status_names[s.status]);
	if (r < 0)
		return r;
	r = dump(oci, &s, o, e);
	if (r < 0)
		return err_context(e, "container %s", s.id);
	if (o->leave_running || o->pre_dump)
		return 0;
	r = container_kill(&s, e);
	return r < 0 ? r : container_remove(oci, &s, NULL, e);
}

int criu_set_cgroups_mode(void *field, const char *value, struct arena *a, struct err *e)
{
	static const struct {
		const char *name;
		int64_t number;
	} modes[] = {{"soft", 3}, {"full", 4}, {"strict", 5}, {"ignore", 0}};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		if (strcmp(value, modes[i].name) != 0)
			continue;
		*(int64_t *)field = modes[i].number;
		return 0;
	}
	return err_set(e, EINVAL, ERR_USAGE, "it is soft, full, strict or ignore");
}

int criu_set_empty_ns(void *field, const char *value, struct arena *a, struct err *e)
{
	*(int64_t *)field = CLONE_NEWNET;
	return strcmp(value, "network") == 0 ? 0
					     : err_set(e, EINVAL, ERR_USAGE, "it can be network");
}

static int set_pages(void *field, const char *value, struct arena *a, struct err *e)
{
	enum { PORT_MAX = 65535 };
	struct criu_pages *pages = field;
	const char *colon = strrchr(value, ':');
	if (!colon || colon == value || int_parse(colon + 1, 1, PORT_MAX, &pages->port) < 0)
		return err_set(e, EINVAL, ERR_USAGE, "it is ADDRESS:PORT");
	bool brackets = *value == '[' && colon[-1] == ']';
	pages->address =
		arena_strndup(a, value + brackets, (size_t)(colon - value) - 2 * (size_t)brackets);
	return 0;
}

/* clang-format off */
#define C(member_) .offset = offsetof(struct criu_options, member_)
static const struct option items[] = {
	CRIU_OPTIONS(0),
	{"leave-running", 0, OPTION_BOOL, C(leave_running), .help = "Do not end the container"},
	{"link-remap", 0, OPTION_BOOL, C(link_remap), .help = "Allow open files that were removed"},
	{"page-server", 0, OPTION_CUSTOM, C(pages), .set = set_pages, .arg = "ADDRESS:PORT", .help = "Where memory is sent to, or asked for with --lazy-pages"},
	{"parent-path", 0, OPTION_STR, C(parent), .help = "Images of an earlier pre-dump, from --image-path"},
	{"pre-dump", 0, OPTION_BOOL, C(pre_dump), .help = "Only the memory, and let it run"},
	{"status-fd", 0, OPTION_INT, C(status_fd), .initial = "-1", .help = "Descriptor that gets a zero byte when lazy pages can be asked for"},
	{"tcp-skip-in-flight", 0, OPTION_BOOL, C(tcp_skip_in_flight), .help = "Leave out connections that are being opened"},
};
/* clang-format on */

const struct oci_command oci_checkpoint = {
	.name = "checkpoint",
	.synopsis = "ID",
	.summary = "Write a running container to files by criu, and end it",
	.options = OPTIONS_FOR(struct criu_options, items),
	.args = {1, 1},
	.run = checkpoint,
};
