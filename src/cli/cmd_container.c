/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands on containers that are one call of the engine each: kill, pause, rename, rm,
 * unpause, wait.
 */
#include <errno.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource_option.h"
#include "engine/network.h"

#define CONTAINERS .args = {1, ANY_NUMBER}, .complete = COMPLETE_CONTAINERS

/* --- kill: one signal to the first process --- */

struct kill_values {
	char *signal;
};

static int kill_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct kill_values *v = values;
	int number = option_signal(v->signal, e);
	return number < 0 ? number : container_kill(&cli->engine, name, number, e);
}

static const struct option kill_options[] = {
	{"signal", 's', OPTION_STR, .offset = offsetof(struct kill_values, signal),
	 .initial = "KILL", .help = "Signal to send to the container"},
};

const struct command command_kill = {
	.names = NAMES("kill", "container kill"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Kill one or more running containers",
	.options = OPTIONS_FOR(struct kill_values, kill_options),
	CONTAINERS,
	.each = kill_one,
};

/* --- pause, unpause: freeze all processes, and let them go on --- */

static int pause_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	return container_pause(&cli->engine, name, e);
}

static int unpause_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	return container_unpause(&cli->engine, name, e);
}

const struct command command_pause = {
	.names = NAMES("pause", "container pause"),
	.synopsis = "CONTAINER [CONTAINER...]",
	.summary = "Pause all processes within one or more containers",
	CONTAINERS,
	.each = pause_one,
};

const struct command command_unpause = {
	.names = NAMES("unpause", "container unpause"),
	.synopsis = "CONTAINER [CONTAINER...]",
	.summary = "Unpause all processes within one or more containers",
	CONTAINERS,
	.each = unpause_one,
};

/* --- rename --- */

static int rename_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	if (!*args->items[0] || !*args->items[1])
		return err_set(e, EINVAL, ERR_INVALID, "Neither old nor new names may be empty");
	return container_rename(&cli->engine, args->items[0], args->items[1], e);
}

const struct command command_rename = {
	.names = NAMES("rename", "container rename"),
	.synopsis = "CONTAINER NEW_NAME",
	.summary = "Rename a container",
	.args = {2, 2},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = rename_run,
};

/* --- rm --- */

struct rm_values {
	bool force, link, volumes;
};

static int rm_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct rm_values *v = values;
	if (!*name)
		return err_set(e, EINVAL, ERR_INVALID, "Container name cannot be empty");
	int r = v->link ? network_unlink(&cli->engine, name, e)
			: container_remove(&cli->engine, name,
					   (v->force ? REMOVE_FORCE : 0) |
						   (v->volumes ? REMOVE_VOLUMES : 0),
					   e);
	return v->force ? cli_missing_is_fine(cli, r, e) : r;
}

#define O(member) .offset = offsetof(struct rm_values, member)
static const struct option rm_options[] = {
	{"force", 'f', OPTION_BOOL, O(force),
	 .help = "Force the removal of a running container (uses SIGKILL)"},
	{"link", 'l', OPTION_BOOL, O(link), .help = "Remove the specified link (CONTAINER/ALIAS)"},
	{"volumes", 'v', OPTION_BOOL, O(volumes),
	 .help = "Remove anonymous volumes associated with the container"},
};

const struct command command_rm = {
	.names = NAMES("rm", "container rm", "container remove"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Remove one or more containers",
	.options = OPTIONS_FOR(struct rm_values, rm_options),
	CONTAINERS,
	.each = rm_one,
};

/* --- wait: print the exit code, once it has ended --- */

static int wait_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	int code, r = container_wait(&cli->engine, name, WAIT_NOT_RUNNING, 0, &code, e);
	if (r < 0)
		return r;
	printf("%d\n", code);
	return 1;
}

const struct command command_wait = {
	.names = NAMES("wait", "container wait"),
	.synopsis = "CONTAINER [CONTAINER...]",
	.summary = "Block until one or more containers stop, then print their exit codes",
	CONTAINERS,
	.each = wait_one,
};
