/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull ps: the containers, one a row. What is not in the rows of the state store (mounts, ports) is
 * read only when the format asks for it. Read listing.h first.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/ps.h"
#include "cli/text.h"

struct ps_values {
	bool all, latest, no_trunc, quiet, size;
	int64_t last;
	struct strv filters;
	char *format;
};

#define PS_TEMPLATE                                                                                \
	"table "                                                                                   \
	"{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"

char *ps_status(struct arena *a, const struct container *c, int64_t now)
{
	char human[TIME_TEXT_SIZE];
	switch (c->status) {
	case CONTAINER_RUNNING:
	case CONTAINER_PAUSED:
		return arena_printf(a, "Up %s%s", duration_human(now - c->started, human),
				    c->status == CONTAINER_PAUSED ? " (Paused)" : "");
	case CONTAINER_CREATED:
		return "Created";
	case CONTAINER_REMOVING:
		return "Removal In Progress";
	case CONTAINER_DEAD:
		return "Dead";
	case CONTAINER_EXITED:
		break;
	}
	return arena_printf(a, "Exited (%d) %s ago", c->exit_code,
			    duration_human(now - c->finished, human));
}

/* The config of a row, read when a column first needs it; an empty one if the container is gone. */
static const struct container *full(const struct ps_row *row, struct ps_context *x)
{
	struct err ignored;
	if (x->full_of == row)
		return &x->full;
	x->full = (struct container){0};
	x->full_of = row;
	if (x->engine)
		container_find(x->engine, row->container->id, x->arena, &x->full, &ignored);
	return &x->full;
}

static struct json_object *get_command(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	const char *command = ((const struct ps_row *)item)->container->command;
	return json_object_new_string(
		text_quote(x->arena, x->no_trunc ? command : text_ellipsis(x->arena, command, 20)));
}

static struct json_object *get_created(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	return json_object_new_string(
		text_time(x->arena, ((const struct ps_row *)item)->container->created));
}

static struct json_object *get_id(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	const char *id = ((const struct ps_row *)item)->container->id;
	return json_object_new_string_len(id, x->no_trunc ? ID_LEN : ID_SHORT_LEN);
}

static struct json_object *get_image(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	const char *name = ((const struct ps_row *)item)->container->image_name;
	if (!name || !*name)
		return json_object_new_string("<no image>");
	if (!x->no_trunc && !strncmp(name, "sha256:", 7))
		return json_object_new_string_len(name + 7, (int)strnlen(name + 7, ID_SHORT_LEN));
	return json_object_new_string(name);
}

static struct json_object *get_labels(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	return json_object_new_string(
		text_labels(x->arena, &((const struct ps_row *)item)->container->labels));
}

/* What is mounted: names of volumes, else paths of the host. */
static void mount_names(const struct container *c, struct arena *a, struct strv *ret,
			size_t *ret_volumes)
{
	const struct docker_host_config *h = &c->config.host;
	*ret_volumes = 0;
	for (size_t i = 0; i < h->binds.count; i++) {
		const char *bind = h->binds.items[i];
		strv_push(a, ret, arena_strndup(a, bind, strcspn(bind, ":")));
		*ret_volumes += *bind != '/';
	}
	for (size_t i = 0; i < h->mounts.count; i++) {
		const struct docker_mount *m = &((struct docker_mount *)h->mounts.items)[i];
		if (m->source)
			strv_push(a, ret, m->source);
		*ret_volumes += m->type && !strcmp(m->type, "volume");
	}
	*ret_volumes += c->config.config.volumes.count;
}

static struct json_object *get_local_volumes(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	struct strv names = {0};
	size_t volumes;
	mount_names(full(item, x), x->arena, &names, &volumes);
	return json_object_new_string(arena_printf(x->arena, "%zu", volumes));
}

static struct json_object *get_mounts(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	struct strv names = {0};
	size_t volumes;
	mount_names(full(item, x), x->arena, &names, &volumes);
	for (size_t i = 0; !x->no_trunc && i < names.count; i++)
		names.items[i] = text_ellipsis(x->arena, names.items[i], 15);
	return json_object_new_string(text_join(x->arena, &names, ","));
}

static struct json_object *get_names(const void *item, void *ctx)
{
	(void)ctx;
	return json_object_new_string(((const struct ps_row *)item)->container->name);
}

static struct json_object *get_networks(const void *item, void *ctx)
{
	const char *mode = full(item, ctx)->config.host.network_mode;
	return json_object_new_string(mode ? mode : "");
}

/* Nothing is published yet; an exposed port is shown while the container runs with a network of its
 * own, as docker does. */
static struct json_object *get_ports(const void *item, void *ctx)
{
	const struct ps_row *row = item;
	struct ps_context *x = ctx;
	bool up = row->container->status == CONTAINER_RUNNING ||
		  row->container->status == CONTAINER_PAUSED;
	const struct container *c = up ? full(row, x) : NULL;
	const char *mode = c ? c->config.host.network_mode : "host";
	if (!c || !mode || !strcmp(mode, "host"))
		return json_object_new_string("");
	return json_object_new_string(text_join(x->arena, &c->config.config.exposed_ports, ", "));
}

