/* SPDX-License-Identifier: Apache-2.0 */
/* hull load, save, import, rmi, tag: images from and to archives (or from a folder with an OCI
 * layout), and their names. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "cli/progress.h"

struct load_values {
	char *input, *platform;
	bool quiet;
};
struct save_values {
	char *output, *platform;
};
struct import_values {
	struct strv changes;
	char *message, *platform;
};

static const struct progress_words load_words = {NULL, "loading", "loaded", "exists already"};

/* On a terminal only. */
static image_progress_fn show_progress(struct cli *cli, void **ret_ctx)
{
	struct progress *p = arena_new(&cli->arena, struct progress);
	*p = (struct progress){.words = &load_words, .to = stderr, .form = PROGRESS_TTY};
	*ret_ctx = p;
	return isatty(STDERR_FILENO) ? progress_show : NULL;
}

static int open_input(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(e, errno, "open %s", path);
}

static void print_loaded(const struct image_loaded *loaded)
{
	for (size_t i = 0; i < loaded->tags.count; i++)
		printf("Loaded image: %s\n", loaded->tags.items[i]);
	if (!loaded->tags.count)
		printf("Loaded image ID: sha256:%s\n", loaded->id);
}

static int load_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct load_values *v = values;
	struct image_load req = {.fd = STDIN_FILENO, .path = "-", .platform = v->platform};
	struct image_loaded *loaded;
	size_t count;
	if (!v->quiet)
		req.progress = show_progress(cli, &req.ctx);
	if (v->input && *v->input) {
		req.fd = -1;
		req.path = v->input;
	} else if (isatty(STDIN_FILENO)) {
		err_set(e, EINVAL, ERR_INVALID, "requested load from stdin, but stdin is empty");
		return err_hint(e, "hull load -i FILE, or hull load < FILE");
	}
	int r = image_load(&cli->engine.images, &req, &cli->arena, &loaded, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		print_loaded(&loaded[i]);
	return r;
}

static int import_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct import_values *v = values;
	const char *source = args->items[0];
	char id[ID_LEN + 1];
	if (!strncmp(source, "http://", 7) || !strncmp(source, "https://", 8)) {
		err_set(e, ENOTSUP, ERR_INVALID, "import %s: hull does not fetch files", source);
		return err_hint(e, "curl -sL %s | hull import -", source);
	}
	CLEANUP_FD int file = -1;
	if (strcmp(source, "-") && (file = open_input(source, e)) < 0)
		return file;
	struct image_import req = {
		.fd = file >= 0 ? file : STDIN_FILENO,
		.reference = args->count > 1 ? args->items[1] : NULL,
		.changes = v->changes,
		.message = v->message,
		.platform = v->platform,
	};
	req.progress = show_progress(cli, &req.ctx);
	int r = image_import(&cli->engine.images, &req, id, e);
	if (r == 0)
		printf("sha256:%s\n", id);
	return r;
}

static int write_images(struct cli *cli, int fd, void *ctx, struct err *e)
{
	struct image_save *req = ctx;
	req->fd = fd;
	return image_save(&cli->engine.images, req, e);
}

static int save_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct save_values *v = values;
	struct image_save req = {.names = *args, .platform = v->platform};
	return cli_write_archive(cli, v->output, write_images, &req, e);
}

#define S(member) .offset = offsetof(struct save_values, member)
static const struct option save_options[] = {
	{"output", 'o', OPTION_STR, S(output), .help = "Write to a file, instead of STDOUT"},
	{"platform", 0, OPTION_STR, S(platform),
	 .help = "Save only the given platform variant. Formatted as \"os[/arch[/variant]]\" "
		 "(e.g., \"linux/amd64\")"},
};

#define L(member) .offset = offsetof(struct load_values, member)
static const struct option load_options[] = {
	{"input", 'i', OPTION_STR, L(input),
	 .help = "Read from tar archive file, instead of STDIN"},
	{"platform", 0, OPTION_STR, L(platform),
	 .help = "Load only the given platform variant. Formatted as \"os[/arch[/variant]]\" "
		 "(e.g., "
		 "\"linux/amd64\")"},
	{"quiet", 'q', OPTION_BOOL, L(quiet), .help = "Do not show the progress"},
};

#define I(member) .offset = offsetof(struct import_values, member)
static const struct option import_options[] = {
	{"change", 'c', OPTION_LIST, I(changes),
	 .help = "Apply Dockerfile instruction to the created image"},
	{"message", 'm', OPTION_STR, I(message), .help = "Set commit message for imported image"},
	{"platform", 0, OPTION_STR, I(platform),
	 .help = "Set platform if server is multi-platform capable"},
};

const struct command command_load = {
	.names = NAMES("load", "image load"),
	.synopsis = "[OPTIONS]",
	.summary = "Load an image from a tar archive or STDIN",
	.options = OPTIONS_FOR(struct load_values, load_options),
	.run = load_run,
};

