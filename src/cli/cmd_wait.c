/* SPDX-License-Identifier: Apache-2.0 */
/* hull wait: print the exit code of each container, once it has ended. */
#include "cli/cli.h"
#include "cli/commands.h"

static int wait_one(struct cli *cli, const char *name, void *ctx, struct err *e)
{
	struct engine *en;
	int code;
	(void)ctx;
	int r = cli_engine(cli, &en, e);
	if (r == 0)
		r = container_wait(en, name, WAIT_NOT_RUNNING, &code, e);
	if (r == 0)
		printf("%d\n", code);
	fflush(stdout);
	return r;
}

static int wait_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	(void)values;
	(void)e;
	return cli_each(cli, args, wait_one, NULL);
}

const struct command command_wait = {
	.names = NAMES("wait", "container wait"),
	.synopsis = "CONTAINER [CONTAINER...]",
	.summary = "Block until one or more containers stop, then print their exit codes",
	.args_min = 1,
	.args_max = ANY_NUMBER,
	.complete = COMPLETE_CONTAINERS,
	.run = wait_run,
};
