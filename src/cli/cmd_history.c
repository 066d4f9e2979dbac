/* SPDX-License-Identifier: Apache-2.0 */
/* hull history: the steps that made an image, the newest first. Read listing.h first. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/text.h"

struct history_values {
	bool human, no_trunc, quiet;
	char *format;
};
struct history_context {
	struct arena *arena;
	bool human, no_trunc;
};

static struct json_object *get_comment(const void *item, void *ctx)
{
	const char *comment = ((const struct image_history_row *)item)->comment;
	(void)ctx;
	return json_object_new_string(comment ? comment : "");
}

static struct json_object *get_created_at(const void *item, void *ctx)
{
	char text[TIME_TEXT_SIZE];
	(void)ctx;
	return json_object_new_string(
		time_format(((const struct image_history_row *)item)->created, text));
}

static struct json_object *get_created_by(const void *item, void *ctx)
{
	struct history_context *x = ctx;
	const char *by = ((const struct image_history_row *)item)->created_by;
	char *text = arena_strdup(x->arena, by ? by : "");
	for (char *p = text; *p; p++)
		if (*p == '\t')
			*p = ' ';
	return json_object_new_string(x->no_trunc ? text : text_ellipsis(x->arena, text, 45));
}

static struct json_object *get_created_since(const void *item, void *ctx)
{
	struct history_context *x = ctx;
	int64_t created = ((const struct image_history_row *)item)->created;
	if (!x->human)
		return get_created_at(item, ctx);
	return json_object_new_string(created ? text_ago(x->arena, created) : "N/A");
}

static struct json_object *get_id(const void *item, void *ctx)
{
	struct history_context *x = ctx;
	const char *id = ((const struct image_history_row *)item)->id;
	if (*id == '<')
		return json_object_new_string(id);
	return json_object_new_string(x->no_trunc ? arena_printf(x->arena, "sha256:%s", id)
						  : arena_strndup(x->arena, id, ID_SHORT_LEN));
}

static struct json_object *get_size(const void *item, void *ctx)
{
	struct history_context *x = ctx;
	int64_t size = ((const struct image_history_row *)item)->size;
	char text[SIZE_TEXT_SIZE];
	return json_object_new_string(x->human ? size_human(size, text)
					       : arena_printf(x->arena, "%lld", (long long)size));
}

static const struct listing_column columns[] = {
	{"Comment", "COMMENT", get_comment},
	{"CreatedAt", "CREATED AT", get_created_at},
	{"CreatedBy", "CREATED BY", get_created_by},
	{"CreatedSince", "CREATED", get_created_since},
	{"ID", "IMAGE", get_id},
	{"Size", "SIZE", get_size},
};
static const struct listing listing = {"*formatter.historyContext", columns, ARRAY_LEN(columns),
				       NULL};

#define STANDARD "{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}"

static int history_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct history_values *v = values;
	struct history_context x = {&cli->arena, v->human, v->no_trunc};
	struct listing_out out CLEANUP_LISTING = {0};
	struct image_history_row *rows;
	struct engine *en;
	size_t count;
	int r = cli_engine(cli, &en, e);
	if (r == 0)
		r = image_history(&en->images, args->items[0], &cli->arena, &rows, &count, e);
	if (r == 0)
		r = listing_open(&out, &listing, v->quiet ? "{{.ID}}" : v->format, STANDARD, &x, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = listing_row(&out, &rows[i], e);
	return r < 0 ? r : listing_print(&out, stdout, e);
}

#define O(member) .offset = offsetof(struct history_values, member)
static const struct option options[] = {
	{"format", 0, OPTION_STR, O(format), .help = LISTING_FORMAT_HELP},
	{"human", 'H', OPTION_BOOL, O(human), .initial = "true",
	 .help = "Print sizes and dates in human readable format"},
	{"no-trunc", 0, OPTION_BOOL, O(no_trunc), .help = "Don't truncate output"},
	{"platform", 0, OPTION_REFUSED, .help = "hull keeps the image of one platform only"},
	{"quiet", 'q', OPTION_BOOL, O(quiet), .help = "Only show image IDs"},
};

const struct command command_history = {
	.names = NAMES("history", "image history"),
	.synopsis = "[OPTIONS] IMAGE",
	.summary = "Show the history of an image",
	.text = "The fields of a format: .ID .CreatedSince .CreatedAt .CreatedBy .Size .Comment",
	.options = OPTIONS(options),
	.values_size = sizeof(struct history_values),
	.args_min = 1,
	.args_max = 1,
	.complete = COMPLETE_IMAGE_ONCE,
	.run = history_run,
};
