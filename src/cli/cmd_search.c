/* SPDX-License-Identifier: Apache-2.0 */
/* hull search: repositories of a registry. Read listing.h first. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/registry_options.h"
#include "cli/text.h"
#include "engine/filters.h"

enum { DESCRIPTION_WIDTH = 45 };

struct search_values {
	struct image_registry registry;
	int64_t limit;
	struct strv filters;
	char *format;
	bool no_trunc;
};

static const char *get_description(const void *row, const struct listing_view *view)
{
	const struct image_found *f = row;
	const char *text = text_plain(view->arena, f->description ?: "");
	return view->no_trunc ? text : text_ellipsis(view->arena, text, DESCRIPTION_WIDTH);
}

static const char *get_official(const void *row, const struct listing_view *view)
{
	const struct image_found *f = row;
	return f->official ? "[OK]" : "";
}

static const char *get_stars(const void *row, const struct listing_view *view)
{
	const struct image_found *f = row;
	return arena_printf(view->arena, "%lld", (long long)f->stars);
}

static const struct listing_column columns[] = {
	{"Description", "DESCRIPTION", get_description},
	{"IsOfficial", "OFFICIAL", get_official},
	{"Name", "NAME", LISTING_MEMBER(struct image_found, name)},
	{"StarCount", "STARS", get_stars},
};
static const struct listing search_listing = {"*formatter.searchContext", columns,
					      ARRAY_LEN(columns), NULL};

static int search_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct search_values *v = values;
	const struct listing_view view = {.arena = &cli->arena, .no_trunc = v->no_trunc};
	struct listing_out out CLEANUP_LISTING = {0};
	const char *term = args->items[0], *slash = strchr(term, '/');
	const struct image_found none = {0};
	struct array found = {0};
	int r = 0;
	struct image_search s = {.domain = "docker.io", .term = term, .registry = v->registry};
	s.limit = v->limit;
	/* As in names of images: what looks like a host is one. */
	if (slash &&
	    (memchr(term, '.', (size_t)(slash - term)) ||
	     memchr(term, ':', (size_t)(slash - term)) || !strncmp(term, "localhost/", 10))) {
		s.domain = image_registry_name(term, &cli->arena);
		s.term = slash + 1;
	}
	if (r == 0)
		r = filters_check(&v->filters, search_filter_matches, &none, e);
	if (r < 0)
		return r;
	r = image_search(&cli->engine.images, &s, &cli->arena, &found, e);
	if (r == 0)
		r = listing_open(&out, &search_listing, v->format,
				 "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}",
				 &view, e);
	const struct image_found *rows = found.items;
	for (size_t i = 0; r == 0 && i < found.count; i++) {
		r = filters_all_match(&v->filters, search_filter_matches, &rows[i], e);
		r = r > 0 ? listing_row(&out, &rows[i], e) : r;
	}
	return r < 0 ? r : listing_print(&out, stdout, e);
}

#define O(member) .offset = offsetof(struct search_values, member)
static const struct option options[] = {
	{"filter", 'f', OPTION_LIST, O(filters), .arg = "filter",
	 .help = "Filter output (stars is-official)"},
	{"format", 0, OPTION_STR, O(format), .help = LISTING_FORMAT_HELP},
	{"limit", 0, OPTION_INT, O(limit), .initial = "25", .help = "Max number of search results"},
	{"no-trunc", 0, OPTION_BOOL, O(no_trunc), .help = "Don't truncate output"},
};

const struct command command_search = {
	.names = NAMES("search"),
	.synopsis = "[OPTIONS] [REGISTRY/]TERM",
	.summary = "Search a registry for images",
	.text = "Without a registry it is docker.io, which has descriptions and stars, as have "
		"some others (/v1/search). Of the rest the repositories are listed that have the "
		"term in their name, where that registry gives a list.\n\nThe fields of a format: "
		".Name .Description .StarCount "
		".IsOfficial",
	.options = OPTIONS_FOR(struct search_values, options),
	.more = {{&registry_option_table, offsetof(struct search_values, registry)}},
	.args = {1, 1},
	.run = search_run,
};
