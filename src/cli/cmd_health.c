/* SPDX-License-Identifier: Apache-2.0 */
/* hull healthcheck run, and what does the health checks behind our back. Read engine/health.h
 * first.
 */
#include <fcntl.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/commands.h"

static int run_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	int r = container_health_probe(&cli->engine, args->items[0], true, e);
	if (r > 0)
		puts("unhealthy");
	return r;
}

/* The keeper is spared by the out-of-memory killer, and so would be what it starts. */
static int probe_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	file_write_small(AT_FDCWD, "/proc/self/oom_score_adj", "0");
	return container_health_probe(&cli->engine, args->items[0], false, e);
}

static int follow_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return container_health_follow(&cli->engine, args->items[0], e);
}

const struct command command_healthcheck_run = {
	.names = NAMES("healthcheck run"),
	.synopsis = "CONTAINER",
	.summary = "Run the health check of a container, once and now",
	.text = "The result counts as any other. The exit code is 0 if it was healthy, else 1.",
	.args = {1, 1},
	.flags = COMMAND_ENTERS,
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = run_run,
};

const struct command command_system_probe = {
	.names = NAMES("system probe"),
	.synopsis = "CONTAINER",
	.summary = "Run the health check of a container, if it is time",
	.args = {1, 1},
	.flags = COMMAND_HIDDEN | COMMAND_ENTERS,
	.run = probe_run,
};

const struct command command_system_health = {
	.names = NAMES("system health"),
	.synopsis = "CONTAINER",
	.summary = "Run the health checks of a container whose keeper was killed",
	.args = {1, 1},
	.flags = COMMAND_HIDDEN | COMMAND_ENTERS,
	.run = follow_run,
};
