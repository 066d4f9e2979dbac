/* SPDX-License-Identifier: Apache-2.0 */
/* hull kill: one signal to the first process of each container. */
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource_option.h"

struct kill_values {
	int64_t signal;
};

static int kill_one(struct cli *cli, const char *name, void *ctx, struct err *e)
{
	const struct kill_values *v = ctx;
	struct engine *en;
	int r = cli_engine(cli, &en, e);
	if (r == 0)
		r = container_kill(en, name, (int)v->signal, e);
	if (r == 0)
		puts(name);
	return r;
}

static int kill_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	(void)e;
	return cli_each(cli, args, kill_one, values);
}

static const struct option options[] = {
	{"signal", 's', OPTION_CUSTOM, .offset = offsetof(struct kill_values, signal),
	 .arg = "string", .set = option_set_signal, .initial = "KILL",
	 .help = "Signal to send to the container"},
};

const struct command command_kill = {
	.names = NAMES("kill", "container kill"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Kill one or more running containers",
	.options = OPTIONS(options),
	.values_size = sizeof(struct kill_values),
	.args_min = 1,
	.args_max = ANY_NUMBER,
	.complete = COMPLETE_CONTAINERS,
	.run = kill_run,
};
