/* SPDX-License-Identifier: Apache-2.0 */
/* hull help, hull man: what the command table says, for reading. Read help.h and man.h first. */
#include <errno.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/man.h"

static int unknown(const struct strv *args, struct err *e)
{
	return err_set(e, ENOENT, ERR_INVALID, "unknown help topic: %s%s%s", args->items[0],
		       args->count > 1 ? " " : "", args->count > 1 ? args->items[1] : "");
}

static int help_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	size_t used;
	if (!args->count) {
		help_program(stdout);
		return 0;
	}
	const struct command *c = commands_find(args, &used);
	const struct command_group *g = c ? NULL : commands_group_find(args->items[0]);
	if (!c && (!g || args->count > 1))
		return unknown(args, e);
	if (c)
		help_command(stdout, c);
	else
		help_group(stdout, g);
	return 0;
}

static int man_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	size_t used;
	if (!args->count) {
		man_program(stdout);
		return 0;
	}
	const struct command *c = commands_find(args, &used);
	const struct command_group *g = c ? NULL : commands_group_find(args->items[0]);
	if (!c && (!g || args->count > 1))
		return unknown(args, e);
	if (c)
		man_command(stdout, c);
	else
		man_group(stdout, g);
	return 0;
}

const struct command command_help = {
	.names = NAMES("help"),
	.synopsis = "[COMMAND]",
	.summary = "Show help for a command",
	.args_max = 2,
	.flags = COMMAND_LATE_ENGINE | COMMAND_ALONE,
	.complete = COMPLETE_COMMANDS,
	.run = help_run,
};

const struct command command_man = {
	.names = NAMES("man"),
	.synopsis = "[COMMAND]",
	.summary = "Print the manual page of hull, or of a command",
	.text = "The page is roff on the standard output: read it with `hull man run | man -l "
		"-`, or install it as hull-run.1.",
	.args_max = 2,
	.flags = COMMAND_LATE_ENGINE | COMMAND_ALONE,
	.complete = COMPLETE_COMMANDS,
	.run = man_run,
};
