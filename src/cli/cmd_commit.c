/* SPDX-License-Identifier: Apache-2.0 */
/* hull diff, image diff and commit: what a container or an image has changed, and an image of it.
 * Read engine/files.h first. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "engine/files.h"

struct commit_values {
	char *author, *message;
	struct strv changes;
	bool pause, no_pause;
};

/* A name is the container's choice, and must make neither a line nor a terminal's command. */
static void put_changes(struct cli *cli, const struct file_change *changes, size_t count)
{
	static const char letters[] = {
		[CHANGE_MODIFIED] = 'C', [CHANGE_ADDED] = 'A', [CHANGE_DELETED] = 'D'};
	for (size_t i = 0; i < count; i++)
		printf("%c %s\n", letters[changes[i].kind],
		       text_plain(&cli->arena, changes[i].path));
}

static int diff_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct file_change *changes;
	size_t count;
	int r = container_changes(&cli->engine, args->items[0], &cli->arena, &changes, &count, e);
	if (r == 0)
		put_changes(cli, changes, count);
	return r;
}

static int image_diff_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct file_change *changes;
	size_t count;
	int r = image_changes(&cli->engine, args->items[0], args->count > 1 ? args->items[1] : NULL,
			      &cli->arena, &changes, &count, e);
	if (r == 0)
		put_changes(cli, changes, count);
	return r;
}

static int commit_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct commit_values *v = values;
	char id[ID_LEN + 1];
	const struct container_commit commit = {
		.reference = args->count > 1 ? args->items[1] : NULL,
		.author = v->author,
		.message = v->message,
		.changes = v->changes,
		.pause = v->pause && !v->no_pause,
	};
	int r = container_commit(&cli->engine, args->items[0], &commit, id, e);
	cli_warn(cli);
	if (r == 0)
		printf("sha256:%s\n", id);
	return r;
}

#define C(member) .offset = offsetof(struct commit_values, member)
static const struct option commit_options[] = {
	{"author", 'a', OPTION_STR, C(author),
	 .help = "Author (e.g., \"John Hannibal Smith <hannibal@a-team.com>\")"},
	{"change", 'c', OPTION_LIST, C(changes),
	 .help = "Apply Dockerfile instruction to the created image"},
	{"message", 'm', OPTION_STR, C(message), .help = "Commit message"},
	{"no-pause", 0, OPTION_BOOL, C(no_pause),
	 .help = "Do not pause the container during commit"},
	{"pause", 'p', OPTION_BOOL, C(pause), .initial = "true",
	 .help = "Pause container during commit"},
};

const struct command command_image_diff = {
	.names = NAMES("image diff"),
	.synopsis = "IMAGE [IMAGE]",
	.summary = "Inspect what is in an image and not, or otherwise, in another",
	.text = "Against the second image; without one, against what is below the topmost layer. A "
		"was added, C is another (by type, mode, owner, size or time), D was deleted.",
	.args = {1, 2},
	.complete = COMPLETE_IMAGES,
	.run = image_diff_run,
};

const struct command command_diff = {
	.names = NAMES("diff", "container diff"),
	.synopsis = "CONTAINER",
	.summary = "Inspect changes to files or directories on a container's filesystem",
	.text = "A was added, C was changed, D was deleted: against the image, in the "
		"container's own layer. What was written into volumes and binds is not there.",
	.args = {1, 1},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = diff_run,
};

const struct command command_commit = {
	.names = NAMES("commit", "container commit"),
	.synopsis = "[OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
	.summary = "Create a new image from a container's changes",
	.text = "The image has the container's layer upon those of its image, and the "
		"container's own configuration. What was written into volumes and binds is not "
		"in it.",
	.options = OPTIONS_FOR(struct commit_values, commit_options),
	.args = {1, 2},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = commit_run,
};
