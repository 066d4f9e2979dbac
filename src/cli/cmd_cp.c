/* SPDX-License-Identifier: Apache-2.0 */
/* hull cp and export: files between containers, this machine, and tars. Read engine/files.h first.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/event.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/files.h"

struct cp_values {
	bool archive, follow;
	struct opt_bool quiet;
};
struct export_values {
	char *output;
};

/* One end of a copy. */
struct end {
	const char *text;
	char *container, *path; /* container NULL: this machine, or a tar */
	bool is_tar;
	struct file_space space;
	struct file_place place;
};

struct account {
	const char *what;
	uint64_t bytes;
	bool show;
};

static void on_progress(void *ctx, uint64_t bytes)
{
	struct account *a = ctx;
	char text[SIZE_TEXT_SIZE];
	a->bytes = bytes;
	if (!a->show)
		return;
	fprintf(stderr, "\r\033[K%s - %s", a->what, size_human((int64_t)bytes, text));
	fflush(stderr);
}

static void tell_end(const struct account *a, bool quiet, const char *to)
{
	char text[SIZE_TEXT_SIZE];
	if (a->show)
		fprintf(stderr, "\r\033[K");
	if (!quiet)
		fprintf(stderr, "Successfully copied %s to %s\n",
			size_human((int64_t)a->bytes, text), to);
}

/* CONTAINER:PATH, unless it is a path by its first character or has no colon. */
static int parse_end(struct cli *cli, const char *text, struct end *ret, struct err *e)
{
	const char *colon = strchr(text, ':');
	*ret = (struct end){.text = text, .space = FILE_SPACE_NONE, .place.folder = -1};
	ret->is_tar = !strcmp(text, "-");
	if (!*text || (colon && (colon == text || !colon[1])))
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid argument %s: arguments cannot be empty",
			       *text ? text : "\"\"");
	if (*text == '/' || *text == '.' || !colon) {
		char *cwd = *text == '/' ? NULL : getcwd(NULL, 0);
		if (*text != '/' && !cwd)
			return err_errno(e, errno, "cannot tell the current folder");
		ret->path = cwd ? arena_printf(&cli->arena, "%s/%s", cwd, text)
				: arena_strdup(&cli->arena, text);
		free(cwd);
		return 0;
	}
	ret->container = arena_strndup(&cli->arena, text, (size_t)(colon - text));
	ret->path = arena_printf(&cli->arena, "%s%s", colon[1] == '/' ? "" : "/", colon + 1);
	return 0;
}

static int open_end(struct cli *cli, struct end *end, struct err *e)
{
	return end->container ? file_space_container(&cli->engine, end->container, &cli->arena,
						     &end->space, e)
			      : file_space_host(&end->space, e);
}

static void close_end(struct end *end)
{
	fd_drop(&end->place.folder);
	file_space_close(&end->space);
}

static int from_tar(struct cli *cli, struct end *to, const struct file_copy *copy, struct err *e)
{
	int r = file_find_target(&to->space, to->path, &cli->arena, &to->place, e);
	if (r == 0 && !to->place.is_folder)
		r = err_set(e, ENOTDIR, ERR_INVALID, "destination \"%s\" must be a directory",
			    to->text);
	return r < 0 ? r : file_unpack(&cli->engine, STDIN_FILENO, &to->place, copy, e);
}

static int to_tar(struct cli *cli, struct end *from, bool follow, const struct file_copy *copy,
		  struct err *e)
{
	if (isatty(STDOUT_FILENO))
		return err_set(e, EINVAL, ERR_INVALID,
			       "cowardly refusing to copy to a terminal: redirect the output");
	int r = file_find_source(&from->space, from->path, follow, &cli->arena, &from->place, e);
	return r < 0 ? r : file_pack(&cli->engine, &from->place, STDOUT_FILENO, copy, e);
}

static int between(struct cli *cli, struct end *from, struct end *to, bool follow,
		   const struct file_copy *copy, struct err *e)
{
	int r = file_find_source(&from->space, from->path, follow, &cli->arena, &from->place, e);
	if (r == 0)
		r = file_find_target(&to->space, to->path, &cli->arena, &to->place, e);
	return r < 0 ? r : file_copy(&cli->engine, &from->place, &to->place, copy, e);
}

