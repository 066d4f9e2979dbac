/* SPDX-License-Identifier: Apache-2.0 */
/* hull history: the steps that made an image, the newest first. Read listing.h first. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/text.h"

struct history_values {
	bool human, no_trunc, quiet;
	char *format, *platform;
};
static const char *get_created_at(const void *row, const struct listing_view *view)
{
	const struct image_history_row *h = row;
	char text[TIME_TEXT_SIZE];
	/* Whole seconds, as docker's API has them. */
	return arena_strdup(view->arena, time_format(h->created - h->created % 1000000000, text));
}

static const char *get_created_by(const void *row, const struct listing_view *view)
{
	const struct image_history_row *h = row;
	char *text = arena_strdup(view->arena, h->created_by ? h->created_by : "");
	for (char *p = text; *p; p++)
		if (*p == '\t')
			*p = ' ';
	return view->no_trunc ? text : text_ellipsis(view->arena, text, 45);
}

static const char *get_created_since(const void *row, const struct listing_view *view)
{
	const struct image_history_row *h = row;
	if (!view->human)
		return get_created_at(row, view);
	return h->created ? text_ago(view->arena, h->created) : "N/A";
}

static const char *get_id(const void *row, const struct listing_view *view)
{
	const struct image_history_row *h = row;
	return *h->id == '<' ? h->id : text_image_id(view->arena, h->id, view->no_trunc);
}

static const char *get_size(const void *row, const struct listing_view *view)
{
	const struct image_history_row *h = row;
	return view->human ? text_size(view->arena, h->size)
			   : arena_printf(view->arena, "%lld", (long long)h->size);
}

static const struct listing_column columns[] = {
	{"Comment", "COMMENT", LISTING_MEMBER(struct image_history_row, comment)},
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
	const struct listing_view view = {
		.arena = &cli->arena, .no_trunc = v->no_trunc, .human = v->human};
	struct listing_out out CLEANUP_LISTING = {0};
	struct image_history_row *rows;
	size_t count;
	int r = image_require_platform(&cli->engine.images, args->items[0], v->platform,
				       &cli->arena, e);
	if (r == 0)
		r = image_history(&cli->engine.images, args->items[0], &cli->arena, &rows, &count,
				  e);
	if (r == 0)
		r = listing_open(&out, &listing, listing_quiet(v->quiet, "{{.ID}}", v->format),
				 STANDARD, &view, e);
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
	{"platform", 0, OPTION_STR, O(platform),
	 .help = "Only if the image is for this platform (os/arch, as linux/arm64)"},
	{"quiet", 'q', OPTION_BOOL, O(quiet), .help = "Only show image IDs"},
};

const struct command command_history = {
	.names = NAMES("history", "image history"),
	.synopsis = "[OPTIONS] IMAGE",
	.summary = "Show the history of an image",
	.text = "The fields of a format: .ID .CreatedSince .CreatedAt .CreatedBy .Size .Comment",
	.options = OPTIONS_FOR(struct history_values, options),
	.args = {1, 1},
	.complete = COMPLETE_IMAGE_ONCE,
	.run = history_run,
};
