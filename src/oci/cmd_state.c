/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime state, list: what is known of one container, and of all. */
#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "oci/commands.h"
#include "oci/state.h"

/* runc's object, field by field. */
struct view {
	char *version, *id, *status, *bundle, *rootfs, *created, *annotations, *owner;
	int64_t pid;
};
#define F(member_, name_, type_, ...) FIELD(struct view, member_, name_, type_, ##__VA_ARGS__)
static const struct field view_fields[] = {
	F(version, "ociVersion", FIELD_STR),
	F(id, "id", FIELD_STR),
	F(pid, "pid", FIELD_I64, .flags = FIELD_KEEP),
	F(status, "status", FIELD_STR),
	F(bundle, "bundle", FIELD_STR),
	F(rootfs, "rootfs", FIELD_STR),
	F(created, "created", FIELD_STR),
	F(annotations, "annotations", FIELD_RAW),
	F(owner, "owner", FIELD_STR, .flags = FIELD_KEEP),
};
static const struct shape view_shape = SHAPE(struct view, view_fields);

static struct view view_of(const struct state *s, struct arena *a)
{
	const struct record *c = &s->record;
	return (struct view){
		.version = c->oci_version,
		.id = (char *)s->id,
		.pid = s->status == OCI_STOPPED ? 0 : c->pid,
		.status = (char *)oci_status_names[s->status],
		.bundle = c->bundle,
		.rootfs = c->rootfs,
		.created = time_format(c->created_ns, arena_alloc(a, TIME_TEXT_SIZE)),
		.annotations = *c->annotations ? c->annotations : NULL,
		.owner = c->owner == 0 ? "root" : arena_printf(a, "#%u", c->owner),
	};
}

static int state(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	int r = state_open(oci, args->items[0], STATE_READ, &s, e);
	if (r < 0)
		return r;
	struct view view = view_of(&s, &oci->arena);
	puts(shape_print(&view_shape, &view, true, &oci->arena));
	return 0;
}

struct values {
	char *format;
	bool quiet;
};

static void print_table(const struct view *v, size_t count)
{
	int id = 12, bundle = 12;
	for (size_t i = 0; i < count; i++) {
		id = (int)strlen(v[i].id) + 3 > id ? (int)strlen(v[i].id) + 3 : id;
		bundle = (int)strlen(v[i].bundle) + 3 > bundle ? (int)strlen(v[i].bundle) + 3
							       : bundle;
	}
	printf("%-*s%-12s%-12s%-*s%-33s%s\n", id, "ID", "PID", "STATUS", bundle, "BUNDLE",
	       "CREATED", "OWNER");
	for (size_t i = 0; i < count; i++)
		printf("%-*s%-12lld%-12s%-*s%-33s%s\n", id, v[i].id, (long long)v[i].pid,
		       v[i].status, bundle, v[i].bundle, v[i].created, v[i].owner);
}

static void print_json(const struct view *v, size_t count, struct arena *a)
{
	putchar('[');
	for (size_t i = 0; i < count; i++)
		printf("%s%s", i ? "," : "", shape_print(&view_shape, &v[i], false, a));
	puts("]");
}

static int print(const struct values *v, const struct view *views, size_t count, struct arena *a,
		 struct err *e)
{
	if (v->quiet)
		for (size_t i = 0; i < count; i++)
			puts(views[i].id);
	else if (!strcmp(v->format, "json"))
		print_json(views, count, a);
	else if (!strcmp(v->format, "table"))
		print_table(views, count);
	else
		return err_set(e, EINVAL, ERR_USAGE, "invalid format option: \"%s\"", v->format);
	return 0;
}

static int list(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	struct arena *a = &oci->arena;
	struct strv ids = {0};
	int r = state_list(oci, &ids, e);
	if (r < 0)
		return r;
	struct view *views = arena_array(a, ids.count, sizeof(*views));
	size_t count = 0;
	for (size_t i = 0; i < ids.count; i++) {
		CLEANUP_STATE struct state s = STATE_CLOSED;
		struct err why;
		r = state_open(oci, ids.items[i], STATE_READ, &s, &why);
		if (r == 0)
			views[count++] = view_of(&s, a);
		else if (r != -ENOENT) /* one that comes or goes */
			log_warning(oci, &why);
	}
	return print(values, views, count, a, e);
}

const struct oci_command oci_state = {
	.name = "state",
	.synopsis = "ID",
	.summary = "Print the state of a container as JSON",
	.args = {1, 1},
	.run = state,
};

#define O(member_) .offset = offsetof(struct values, member_)
static const struct option items[] = {
	{"format", 'f', OPTION_STR, O(format), .initial = "table", .help = "table or json"},
	{"quiet", 'q', OPTION_BOOL, O(quiet), .help = "Print ids only"},
};
const struct oci_command oci_list = {
	.name = "list",
	.synopsis = "",
	.summary = "List the containers below --root",
	.options = OPTIONS_FOR(struct values, items),
	.run = list,
};