const struct command command_save = {
	.names = NAMES("save", "image save"),
	.synopsis = "[OPTIONS] IMAGE [IMAGE...]",
	.summary = "Save one or more images to a tar archive (streamed to STDOUT by default)",
	.text = "The archive is docker's and an OCI layout in one. Its layers are the same, byte "
		"for byte, "
		"as they were pulled, loaded, imported, built or committed: who loads it has the "
		"image with the same id. Only a layer whose tar names a file twice, or that an "
		"older hull unpacked, is packed anew; then the image gets another id. "
		"A name without a tag stands for all its tags; an image that is given by its id "
		"is saved without a name.",
	.options = OPTIONS_FOR(struct save_values, save_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_IMAGES,
	.run = save_run,
};

const struct command command_import = {
	.names = NAMES("import", "image import"),
	.synopsis = "[OPTIONS] file|- [REPOSITORY[:TAG]]",
	.summary = "Import the contents from a tarball to create a filesystem image",
	.options = OPTIONS_FOR(struct import_values, import_options),
	.args = {1, 2},
	.run = import_run,
};

/* --- names --- */

struct rmi_values {
	bool force, no_prune;
	char *platform;
};

static int rmi_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct rmi_values *v = values;
	struct engine *en = &cli->engine;
	struct strv lines = {0};
	int r = engine_settle(en, e); /* a container that has ended holds no image */
	if (r == 0)
		r = image_require_platform(&en->images, name, v->platform, &cli->arena, e);
	if (r == 0)
		r = image_remove(&en->images, name, v->force ? IMAGE_REMOVE_FORCE : 0, &cli->arena,
				 &lines, e);
	for (size_t i = 0; i < lines.count; i++)
		puts(lines.items[i]);
	if (v->force)
		r = cli_missing_is_fine(cli, r, e);
	return r < 0 ? r : 1;
}

static int tag_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return image_tag(&cli->engine.images, args->items[0], args->items[1], e);
}

static int untag_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct strv names = {0}, done = {0};
	for (size_t i = 1; i < args->count; i++)
		strv_push(&cli->arena, &names, args->items[i]);
	int r = image_untag(&cli->engine.images, args->items[0], &names, &cli->arena, &done, e);
	for (size_t i = 0; r == 0 && i < done.count; i++)
		puts(done.items[i]);
	return r;
}

/* --- tree --- */

/* The names of all images that end with layer @count of @im. */
static const char *top_of(struct cli *cli, const struct image *im, size_t count,
			  const struct image *all, size_t all_count)
{
	const char *text = "";
	for (size_t i = 0; i < all_count; i++) {
		const struct strv *ids = &all[i].config.rootfs.diff_ids;
		bool same = ids->count == count;
		for (size_t k = 0; same && k < count; k++)
			same = !strcmp(ids->items[k], im->config.rootfs.diff_ids.items[k]);
		for (size_t k = 0; same && k < all[i].tags.count; k++)
			text = arena_printf(&cli->arena, "%s%s%s", text, *text ? ", " : "",
					    all[i].tags.items[k]);
	}
	return *text ? arena_printf(&cli->arena, "  Top Layer of: [%s]", text) : "";
}

static int tree_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct arena *a = &cli->arena;
	struct image im, *all;
	size_t count;
	int r = image_find(&cli->engine.images, args->items[0], a, &im, e);
	if (r == 0)
		r = image_list(&cli->engine.images, NULL, a, &all, &count, e);
	if (r < 0)
		return r;
	printf("Image ID: %.12s\nTags:     [", im.id);
	for (size_t i = 0; i < im.tags.count; i++)
		printf("%s%s", i ? ", " : "", im.tags.items[i]);
	printf("]\nSize:     %s\nImage Layers\n", text_size(a, im.size));
	for (size_t i = 0; i < im.layer_count; i++) {
		const struct image_layer *l = &im.layers[im.layer_count - 1 - i];
		printf("%s ID: %.12s Size: %s%s\n",
		       i + 1 < im.layer_count ? "\u251c\u2500\u2500" : "\u2514\u2500\u2500",
		       l->diff_id, text_size(a, l->size), top_of(cli, &im, i + 1, all, count));
	}
	return 0;
}

static const struct option rmi_options[] = {
	{"force", 'f', OPTION_BOOL, .offset = offsetof(struct rmi_values, force),
	 .help = "Force removal of the image"},
	{"no-prune", 0, OPTION_BOOL, .offset = offsetof(struct rmi_values, no_prune),
	 .help = "Do not delete untagged parents (hull has none)"},
	{"platform", 0, OPTION_STR, .offset = offsetof(struct rmi_values, platform),
	 .help = "Only if the image is for this platform (os/arch, as linux/arm64)"},
};

const struct command command_rmi = {
	.names = NAMES("rmi", "image rm", "image remove"),
	.synopsis = "[OPTIONS] IMAGE [IMAGE...]",
	.summary = "Remove one or more images",
	.options = OPTIONS_FOR(struct rmi_values, rmi_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_IMAGES,
	.each = rmi_one,
};

const struct command command_tag = {
	.names = NAMES("tag", "image tag"),
	.synopsis = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
	.summary = "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
	.args = {2, 2},
	.complete = COMPLETE_IMAGES,
	.run = tag_run,
};

const struct command command_untag = {
	.names = NAMES("untag", "image untag"),
	.synopsis = "IMAGE [NAME[:TAG]...]",
	.summary = "Take names from an image, all of them if none is said; the image stays",
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_IMAGES,
	.run = untag_run,
};

const struct command command_image_tree = {
	.names = NAMES("image tree"),
	.synopsis = "IMAGE",
	.summary = "Show the layers of an image, the lowest first, and which images end with them",
	.args = {1, 1},
	.complete = COMPLETE_IMAGE_ONCE,
	.run = tree_run,
};
