/* SPDX-License-Identifier: Apache-2.0 */
/* hull volume create, export, import, ls, rm. Read listing.h first. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/ps.h"
#include "cli/resource_option.h"
#include "cli/text.h"
#include "cli/usage_rows.h"
#include "engine/files.h"
#include "engine/filters.h"

struct create_values {
	char *driver;
	struct strv labels, options;
};
struct ls_values {
	bool quiet;
	char *format;
	struct strv filters;
};
struct rm_values {
	bool force;
};
struct export_values {
	char *output;
};

static void read_pairs(struct arena *a, const struct strv *from, struct kvs *to)
{
	for (size_t i = 0; i < from->count; i++)
		kvs_set_pair(a, to, from->items[i]);
}

static int create_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct create_values *v = values;
	struct volume made;
	struct kvs labels = {0}, options = {0};
	int r = volume_driver_check(v->driver, e);
	if (r < 0)
		return r;
	read_pairs(&cli->arena, &v->labels, &labels);
	read_pairs(&cli->arena, &v->options, &options);
	r = volume_create(&cli->engine, args->count ? args->items[0] : NULL, &labels, &options,
			  &cli->arena, &made, e);
	if (r == 0)
		puts(made.name);
	return r;
}

static const char *get_local(const void *row, const struct listing_view *view)
{
	return "local";
}

static const char *get_labels(const void *row, const struct listing_view *view)
{
	const struct volume *v = row;
	return text_labels(view->arena, &v->labels);
}

static const char *get_links(const void *row, const struct listing_view *view)
{
	const struct volume *v = row;
	return arena_printf(view->arena, "%lld", (long long)v->uses);
}

/* Measured for `system df` alone, as docker does. */
static const char *get_size(const void *row, const struct listing_view *view)
{
	const struct ps_context *x = view->more;
	return x && x->size ? text_size(view->arena, *x->size) : "N/A";
}

static const struct listing_column columns[] = {
	{"Driver", "DRIVER", get_local},
	{"Labels", "LABELS", get_labels},
	{"Links", "LINKS", get_links},
	{"Mountpoint", "MOUNTPOINT", LISTING_MEMBER(struct volume, mountpoint)},
	{"Name", "VOLUME NAME", LISTING_MEMBER(struct volume, name)},
	{"Scope", "SCOPE", get_local},
	{"Size", "SIZE", get_size},
};

static const struct kvs *row_labels(const void *item)
{
	return &((const struct volume *)item)->labels;
}
const struct listing volume_listing = {"*formatter.volumeContext", columns, ARRAY_LEN(columns),
				       row_labels};

static int ls_row(struct listing_out *out, const struct ls_values *v, const struct volume *volume,
		  struct err *e)
{
	int r = filters_all_match(&v->filters, volume_filter_matches, volume, e);
	return r <= 0 ? r : listing_row(out, volume, e);
}

static int ls_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct ls_values *v = values;
	struct listing_out out CLEANUP_LISTING = {0};
	struct volume *list;
	size_t count;
	const struct volume none = {.name = ""};
	int r = filters_check(&v->filters, volume_filter_matches, &none, e);
	if (r >= 0)
		r = volume_list(&cli->engine, &cli->arena, &list, &count, e);
	if (r == 0)
		r = listing_open(
			&out, &volume_listing, listing_quiet(v->quiet, "{{.Name}}", v->format),
			"{{.Driver}}\t{{.Name}}", &(struct listing_view){.arena = &cli->arena}, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = ls_row(&out, v, &list[i], e);
	return r < 0 ? r : listing_print(&out, stdout, e);
}

static int write_export(struct cli *cli, int fd, void *ctx, struct err *e)
{
	return volume_export(&cli->engine, ctx, fd, e);
}

static int export_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct export_values *v = values;
	return cli_write_archive(cli, v->output, write_export, args->items[0], e);
}

static int import_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const char *file = args->count > 1 && strcmp(args->items[1], "-") ? args->items[1] : NULL;
	CLEANUP_FD int opened = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
	if (file && opened < 0)
		return err_errno(e, errno, "cannot open %s", file);
	/* Not by name: a socket cannot be opened. */
	int fd = file ? opened : STDIN_FILENO;
	if (isatty(fd)) {
		err_set(e, EINVAL, ERR_INVALID, "the archive comes from %s, which is a terminal",
			file ? file : "the standard input");
		return err_hint(e, "hull volume import %s FILE, or ... < FILE", args->items[0]);
	}
	return volume_import(&cli->engine, args->items[0], fd, e);
}

