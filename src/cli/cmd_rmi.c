/* SPDX-License-Identifier: Apache-2.0 */
/* hull rmi, hull tag: names of images, and images without any. */
#include <errno.h>

#include "cli/cli.h"
#include "cli/commands.h"

struct rmi_values {
	bool force;
};

static int rmi_one(struct cli *cli, const char *name, void *ctx, struct err *e)
{
	const struct rmi_values *v = ctx;
	struct engine *en;
	struct strv lines = {0};
	int r = cli_engine(cli, &en, e);
	if (r == 0)
		r = engine_settle(en, e); /* a container that has ended holds no image */
	if (r == 0)
		r = image_remove(&en->images, name, v->force ? IMAGE_REMOVE_FORCE : 0, &cli->arena,
				 &lines, e);
	for (size_t i = 0; i < lines.count; i++)
		puts(lines.items[i]);
	if (r == -ENOENT && v->force && e->kind == ERR_NOT_FOUND) {
		cli_complain(cli, e); /* told, but what was wanted is the case */
		return 0;
	}
	return r;
}

static int rmi_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	(void)e;
	return cli_each(cli, args, rmi_one, values);
}

static int tag_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct engine *en;
	(void)values;
	int r = cli_engine(cli, &en, e);
	return r < 0 ? r : image_tag(&en->images, args->items[0], args->items[1], e);
}

static const struct option options[] = {
	{"force", 'f', OPTION_BOOL, .offset = offsetof(struct rmi_values, force),
	 .help = "Force removal of the image"},
	{"no-prune", 0, OPTION_REFUSED_FLAG, .help = "hull keeps no untagged parents"},
	{"platform", 0, OPTION_REFUSED, .help = "hull keeps the image of one platform only"},
};

const struct command command_rmi = {
	.names = NAMES("rmi", "image rm", "image remove"),
	.synopsis = "[OPTIONS] IMAGE [IMAGE...]",
	.summary = "Remove one or more images",
	.options = OPTIONS(options),
	.values_size = sizeof(struct rmi_values),
	.args_min = 1,
	.args_max = ANY_NUMBER,
	.complete = COMPLETE_IMAGES,
	.run = rmi_run,
};

const struct command command_tag = {
	.names = NAMES("tag", "image tag"),
	.synopsis = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
	.summary = "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
	.args_min = 2,
	.args_max = 2,
	.complete = COMPLETE_IMAGES,
	.run = tag_run,
};
