/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull update. The options that were given are applied once more, to the config that each container
 * has: so what is not given stays, and 0 takes a limit away. Read limit_options.c and
 * engine/update.c next.
 */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/create_options.h"

struct update_values {
	struct container_config config; /* checks the values; then nobody looks at it */
	int64_t kernel_memory;
};

static int apply_given(struct container_config *config, void *ctx, struct arena *a, struct err *e)
{
	const struct cli *cli = ctx;
	int r = 0;
	for (size_t i = 0; r == 0 && i + 1 < cli->given.count; i += 2)
		for (size_t k = 0; r == 0 && k < limit_option_table.count; k++)
			if (!strcmp(limit_option_table.items[k].name, cli->given.items[i]))
				r = option_apply(&limit_option_table.items[k], config,
						 cli->given.items[i + 1], a, e);
	return r;
}

static int update_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	return container_update(&cli->engine, name, apply_given, cli, e);
}

static int update_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct update_values *v = values;
	if (!cli->given.count)
		return err_set(e, EINVAL, ERR_INVALID,
			       "you must provide one or more flags when using this command");
	if (v->kernel_memory)
		cli_notice("WARNING: --kernel-memory is without effect: the kernel has dropped it");
	return cli_each(cli, args, values);
}

static const struct option update_options[] = {
	{"kernel-memory", 0, OPTION_SIZE, OPTION_HIDDEN,
	 .offset = offsetof(struct update_values, kernel_memory),
	 .help = "Taken for docker's sake: without effect, the kernel has dropped it"},
};

const struct command command_update = {
	.names = NAMES("update", "container update"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Update configuration of one or more containers",
	.text = "The limits of a running container change at once, and those of the next start "
		"with them; what is not given stays as it is, and 0 (or an empty list of CPUs) "
		"takes a limit away. If one of them is refused, none is changed.\n\n"
		"A memory limit below what the container uses makes the kernel reclaim what it "
		"can, which is mostly page cache. If that is not enough, the limit is refused, "
		"with the figures.",
	.options = OPTIONS_FOR(struct update_values, update_options),
	.more = {{&limit_option_table, offsetof(struct update_values, config)}},
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_CONTAINERS,
	.run = update_run,
	.each = update_one,
};
