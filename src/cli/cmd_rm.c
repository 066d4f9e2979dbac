/* SPDX-License-Identifier: Apache-2.0 */
/* hull rm */
#include <errno.h>

#include "cli/cli.h"
#include "cli/commands.h"

struct rm_values {
	bool force, volumes;
};

static int rm_one(struct cli *cli, const char *name, void *ctx, struct err *e)
{
	const struct rm_values *v = ctx;
	struct engine *en;
	if (!*name)
		return err_set(e, EINVAL, ERR_INVALID, "Container name cannot be empty");
	int r = cli_engine(cli, &en, e);
	if (r == 0)
		r = container_remove(
			en, name, (v->force ? REMOVE_FORCE : 0) | (v->volumes ? REMOVE_VOLUMES : 0),
			e);
	if (r == -ENOENT && v->force && e->kind == ERR_NOT_FOUND) {
		cli_complain(cli, e); /* told, but what was wanted is the case */
		return 0;
	}
	if (r == 0)
		puts(name);
	return r;
}

static int rm_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	(void)e;
	return cli_each(cli, args, rm_one, values);
}

#define O(member) .offset = offsetof(struct rm_values, member)
static const struct option options[] = {
	{"force", 'f', OPTION_BOOL, O(force),
	 .help = "Force the removal of a running container (uses SIGKILL)"},
	{"link", 'l', OPTION_REFUSED_FLAG, .help = "hull has no links between containers"},
	{"volumes", 'v', OPTION_BOOL, O(volumes),
	 .help = "Remove anonymous volumes associated with the container"},
};

const struct command command_rm = {
	.names = NAMES("rm", "container rm", "container remove"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Remove one or more containers",
	.options = OPTIONS(options),
	.values_size = sizeof(struct rm_values),
	.args_min = 1,
	.args_max = ANY_NUMBER,
	.complete = COMPLETE_CONTAINERS,
	.run = rm_run,
};
