/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands on containers that are one call of the engine each: kill, pause, rename, rm, top,
 * unpause, wait.
 */
#include <errno.h>

#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource_option.h"
#include "cli/table.h"
#include "cli/text.h"

#define CONTAINERS .args_min = 1, .args_max = ANY_NUMBER, .complete = COMPLETE_CONTAINERS

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
	.options = OPTIONS(kill_options),
	.values_size = sizeof(struct kill_values),
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
	.args_min = 2,
	.args_max = 2,
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = rename_run,
};

/* --- rm --- */

struct rm_values {
	bool force, volumes;
};

static int rm_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct rm_values *v = values;
	if (!*name)
		return err_set(e, EINVAL, ERR_INVALID, "Container name cannot be empty");
	int r = container_remove(&cli->engine, name,
				 (v->force ? REMOVE_FORCE : 0) | (v->volumes ? REMOVE_VOLUMES : 0),
				 e);
	return v->force ? cli_missing_is_fine(cli, r, e) : r;
}

#define O(member) .offset = offsetof(struct rm_values, member)
static const struct option rm_options[] = {
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
	.options = OPTIONS(rm_options),
	.values_size = sizeof(struct rm_values),
	CONTAINERS,
	.each = rm_one,
};

/* --- top: the processes as the host sees them --- */

enum { TOP_OUTPUT_MAX = 16 * 1024 * 1024, TOP_COLUMN_MIN = 20 };

struct top_values {
	bool inside;
};

static int top_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct top_values *v = values;
	struct top_table t;
	struct strv ps_args = {args->items + 1, args->count - 1, 0};
	struct strbuf text CLEANUP_STRBUF = STRBUF_MAX(TOP_OUTPUT_MAX);
	int r = container_top(&cli->engine, args->items[0], &ps_args, v->inside, &cli->arena, &t,
			      e);
	if (r < 0)
		return r;
	strbuf_printf(&text, "%s\n", text_join(&cli->arena, &t.titles, "\t"));
	for (size_t i = 0; i < t.row_count; i++)
		strbuf_printf(&text, "%s\n", text_join(&cli->arena, &t.rows[i], "\t"));
	return table_print(stdout, strbuf_text(&text), text.len, TOP_COLUMN_MIN, e);
}

static const struct option top_options[] = {
	{"inside", 0, OPTION_BOOL, .offset = offsetof(struct top_values, inside),
	 .help = "Show first what each process is called in the container"},
};

const struct command command_top = {
	.names = NAMES("top", "container top"),
	.synopsis = "[OPTIONS] CONTAINER [ps OPTIONS]",
	.summary = "Display the running processes of a container",
	.text = "ps of this machine prints them, so a PID is this machine's.",
	.options = OPTIONS(top_options),
	.values_size = sizeof(struct top_values),
	.args_min = 1,
	.args_max = ANY_NUMBER,
	.flags = COMMAND_STOP_AT_ARGUMENT,
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = top_run,
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
