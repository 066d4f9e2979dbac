/* SPDX-License-Identifier: Apache-2.0 */
/* hull rename */
#include <errno.h>

#include "cli/cli.h"
#include "cli/commands.h"

static int rename_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct engine *en;
	(void)values;
	if (!*args->items[0] || !*args->items[1])
		return err_set(e, EINVAL, ERR_INVALID, "Neither old nor new names may be empty");
	int r = cli_engine(cli, &en, e);
	return r < 0 ? r : container_rename(en, args->items[0], args->items[1], e);
}

const struct command command_rename = {
	.names = NAMES("rename", "container rename"),
	.synopsis = "CONTAINER NEW_NAME",
	.summary = "Rename a container",
	.args_min = 2,
	.args_max = 2,
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = rename_run,
};
