/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull system df: docker's table, and three rows of hull's own, so that it adds up to what du says.
 * With -v each image, container and volume in the columns of its own list. Read engine/usage.h
 * first.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/object_format.h"
#include "cli/ps.h"
#include "cli/text.h"
#include "cli/usage_rows.h"

struct df_values {
	bool verbose;
	char *format;
};

struct df_row {
	enum usage_kind kind;
	const struct usage_total *total;
};

static const char *const type_names[] = {
	[USAGE_IMAGES] = "Images",
	[USAGE_CONTAINERS] = "Containers",
	[USAGE_VOLUMES] = "Local Volumes",
	[USAGE_CACHE] = "Build Cache",
	[USAGE_LOGS] = "Logs",
	[USAGE_ORPHANS] = "Orphans",
	[USAGE_STATE] = "State",
};

static const char *get_type(const void *row, const struct listing_view *view)
{
	return type_names[((const struct df_row *)row)->kind];
}

static const char *get_count(const void *row, const struct listing_view *view)
{
	return arena_printf(view->arena, "%lld",
			    (long long)((const struct df_row *)row)->total->count);
}

static const char *get_active(const void *row, const struct listing_view *view)
{
	return arena_printf(view->arena, "%lld",
			    (long long)((const struct df_row *)row)->total->active);
}

static const char *get_size(const void *row, const struct listing_view *view)
{
	return text_size(view->arena, ((const struct df_row *)row)->total->size);
}

static const char *get_reclaimable(const void *row, const struct listing_view *view)
{
	const struct usage_total *t = ((const struct df_row *)row)->total;
	const char *size = text_size(view->arena, t->reclaimable);
	return !t->size ? size
			: arena_printf(view->arena, "%s (%lld%%)", size,
				       (long long)(t->reclaimable * 100 / t->size));
}

static const struct listing_column columns[] = {
	{"Active", "ACTIVE", get_active}, {"Reclaimable", "RECLAIMABLE", get_reclaimable},
	{"Size", "SIZE", get_size},       {"TotalCount", "TOTAL", get_count},
	{"Type", "TYPE", get_type},
};
static const struct listing listing = {"*formatter.diskUsageContext", columns, ARRAY_LEN(columns),
				       NULL};

static int print_totals(struct cli *cli, const struct usage *u, const char *format, struct err *e)
{
	struct listing_out out CLEANUP_LISTING = {0};
	int r = listing_open(&out, &listing, format,
			     "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
			     &(struct listing_view){.arena = &cli->arena}, e);
	for (int kind = 0; r == 0 && kind < USAGE_KINDS; kind++)
		r = listing_row(&out, &(struct df_row){(enum usage_kind)kind, &u->totals[kind]}, e);
	return r < 0 ? r : listing_print(&out, stdout, e);
}

/* --- -v: a section for each kind --- */

static int put_images(struct listing_out *out, const struct usage *u, struct ps_context *x,
		      struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < u->image_count; i++)
		r = images_add(out, &u->images[i], &u->image_sizes[i], e);
	return r;
}

static int put_containers(struct listing_out *out, const struct usage *u, struct ps_context *x,
			  struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < u->container_count; i++) {
		x->size = &u->container_sizes[i];
		r = listing_row(out, &u->containers[i], e);
	}
	return r;
}

static int put_volumes(struct listing_out *out, const struct usage *u, struct ps_context *x,
		       struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < u->volume_count; i++) {
		x->size = &u->volume_sizes[i];
		r = listing_row(out, &u->volumes[i], e);
	}
	return r;
}

static const struct {
	const char *title;
	const struct listing *listing;
	const char *template;
	int (*put)(struct listing_out *out, const struct usage *u, struct ps_context *x,
		   struct err *e);
} sections[] = {
	{"Images space usage:\n", &images_listing,
	 "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t"
	 "{{.UniqueSize}}\t{{.Containers}}",
	 put_images},
	{"\nContainers space usage:\n", &ps_listing,
	 "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t"
	 "{{.Status}}\t{{.Names}}",
	 put_containers},
	{"\nLocal Volumes space usage:\n", &volume_listing, "{{.Name}}\t{{.Links}}\t{{.Size}}",
	 put_volumes},
};

static int print_sections(struct cli *cli, const struct usage *u, struct err *e)
{
	struct ps_context x = {.engine = &cli->engine, .now = clock_real_ns()};
	const struct listing_view view = {.arena = &cli->arena, .more = &x};
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(sections); i++) {
		struct listing_out out CLEANUP_LISTING = {0};
		puts(sections[i].title);
		r = listing_open(&out, sections[i].listing, NULL, sections[i].template, &view, e);
		if (r == 0)
			r = sections[i].put(&out, u, &x, e);
		if (r == 0)
			r = listing_print(&out, stdout, e);
	}
	if (r < 0)
		return r;
	printf("\nBuild cache usage: %s\n\n", text_size(&cli->arena, u->totals[USAGE_CACHE].size));
	for (int kind = USAGE_LOGS; kind < USAGE_KINDS; kind++)
		printf("%s usage: %s\n", type_names[kind],
		       text_size(&cli->arena, u->totals[kind].size));
	return 0;
}

static int print_object(struct cli *cli, const struct usage *u, const char *format, struct err *e)
{
	CLEANUP_JSON struct json_object *o = usage_object(&cli->engine, u, &cli->arena);
	return object_format_print(format, o, e);
}

static int df_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct df_values *v = values;
	struct usage u;
	int r = engine_usage(&cli->engine, &cli->arena, &u, e);
	cli_warn(cli);
	if (r < 0)
		return r;
	if (!v->verbose)
		return print_totals(cli, &u, v->format, e);
	bool object = v->format && *v->format && strcmp(v->format, "table");
	return object ? print_object(cli, &u, v->format, e) : print_sections(cli, &u, e);
}

#define O(member) .offset = offsetof(struct df_values, member)
static const struct option options[] = {
	{"format", 0, OPTION_STR, O(format), .help = LISTING_FORMAT_HELP},
	{"verbose", 'v', OPTION_BOOL, O(verbose),
	 .help = "Show detailed information on space usage"},
};

const struct command command_system_df = {
	.names = NAMES("system df"),
	.synopsis = "[OPTIONS]",
	.summary = "Show disk usage",
	.text = "All sizes are what is allocated on the disk, and add up to what du says of the "
		"root "
		"folder. Orphans are what `hull system check --repair` removes, State is the store "
		"and other files of hull itself. The fields of a format: .Type .TotalCount .Active "
		".Size .Reclaimable; with -v it is applied to docker's object of the API's "
		"/system/df.",
	.options = OPTIONS_FOR(struct df_values, options),
	.run = df_run,
};
