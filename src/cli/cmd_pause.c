/* SPDX-License-Identifier: Apache-2.0 */
/* hull pause, hull unpause: freeze all processes of a container, and let them go on. */
#include "cli/cli.h"
#include "cli/commands.h"

static int pause_one(struct cli *cli, const char *name, void *ctx, struct err *e)
{
	struct engine *en;
	(void)ctx;
	int r = cli_engine(cli, &en, e);
	if (r == 0)
		r = container_pause(en, name, e);
	if (r == 0)
		puts(name);
	return r;
}

static int unpause_one(struct cli *cli, const char *name, void *ctx, struct err *e)
{
	struct engine *en;
	(void)ctx;
	int r = cli_engine(cli, &en, e);
	if (r == 0)
		r = container_unpause(en, name, e);
	if (r == 0)
		puts(name);
	return r;
}

static int pause_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	(void)values;
	(void)e;
	return cli_each(cli, args, pause_one, NULL);
}

static int unpause_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	(void)values;
	(void)e;
	return cli_each(cli, args, unpause_one, NULL);
}

const struct command command_pause = {
	.names = NAMES("pause", "container pause"),
	.synopsis = "CONTAINER [CONTAINER...]",
	.summary = "Pause all processes within one or more containers",
	.args_min = 1,
	.args_max = ANY_NUMBER,
	.complete = COMPLETE_CONTAINERS,
	.run = pause_run,
};

const struct command command_unpause = {
	.names = NAMES("unpause", "container unpause"),
	.synopsis = "CONTAINER [CONTAINER...]",
	.summary = "Unpause all processes within one or more containers",
	.args_min = 1,
	.args_max = ANY_NUMBER,
	.complete = COMPLETE_CONTAINERS,
	.run = unpause_run,
};