static int rm_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct rm_values *v = values;
	return volume_remove(&cli->engine, name, v->force, e);
}

static const struct option create_options[] = {
	{"driver", 'd', OPTION_STR, .offset = offsetof(struct create_values, driver),
	 .initial = "local", .help = "Specify volume driver name"},
	{"label", 0, OPTION_CUSTOM, .offset = offsetof(struct create_values, labels), .arg = "list",
	 .set = option_set_label, .help = "Set metadata for a volume"},
	{"opt", 'o', OPTION_LIST, .offset = offsetof(struct create_values, options), .arg = "map",
	 .help = "Set driver specific options"},
};
static const struct option ls_options[] = {
	{"filter", 'f', OPTION_LIST, .offset = offsetof(struct ls_values, filters), .arg = "filter",
	 .help = "Provide filter values (dangling driver label name)"},
	{"format", 0, OPTION_STR, .offset = offsetof(struct ls_values, format),
	 .help = LISTING_FORMAT_HELP},
	{"quiet", 'q', OPTION_BOOL, .offset = offsetof(struct ls_values, quiet),
	 .help = "Only display volume names"},
};
static const struct option rm_options[] = {
	{"force", 'f', OPTION_BOOL, .offset = offsetof(struct rm_values, force),
	 .help = "Force the removal of one or more volumes"},
};

const struct command command_volume_create = {
	.names = NAMES("volume create"),
	.synopsis = "[OPTIONS] [VOLUME]",
	.summary = "Create a volume",
	.text = "Without options it is a folder of hull's. With them it is what mount(8) would "
		"mount, in the containers that use it and nowhere else: "
		"-o type=TYPE -o device=DEVICE -o o=OPTIONS. A folder: type=none and o=bind. "
		"NFS: type=nfs and o=addr=SERVER. tmpfs: containers that run at the same "
		"time share one; with the last of them it is gone. -o size=BYTES limits a tmpfs, "
		"or "
		"a folder of hull's where the file system has quotas: XFS and ext4 mounted with "
		"prjquota, btrfs.",
	.options = OPTIONS_FOR(struct create_values, create_options),
	.args = {0, 1},
	.run = create_run,
};

static const struct option export_options[] = {
	{"output", 'o', OPTION_STR, .offset = offsetof(struct export_values, output),
	 .help = "Write to a file, instead of STDOUT"},
};

const struct command command_volume_export = {
	.names = NAMES("volume export"),
	.synopsis = "[OPTIONS] VOLUME",
	.summary = "Export what is in a volume as a tar archive",
	.options = OPTIONS_FOR(struct export_values, export_options),
	.args = {1, 1},
	.complete = COMPLETE_VOLUMES,
	.run = export_run,
};

const struct command command_volume_import = {
	.names = NAMES("volume import"),
	.synopsis = "VOLUME [FILE|-]",
	.summary = "Import a tar archive into a volume",
	.text = "Without FILE it comes from the standard input. What the volume has of the same "
		"names is replaced, the rest stays; owners are kept.",
	.args = {1, 2},
	.complete = COMPLETE_VOLUMES,
	.run = import_run,
};

const struct command command_volume_ls = {
	.names = NAMES("volume ls", "volume list"),
	.synopsis = "[OPTIONS]",
	.summary = "List volumes",
	.text = "The fields of a format: .Driver .Labels .Label \"key\" .Links .Mountpoint .Name "
		".Scope .Size",
	.options = OPTIONS_FOR(struct ls_values, ls_options),
	.run = ls_run,
};

const struct command command_volume_rm = {
	.names = NAMES("volume rm", "volume remove"),
	.synopsis = "[OPTIONS] VOLUME [VOLUME...]",
	.summary = "Remove one or more volumes",
	.text = "A volume that a container uses is not removed.",
	.options = OPTIONS_FOR(struct rm_values, rm_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_VOLUMES,
	.each = rm_one,
};
