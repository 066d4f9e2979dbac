/* SPDX-License-Identifier: Apache-2.0 */
/* hull images: one row for each name of each image. Read listing.h first. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/text.h"
#include "cli/usage_rows.h"

struct images_values {
	bool all, digests, no_trunc, quiet, tree;
	char *format;
	struct strv filters;
};

/* A name of an image, in parts that may be "<none>". */
struct image_row {
	const struct image *image;
	const char *repository, *tag, *digest;
	const struct usage_image *use; /* NULL: not measured */
};
static const char none[] = "<none>";

static const char *get_created_at(const void *row, const struct listing_view *view)
{
	const struct image_row *i = row;
	return text_time(view->arena, i->image->created);
}

static const char *get_created_since(const void *row, const struct listing_view *view)
{
	const struct image_row *i = row;
	return i->image->created ? text_ago(view->arena, i->image->created) : "N/A";
}

static const char *get_id(const void *row, const struct listing_view *view)
{
	const struct image_row *i = row;
	return text_image_id(view->arena, i->image->id, view->no_trunc);
}

static const char *get_size(const void *row, const struct listing_view *view)
{
	const struct image_row *i = row;
	return text_size(view->arena, i->use ? i->use->size : i->image->size);
}

/* What docker counts only for `system df`. */
static const char *get_containers(const void *row, const struct listing_view *view)
{
	const struct image_row *i = row;
	return i->use ? arena_printf(view->arena, "%lld", (long long)i->use->containers) : "N/A";
}

static const char *get_shared(const void *row, const struct listing_view *view)
{
	const struct image_row *i = row;
	return i->use ? text_size(view->arena, i->use->shared) : "N/A";
}

static const char *get_unique(const void *row, const struct listing_view *view)
{
	const struct image_row *i = row;
	return i->use ? text_size(view->arena, i->use->unique) : "N/A";
}

static const struct listing_column columns[] = {
	{"Containers", "CONTAINERS", get_containers},
	{"CreatedAt", "CREATED AT", get_created_at},
	{"CreatedSince", "CREATED", get_created_since},
	{"Digest", "DIGEST", LISTING_MEMBER(struct image_row, digest)},
	{"ID", "IMAGE ID", get_id},
	{"Repository", "REPOSITORY", LISTING_MEMBER(struct image_row, repository)},
	{"SharedSize", "SHARED SIZE", get_shared},
	{"Size", "SIZE", get_size},
	{"Tag", "TAG", LISTING_MEMBER(struct image_row, tag)},
	{"UniqueSize", "UNIQUE SIZE", get_unique},
	{"VirtualSize", "SIZE", get_size},
};
const struct listing images_listing = {"*formatter.imageContext", columns, ARRAY_LEN(columns),
				       NULL};

#define HEAD "{{.Repository}}\t{{.Tag}}\t"
#define TAIL "{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}"

/* "localhost:5000/a:v1" is tag v1 of localhost:5000/a; "a@sha256:..." has no tag. */
static struct image_row split_name(const struct image *image, const char *name, struct arena *a)
{
	const char *at = strchr(name, '@'), *slash = strrchr(name, '/');
	const char *colon = at ? NULL : strrchr(slash ? slash : name, ':');
	size_t len = at ? (size_t)(at - name) : colon ? (size_t)(colon - name) : strlen(name);
	return (struct image_row){image, arena_strndup(a, name, len), colon ? colon + 1 : none,
				  at ? at + 1 : none, NULL};
}

static const char *digest_of(const struct image *image, const char *repository)
{
	size_t len = strlen(repository);
	for (size_t i = 0; i < image->digests.count; i++) {
		const char *d = image->digests.items[i];
		if (!strncmp(d, repository, len) && d[len] == '@')
			return d + len + 1;
	}
	return none;
}

static int add_image(struct listing_out *out, const struct image *image,
		     const struct usage_image *use, bool by_id, struct err *e)
{
	/* Names by digest only are left by `pull a@sha256:...`. */
	const struct strv *names = image->tags.count ? &image->tags : &image->digests;
	int r = 0;
	if (by_id || !names->count)
		return listing_row(out, &(struct image_row){image, none, none, none, use}, e);
	for (size_t i = 0; r == 0 && i < names->count; i++) {
		struct image_row row = split_name(image, names->items[i], out->view.arena);
		if (image->tags.count)
			row.digest = digest_of(image, row.repository);
		row.use = use;
		r = listing_row(out, &row, e);
	}
	return r;
}

int images_add(struct listing_out *out, const struct image *image, const struct usage_image *use,
	       struct err *e)
{
	return add_image(out, image, use, false, e);
}

