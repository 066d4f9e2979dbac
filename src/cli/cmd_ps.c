/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull ps: the containers, one a row. What is not in the rows of the state store (mounts, networks)
 * is read only when the format asks for it. Read listing.h first.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/ps.h"
#include "cli/text.h"
#include "engine/network.h"

struct ps_values {
	bool all, latest, no_trunc, quiet, size;
	int64_t last;
	struct strv filters;
	char *format;
};

#define PS_TEMPLATE                                                                                \
	"{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"

/* The config of a row, read when a column first needs it; an empty one if the container is gone. */
static const struct container *full(const struct container *row, const struct listing_view *view)
{
	struct ps_context *x = view->more;
	if (x->full_of == row)
		return &x->full;
	x->full = (struct container){0};
	x->full_of = row;
	if (x->engine)
		container_find(x->engine, row->id, view->arena, &x->full, ERR_IGNORED);
	return &x->full;
}

static const char *get_command(const void *row, const struct listing_view *view)
{
	const struct container *c = row;
	return text_quote(view->arena,
			  view->no_trunc ? c->command : text_ellipsis(view->arena, c->command, 20));
}

static const char *get_created(const void *row, const struct listing_view *view)
{
	const struct container *c = row;
	return text_time(view->arena, c->created);
}

static const char *get_id(const void *row, const struct listing_view *view)
{
	const struct container *c = row;
	return arena_strndup(view->arena, c->id, view->no_trunc ? ID_LEN : ID_SHORT_LEN);
}

static const char *get_image(const void *row, const struct listing_view *view)
{
	const char *name = ((const struct container *)row)->image_name;
	if (!name || !*name)
		return "<no image>";
	if (!view->no_trunc && !strncmp(name, "sha256:", 7))
		return arena_strndup(view->arena, name + 7, strnlen(name + 7, ID_SHORT_LEN));
	return name;
}

static const char *get_labels(const void *row, const struct listing_view *view)
{
	const struct container *c = row;
	return text_labels(view->arena, &c->labels);
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

static const char *get_local_volumes(const void *row, const struct listing_view *view)
{
	struct strv names = {0};
	size_t volumes;
	mount_names(full(row, view), view->arena, &names, &volumes);
	return arena_printf(view->arena, "%zu", volumes);
}

static const char *get_mounts(const void *row, const struct listing_view *view)
{
	struct strv names = {0};
	size_t volumes;
	mount_names(full(row, view), view->arena, &names, &volumes);
	for (size_t i = 0; !view->no_trunc && i < names.count; i++)
		names.items[i] = text_ellipsis(view->arena, names.items[i], 15);
	return strv_join(view->arena, &names, ",");
}

static const char *get_networks(const void *row, const struct listing_view *view)
{
	const struct ps_context *x = view->more;
	return x->engine ? networks_text(x->engine, full(row, view), view->arena)
			 : full(row, view)->config.host.network_mode;
}

/* A port that is exposed but not published is shown while the container runs with a network of its
 * own, as docker does. */
static const char *get_ports(const void *row, const struct listing_view *view)
{
	const struct container *c = row;
	const char *mode = c->config.host.network_mode;
	if ((c->status != CONTAINER_RUNNING && c->status != CONTAINER_PAUSED) ||
	    (mode && !strcmp(mode, "host")))
		return "";
	return ports_text(c->ports, c->port_count, &c->config.config.exposed_ports, view->arena);
}

static const char *get_running_for(const void *row, const struct listing_view *view)
{
	const struct container *c = row;
	return text_ago(view->arena, c->created);
}

static const char *get_size(const void *row, const struct listing_view *view)
{
	struct ps_context *x = view->more;
	int64_t rw = 0, root = 0;
	if (x->size)
		rw = *x->size;
	else if (x->engine)
		container_size(x->engine, full(row, view), &rw, &root, ERR_IGNORED);
	char *text = text_size(view->arena, rw);
	return root <= 0 ? text
			 : arena_printf(view->arena, "%s (virtual %s)", text,
					text_size(view->arena, root));
}

static const char *get_state(const void *row, const struct listing_view *view)
{
	return container_status_name(((const struct container *)row)->status);
}

static const char *get_status(const void *row, const struct listing_view *view)
{
	const struct ps_context *x = view->more;
	return container_status_text(view->arena, row, x->now);
}

static const struct listing_column columns[] = {
	{"Command", "COMMAND", get_command},
	{"CreatedAt", "CREATED AT", get_created},
	{"ID", "CONTAINER ID", get_id},
	{"Image", "IMAGE", get_image},
	{"Labels", "LABELS", get_labels},
	{"LocalVolumes", "LOCAL VOLUMES", get_local_volumes},
	{"Mounts", "MOUNTS", get_mounts},
	{"Names", "NAMES", LISTING_MEMBER(struct container, name)},
	{"Networks", "NETWORKS", get_networks},
	{"Ports", "PORTS", get_ports},
	{"RunningFor", "CREATED", get_running_for},
	{"Size", "SIZE", get_size},
	{"State", "STATE", get_state},
	{"Status", "STATUS", get_status},
};

static const struct kvs *row_labels(const void *row)
{
	return &((const struct container *)row)->labels;
}

const struct listing ps_listing = {"*formatter.ContainerContext", columns, ARRAY_LEN(columns),
				   row_labels};

static int ps_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct ps_values *v = values;
	struct container_filter f = {.all = v->all,
				     .last = v->latest ? 1 : v->last,
				     .configs = v->quiet ? CONFIGS_NONE : CONFIGS_PORTS};
	struct ps_context x = {.engine = &cli->engine, .now = clock_real_ns()};
	const struct listing_view view = {&cli->arena, v->no_trunc, .more = &x};
	struct listing_out out CLEANUP_LISTING = {0};
	struct container *found;
	size_t count;
	int r = 0;
	for (size_t i = 0; r == 0 && i < v->filters.count; i++)
		r = container_filter_add(&cli->arena, &f, v->filters.items[i], e);
	if (r == 0)
		r = container_list(&cli->engine, &f, &cli->arena, &found, &count, e);
	cli_warn(cli);
	if (r < 0)
		return r;
	if (v->quiet && v->format)
		cli_notice("WARNING: Ignoring custom format, because both --format and --quiet are "
			   "set.");
	r = listing_open(&out, &ps_listing, v->quiet ? "{{.ID}}" : v->format,
			 v->size ? PS_TEMPLATE "\t{{.Size}}" : PS_TEMPLATE, &view, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = listing_row(&out, &found[i], e);
	return r < 0 ? r : listing_print(&out, stdout, e);
}

#define O(member) .offset = offsetof(struct ps_values, member)
static const struct option options[] = {
	{"all", 'a', OPTION_BOOL, O(all),
	 .help = "Show all containers (default shows just running)"},
	{"filter", 'f', OPTION_LIST, O(filters), .arg = "filter",
	 .help = "Filter output based on conditions provided (id name label exited status ancestor "
		 "before since volume network health publish expose is-task); id and name are "
		 "regular "
		 "expressions: name=^web$"},
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
	.options = OPTIONS_FOR(struct ps_values, options),
	.flags = COMMAND_COMMON,
	.run = ps_run,
};