static int cp_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct cp_values *v = values;
	CLEANUP(close_end) struct end from = {.space = FILE_SPACE_NONE, .place.folder = -1};
	CLEANUP(close_end) struct end to = {.space = FILE_SPACE_NONE, .place.folder = -1};
	int r = parse_end(cli, args->items[0], &from, e);
	if (r == 0)
		r = parse_end(cli, args->items[1], &to, e);
	if (r < 0)
		return r;
	if (!from.container && !to.container)
		return err_set(e, EINVAL, ERR_USAGE, "must specify at least one container source");
	/* As docker's client: without -q or -q=false a terminal decides. */
	bool quiet = v->quiet.set ? v->quiet.value : !isatty(STDOUT_FILENO);
	struct account account = {.what = to.container ? "Copying to container"
						       : "Copying from container",
				  .show = !quiet && !to.is_tar && isatty(STDERR_FILENO)};
	/* What comes to this machine belongs to who asked for it; root's in a container. */
	struct file_copy copy = {.keep_owner = v->archive || from.is_tar,
				 .uid = to.container ? 0 : getuid(),
				 .gid = to.container ? 0 : getgid(),
				 .progress = on_progress,
				 .ctx = &account};
	/* The host's first: a container that does not run takes this process out of its mounts. */
	r = from.container ? 0 : open_end(cli, &from, e);
	if (r == 0)
		r = open_end(cli, &to, e);
	if (r == 0 && from.container)
		r = open_end(cli, &from, e);
	if (r < 0)
		return r;
	r = from.is_tar ? from_tar(cli, &to, &copy, e)
	    : to.is_tar ? to_tar(cli, &from, v->follow, &copy, e)
			: between(cli, &from, &to, v->follow, &copy, e);
	if (account.show && r < 0)
		fprintf(stderr, "\r\033[K");
	struct err ignored;
	if (r == 0 && from.container)
		event_container(&cli->engine.db, &ignored, from.space.id, "archive-path", NULL);
	if (r == 0 && to.container)
		event_container(&cli->engine.db, &ignored, to.space.id, "extract-to-dir", NULL);
	if (r == 0 && !to.is_tar)
		tell_end(&account, quiet, to.text);
	return r;
}

static int write_export(struct cli *cli, int fd, void *ctx, struct err *e)
{
	const struct file_copy none = {0};
	return container_export(&cli->engine, ctx, fd, &none, e);
}

static int export_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct export_values *v = values;
	return cli_write_archive(cli, v->output, write_export, args->items[0], e);
}

#define C(member) .offset = offsetof(struct cp_values, member)
static const struct option cp_options[] = {
	{"archive", 'a', OPTION_BOOL, C(archive),
	 .help = "Archive mode (keep all uid/gid information)"},
	{"follow-link", 'L', OPTION_BOOL, C(follow),
	 .help = "Always follow symbol link in SRC_PATH"},
	{"quiet", 'q', OPTION_TRI, C(quiet),
	 .help = "Suppress progress output during copy. Automatically if no terminal is attached"},
};
static const struct option export_options[] = {
	{"output", 'o', OPTION_STR, .offset = offsetof(struct export_values, output),
	 .help = "Write to a file, instead of STDOUT"},
};

const struct command command_cp = {
	.names = NAMES("cp", "container cp"),
	.synopsis = "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|- | SRC_PATH|- CONTAINER:DEST_PATH",
	.summary = "Copy files/folders between a container and the local filesystem",
	.text = "Both may be containers, running or not. A path in a container begins at its "
		"root; links in it lead nowhere else. A folder is copied into one that exists, "
		"and becomes the destination otherwise; SRC_PATH/. stands for what is in it. A "
		"symbolic link at the end of SRC_PATH is copied as such, unless -L is given.\n\n"
		"With - the other side is a tar stream. Copies belong to root in a container and "
		"to the caller on this machine, unless -a is given; from a tar they keep their "
		"owners.",
	.options = OPTIONS_FOR(struct cp_values, cp_options),
	.args = {2, 2},
	.complete = COMPLETE_CONTAINERS,
	.run = cp_run,
};

const struct command command_export = {
	.names = NAMES("export", "container export"),
	.synopsis = "[OPTIONS] CONTAINER",
	.summary = "Export a container's filesystem as a tar archive",
	.text = "Without what is mounted into the container: volumes, binds, /proc.",
	.options = OPTIONS_FOR(struct export_values, export_options),
	.args = {1, 1},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = export_run,
};
