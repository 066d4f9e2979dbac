/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull system check: does the state agree with the kernel and the disk? hull system reap: the
 * clean-up after one container (or all), which its monitor calls; every look-up does the same.
 */
#include "cli/cli.h"
#include "cli/commands.h"

struct check_values {
	bool repair;
};

static int reap_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	int r = engine_reap(&cli->engine, args->count ? args->items[0] : NULL, e);
	/* Nobody waits for this command: the time to tidy. */
	engine_tidy(&cli->engine);
	return r;
}

static int check_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct check_values *v = values;
	struct strv problems = {0};
	int r = engine_check(&cli->engine, v->repair, &cli->arena, &problems, e);
	cli_warn(cli);
	for (size_t i = 0; i < problems.count; i++)
		puts(problems.items[i]);
	if (r < 0)
		return r;
	return problems.count && !v->repair ? 1 : 0;
}

static const struct option options[] = {
	{"repair", 0, OPTION_BOOL, .offset = offsetof(struct check_values, repair),
	 .help = "Remove what belongs to nothing"},
};

const struct command command_system_check = {
	.names = NAMES("system check"),
	.synopsis = "[OPTIONS]",
	.summary = "Check that state, kernel and disk agree",
	.text = "Prints one line for each problem; the exit code is 1 if there is any that was not "
		"repaired.",
	.options = OPTIONS(options),
	.values_size = sizeof(struct check_values),
	.run = check_run,
};

const struct command command_system_reap = {
	.names = NAMES("system reap"),
	.synopsis = "[CONTAINER]",
	.summary = "Note how containers ended, and clean up after them",
	.args_max = 1,
	.flags = COMMAND_HIDDEN,
	.run = reap_run,
};
