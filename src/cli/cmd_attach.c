/* SPDX-License-Identifier: Apache-2.0 */
/* hull attach: the terminal or the output of a running container, from now on. Read session.h
 * first. */
#include <errno.h>

#include "base/event.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/session.h"

struct attach_values {
	bool no_stdin, sig_proxy;
	char *detach_keys;
};

static int serve(struct cli *cli, struct session *s, struct container_end *end, struct err *e)
{
	bool detached;
	int r = session_serve(cli, s, end, &detached, e);
	if (!detached)
		return r;
	cli_notice("read escape sequence");
	return 1;
}

static int attach_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct attach_values *v = values;
	struct engine *en = &cli->engine;
	struct container *c = arena_new(&cli->arena, struct container);
	struct container_end end;
	int r = container_find(en, args->items[0], &cli->arena, c, e);
	if (r == 0)
		r = session_joinable(c, e);
	if (r < 0)
		return r;
	const struct docker_config *config = &c->config.config;
	const struct session_options o = {config->tty,  !v->no_stdin && config->open_stdin,
					  true,         true,
					  v->sig_proxy, v->detach_keys};
	r = session_check_tty(o.tty, o.with_stdin, e);
	if (r < 0)
		return r;
	struct session s CLEANUP_SESSION;
	r = session_open(cli, &s, c->id, &o, e);
	if (r == 0)
		r = session_join(c, &s, &end, e);
	if (r < 0)
		return r;
	event_container(&en->db, ERR_IGNORED, c->id, "attach", NULL);
	return serve(cli, &s, &end, e);
}

#define O(member) .offset = offsetof(struct attach_values, member)
static const struct option options[] = {
	{"detach-keys", 0, OPTION_STR, O(detach_keys),
	 .help = "Override the key sequence for detaching a container"},
	{"no-stdin", 0, OPTION_BOOL, O(no_stdin), .help = "Do not attach STDIN"},
	{"sig-proxy", 0, OPTION_BOOL, O(sig_proxy), .initial = "true",
	 .help = "Proxy all received signals to the process"},
};

const struct command command_attach = {
	.names = NAMES("attach", "container attach"),
	.synopsis = "[OPTIONS] CONTAINER",
	.summary = "Attach local standard input, output, and error streams to a running container",
	.options = OPTIONS_FOR(struct attach_values, options),
	.args = {1, 1},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = attach_run,
};