static struct json_object *get_running_for(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	return json_object_new_string(
		text_ago(x->arena, ((const struct ps_row *)item)->container->created));
}

static struct json_object *get_size(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	struct err ignored;
	int64_t rw = 0, root = 0;
	char rw_text[SIZE_TEXT_SIZE], root_text[SIZE_TEXT_SIZE];
	const struct container *c = full(item, x);
	if (x->engine)
		container_size(x->engine, c, &rw, &root, &ignored);
	size_human(rw, rw_text);
	if (root <= 0)
		return json_object_new_string(rw_text);
	return json_object_new_string(
		arena_printf(x->arena, "%s (virtual %s)", rw_text, size_human(root, root_text)));
}

static struct json_object *get_state(const void *item, void *ctx)
{
	(void)ctx;
	return json_object_new_string(
		container_status_name(((const struct ps_row *)item)->container->status));
}

static struct json_object *get_status(const void *item, void *ctx)
{
	struct ps_context *x = ctx;
	return json_object_new_string(
		ps_status(x->arena, ((const struct ps_row *)item)->container, x->now));
}

static const struct listing_column columns[] = {
	{"Command", "COMMAND", get_command},
	{"CreatedAt", "CREATED AT", get_created},
	{"ID", "CONTAINER ID", get_id},
	{"Image", "IMAGE", get_image},
	{"Labels", "LABELS", get_labels},
	{"LocalVolumes", "LOCAL VOLUMES", get_local_volumes},
	{"Mounts", "MOUNTS", get_mounts},
	{"Names", "NAMES", get_names},
	{"Networks", "NETWORKS", get_networks},
	{"Ports", "PORTS", get_ports},
	{"RunningFor", "CREATED", get_running_for},
	{"Size", "SIZE", get_size},
	{"State", "STATE", get_state},
	{"Status", "STATUS", get_status},
};

static const struct kvs *row_labels(const void *item)
{
	return &((const struct ps_row *)item)->container->labels;
}

const struct listing ps_listing = {"*formatter.ContainerContext", columns, ARRAY_LEN(columns),
				   row_labels};

static int list(struct cli *cli, const struct ps_values *v, struct container **ret, size_t *count,
		struct err *e)
{
	struct engine *en;
	struct container_filter f = {.all = v->all, .last = v->latest ? 1 : v->last};
	int r = 0;
	for (size_t i = 0; r == 0 && i < v->filters.count; i++)
		r = container_filter_add(&cli->arena, &f, v->filters.items[i], e);
	if (r == 0)
		r = cli_engine(cli, &en, e);
	return r < 0 ? r : container_list(en, &f, &cli->arena, ret, count, e);
}

static int ps_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct ps_values *v = values;
	struct container *found;
	size_t count;
	(void)args;
	int r = list(cli, v, &found, &count, e);
	if (r < 0)
		return r;
	struct ps_context x = {.engine = &cli->engine,
			       .arena = &cli->arena,
			       .no_trunc = v->no_trunc,
			       .now = clock_real_ns()};
	struct listing_out out CLEANUP_LISTING = {0};
	const char *standard = v->size ? PS_TEMPLATE "\t{{.Size}}" : PS_TEMPLATE;
	r = listing_open(&out, &ps_listing, v->quiet ? "{{.ID}}" : v->format, standard + 6, &x, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = listing_row(&out, &(struct ps_row){&found[i]}, e);
	return r < 0 ? r : listing_print(&out, stdout, e);
}

#define O(member) .offset = offsetof(struct ps_values, member)
static const struct option options[] = {
	{"all", 'a', OPTION_BOOL, O(all),
	 .help = "Show all containers (default shows just running)"},
	{"filter", 'f', OPTION_LIST, O(filters), .arg = "filter",
	 .help = "Filter output based on conditions provided (id name label exited status ancestor "
		 "before since volume)"},
	{"format", 0, OPTION_STR, O(format), .help = LISTING_FORMAT_HELP},
	{"last", 'n', OPTION_INT, O(last), .initial = "-1",
	 .help = "Show n last created containers (includes all states)"},
	{"latest", 'l', OPTION_BOOL, O(latest),
	 .help = "Show the latest created container (includes all states)"},
	{"no-trunc", 0, OPTION_BOOL, O(no_trunc), .help = "Don't truncate output"},
	{"quiet", 'q', OPTION_BOOL, O(quiet), .help = "Only display container IDs"},
	{"size", 's', OPTION_BOOL, O(size), .help = "Display total file sizes"},
};

const struct command command_ps = {
	.names = NAMES("ps", "container ls", "container list", "container ps"),
	.synopsis = "[OPTIONS]",
	.summary = "List containers",
	.text = "The fields of a format: .ID .Image .Command .CreatedAt .RunningFor .Ports .State "
		".Status .Size .Names .Labels .Label \"key\" .Mounts .LocalVolumes .Networks",
	.options = OPTIONS(options),
	.values_size = sizeof(struct ps_values),
	.flags = COMMAND_COMMON,
	.run = ps_run,
};