/* --tree: the names of an image, and below them what it is for: one platform, as hull keeps them.
 */
struct tree_row {
	const char *name;
	struct image_row image;
};

static const char *get_tree_id(const void *row, const struct listing_view *view)
{
	return get_id(&((const struct tree_row *)row)->image, view);
}

static const char *get_tree_size(const void *row, const struct listing_view *view)
{
	return get_size(&((const struct tree_row *)row)->image, view);
}

static const struct listing_column tree_columns[] = {
	{"ID", "ID", get_tree_id},
	{"Image", "IMAGE", LISTING_MEMBER(struct tree_row, name)},
	{"Size", "DISK USAGE", get_tree_size},
};
static const struct listing tree_listing = {"*formatter.imageTree", tree_columns,
					    ARRAY_LEN(tree_columns), NULL};

static int add_tree(struct listing_out *out, const struct image *image, struct err *e)
{
	const struct strv *names = image->tags.count ? &image->tags : &image->digests;
	const struct oci_image *c = &image->config;
	struct tree_row row = {.image.image = image};
	int r = 0;
	for (size_t i = 0; r == 0 && i < (names->count ? names->count : 1); i++) {
		row.name = names->count ? names->items[i] : "<untagged>";
		r = listing_row(out, &row, e);
	}
	row.name = arena_printf(out->view.arena, "\u2514\u2500 %s/%s%s%s", c->os, c->architecture,
				c->variant ? "/" : "", c->variant ?: "");
	return r < 0 ? r : listing_row(out, &row, e);
}

static int images_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct images_values *v = values;
	const struct listing_view view = {.arena = &cli->arena, .no_trunc = v->no_trunc};
	struct image_store *images = &cli->engine.images;
	struct image_filter f = {.all = v->all};
	struct listing_out out CLEANUP_LISTING = {0};
	struct image *found;
	size_t count;
	int r = 0;
	if (v->tree && (v->quiet || v->digests || (v->format && *v->format)))
		return err_set(e, EINVAL, ERR_USAGE,
			       "--tree cannot be used with --quiet, --digests or --format");
	for (size_t i = 0; r == 0 && i < v->filters.count; i++)
		r = image_filter_add(images, &f, v->filters.items[i], &cli->arena, e);
	if (args->count)
		strv_push(&cli->arena, &f.references, args->items[0]);
	if (r == 0)
		r = image_list(images, &f, &cli->arena, &found, &count, e);
	if (r < 0)
		return r;
	const char *format = listing_quiet(v->quiet, "{{.ID}}", v->format);
	const char *standard = v->digests ? HEAD "{{.Digest}}\t" TAIL : HEAD TAIL;
	r = v->tree ? listing_open(&out, &tree_listing, NULL, "{{.Image}}\t{{.ID}}\t{{.Size}}",
				   &view, e)
		    : listing_open(&out, &images_listing, format, standard, &view, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = v->tree ? add_tree(&out, &found[i], e)
			    : add_image(&out, &found[i], NULL, v->quiet && format != v->format, e);
	return r < 0 ? r : listing_print(&out, stdout, e);
}

#define O(member) .offset = offsetof(struct images_values, member)
static const struct option options[] = {
	{"all", 'a', OPTION_BOOL, O(all),
	 .help = "Show all images (default hides intermediate images)"},
	{"digests", 0, OPTION_BOOL, O(digests), .help = "Show digests"},
	{"filter", 'f', OPTION_LIST, O(filters), .arg = "filter",
	 .help = "Filter output based on conditions provided (reference label dangling before "
		 "since "
		 "until)"},
	{"format", 0, OPTION_STR, O(format), .help = LISTING_FORMAT_HELP},
	{"no-trunc", 0, OPTION_BOOL, O(no_trunc), .help = "Don't truncate output"},
	{"quiet", 'q', OPTION_BOOL, O(quiet), .help = "Only show image IDs"},
	{"tree", 0, OPTION_BOOL, O(tree),
	 .help = "List the platform of each image below its names"},
};

const struct command command_images = {
	.names = NAMES("images", "image ls", "image list"),
	.synopsis = "[OPTIONS] [REPOSITORY[:TAG]]",
	.summary = "List images",
	.text = "The fields of a format: .ID .Repository .Tag .Digest .CreatedSince .CreatedAt "
		".Size",
	.options = OPTIONS_FOR(struct images_values, options),
	.args = {0, 1},
	.flags = COMMAND_COMMON,
	.complete = COMPLETE_IMAGE_ONCE,
	.run = images_run,
};
