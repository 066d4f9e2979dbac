/* SPDX-License-Identifier: Apache-2.0 */
/* hull start: run stopped containers again; with -a or -i attached to one. Read session.h first. */
#include <errno.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/session.h"

struct start_values {
	bool attach, interactive;
	char *detach_keys;
};

/* One that runs already is no failure, as with docker. */
static int start_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	int r = container_start(&cli->engine, name, -1, e);
	return r == -EALREADY ? 0 : r;
}

/* It runs already. */
static int join(struct cli *cli, struct session *s, struct container_end *end, struct err *e)
{
	struct container *c = arena_new(&cli->arena, struct container);
	int r = container_find(s->engine, s->id, &cli->arena, c, e);
	if (r == 0)
		r = session_joinable(c, e);
	return r < 0 ? r : session_join(c, s, end, e);
}

static int start_attached(struct cli *cli, const struct start_values *v, const char *name,
			  struct err *e)
{
	struct engine *en = &cli->engine;
	struct container *c = arena_new(&cli->arena, struct container);
	struct container_end end;
	bool detached;
	int r = container_find(en, name, &cli->arena, c, e);
	if (r < 0)
		return r;
	const struct docker_config *config = &c->config.config;
	bool with_stdin = v->interactive && config->open_stdin;
	r = session_check_tty(config->tty, with_stdin, e);
	if (r < 0)
		return r;
	const struct session_options o = {config->tty, with_stdin, true,
					  true,        true,       v->detach_keys};
	struct session s CLEANUP_SESSION;
	r = session_open(cli, &s, c->id, &o, e);
	if (r == 0)
		r = container_start_watched(en, c->id, s.theirs, &end, e);
	cli_warn(cli);
	if (r == -EALREADY)
		r = join(cli, &s, &end, e);
	return r < 0 ? r : session_serve(cli, &s, &end, &detached, e);
}

static int start_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct start_values *v = values;
	if (!v->attach && !v->interactive)
		return cli_each(cli, args, values);
	if (args->count > 1)
		return err_set(e, EINVAL, ERR_INVALID,
			       "you cannot start and attach multiple containers at once");
	return start_attached(cli, v, args->items[0], e);
}

#define O(member) .offset = offsetof(struct start_values, member)
static const struct option options[] = {
	{"attach", 'a', OPTION_BOOL, O(attach), .help = "Attach STDOUT/STDERR and forward signals"},
	{"checkpoint", 0, OPTION_REFUSED, .help = "hull has no checkpoints yet"},
	{"checkpoint-dir", 0, OPTION_REFUSED, .help = "hull has no checkpoints yet"},
	{"detach-keys", 0, OPTION_STR, O(detach_keys),
	 .help = "Override the key sequence for detaching a container"},
	{"interactive", 'i', OPTION_BOOL, O(interactive), .help = "Attach container's STDIN"},
};

const struct command command_start = {
	.names = NAMES("start", "container start"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Start one or more stopped containers",
	.options = OPTIONS_FOR(struct start_values, options),
	.args = {1, ANY_NUMBER},
	.flags = COMMAND_ENTERS,
	.complete = COMPLETE_CONTAINERS,
	.run = start_run,
	.each = start_one,
};
