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

/* How each of the three is shown. */
struct pages {
	void (*program)(FILE *out);
	void (*group)(FILE *out, const struct command_group *g);
	void (*command)(FILE *out, const struct command *c);
};

static int show(const struct pages *p, const struct strv *args, struct err *e)
{
	size_t used;
	const struct command *c = args->count ? commands_find(args, &used) : NULL;
	const struct command_group *g =
		c || !args->count ? NULL : commands_group_find(args->items[0]);
	if (!args->count)
		p->program(stdout);
	else if (c)
		p->command(stdout, c);
	else if (g && args->count == 1)
		p->group(stdout, g);
	else
		return unknown(args, e);
	return 0;
}

static int help_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return show(&(struct pages){help_program, help_group, help_command}, args, e);
}

static int man_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return show(&(struct pages){man_program, man_group, man_command}, args, e);
}

const struct command command_help = {
	.names = NAMES("help"),
	.synopsis = "[COMMAND]",
	.summary = "Show help for a command",
	.args = {0, 2},
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
	.args = {0, 2},
	.flags = COMMAND_LATE_ENGINE | COMMAND_ALONE,
	.complete = COMPLETE_COMMANDS,
	.run = man_run,
};
