/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the client's loop and the engine: a socket pair whose other end the monitor serves,
 * signals by container_kill, window sizes by the monitor's control socket. Read session.h and
 * client.h first.
 */
#include "cli/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/event.h"
#include "engine/monitor.h"
#include "linux/signals.h"

enum { JOIN_TRIES = 250, JOIN_AGAIN_MS = 20 };

/* Once: whoever wants it to end should not have to guess why it does not. */
static void tell_dropped(struct session *s, int signal)
{
	char name[SIGNAL_NAME_SIZE];
	if (s->told || (signal != SIGINT && signal != SIGTERM) ||
	    !container_drops_signal(s->engine, s->id, signal))
		return;
	s->told = true;
	cli_notice("%.12s: PID 1 has no handler for %s and will not end on it (use --init, or trap "
		   "the signal); the third one ends this client alone",
		   s->id, signal_name(signal, name));
}

static void forward_signal(void *ctx, int signal)
{
	struct session *s = ctx;
	tell_dropped(s, signal);
	container_kill(s->engine, s->id, signal, ERR_IGNORED);
}

static void forward_size(void *ctx, unsigned rows, unsigned cols)
{
	struct session *s = ctx;
	struct err ignored;
	if (s->monitor < 0)
		s->monitor = monitor_connect(s->engine->run_fd, s->id);
	char height[12], width[12];
	if (s->monitor >= 0 && monitor_resize(s->monitor, rows, cols, &ignored) < 0)
		fd_drop(&s->monitor); /* a new monitor may be there the next time */
	snprintf(height, sizeof(height), "%u", rows);
	snprintf(width, sizeof(width), "%u", cols);
	event_container(&s->engine->db, &ignored, s->id, "resize", "height", height, "width", width,
			NULL);
}

int session_check_tty(bool tty, bool with_stdin, struct err *e)
{
	if (!tty || !with_stdin || isatty(STDIN_FILENO))
		return 0;
	err_set(e, ENOTTY, ERR_INVALID, "the input device is not a TTY");
	return err_hint(e, "leave out -t where the input comes from a pipe or a file");
}

static int make_stream(struct session *s, struct err *e)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "cannot make a socket");
	s->client.stream = pair[0];
	s->theirs = pair[1];
	return 0;
}

int session_open(struct cli *cli, struct session *s, const char *id,
		 const struct session_options *o, struct err *e)
{
	*s = (struct session){.id = id, .monitor = -1, .theirs = -1};
	s->client = (struct client){
		.stream = -1,
		.raw = o->tty,
		.is_socket = true,
		.with_stdin = o->with_stdin,
		.with_stdout = o->with_stdout || o->tty,
		.with_stderr = o->with_stderr,
		.proxy = o->sig_proxy && !o->tty,
		.watch = -1,
		.on_signal = o->sig_proxy ? forward_signal : NULL,
		.on_resize = forward_size,
		.ctx = s,
	};
	const char *keys = o->detach_keys ? o->detach_keys : cli->settings.detach_keys;
	int r = detach_keys_parse(keys && *keys ? keys : DETACH_KEYS_DEFAULT, &s->client.detach, e);
	if (r == 0)
		r = cli_engine(cli, &s->engine, e);
	if (r < 0)
		return r;
	return make_stream(s, e);
}

void session_close(struct session *s)
{
	fd_drop(&s->client.stream);
	fd_drop(&s->theirs);
	fd_drop(&s->monitor);
}

static int stopped(struct err *e)
{
	return err_set(e, ESRCH, ERR_CONFLICT,
		       "You cannot attach to a stopped container, start it first");
}

int session_joinable(const struct container *c, struct err *e)
{
	if (c->status == CONTAINER_PAUSED)
		return err_set(e, EBUSY, ERR_CONFLICT,
			       "You cannot attach to a paused container, unpause it first");
	return c->pid ? 0 : stopped(e);
}

/* Two connections: one is asked for the end before the stream begins, so that the answer cannot be
 * missed; the other hands our stream over. */
int session_join(const struct container *c, struct session *s, struct container_end *end,
		 struct err *e)
{
	unsigned flags = ATTACH_STDOUT | ATTACH_STDERR;
	CLEANUP_FD int monitor = container_monitor(s->engine, c, e);
	if (monitor < 0)
		return monitor;
	*end = (struct container_end){.monitor = container_monitor(s->engine, c, e)};
	memcpy(end->id, c->id, sizeof(end->id));
	if (end->monitor < 0)
		return end->monitor;
	int r = monitor_wait_begin(end->monitor, 0, e);
	if (r == 0)
		r = monitor_attach(monitor, s->theirs,
				   flags | (s->client.with_stdin ? ATTACH_STDIN : 0), e);
	if (r < 0)
		fd_drop(&end->monitor);
	return r == -ESRCH ? stopped(e) : r; /* it has ended just now */
}

/* The stream has ended: with the container, whose end was told before that (monitor/exit.c), or
 * with the monitor alone. The next one takes the question over if the first had not yet heard it:
 * there is no answer then, and no end of the connection. */
static bool monitor_lost(const struct container_end *end)
{
	char first;
	return end->cut ||
	       (end->monitor >= 0 && recv(end->monitor, &first, 1, MSG_PEEK | MSG_DONTWAIT) <= 0);
}

/* 1: it does not run any more. */
static int join_running(struct session *s, struct container_end *end, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	int r = container_find(s->engine, s->id, &a, &c, e);
	fd_drop(&s->client.stream);
	if (r == -ENOENT || (r == 0 && !c.pid))
		return 1;
	if (r == 0)
		r = make_stream(s, e);
	if (r == 0)
		r = session_join(&c, s, end, e);
	fd_drop(&s->theirs); /* else the stream would never end */
	return r;
}

/* Its keeper, or else container_monitor(), sees to a new monitor: go on with that one. It may die
 * as well; as long as the container runs there will be another. 1: it has ended. */
static int join_again(struct session *s, struct container_end *end, struct err *e)
{
	struct container_end again;
	fd_drop(&s->monitor);
	int r = join_running(s, &again, e);
	for (int tries = 0; r < 0 && tries < JOIN_TRIES; tries++) {
		poll(NULL, 0, JOIN_AGAIN_MS);
		r = join_running(s, &again, e);
	}
	if (r != 0)
		return r;
	fd_drop(&end->monitor);
	*end = again;
	cli_notice("%.12s: its monitor was killed, and a new one took over; what was printed in "
		   "between is in `hull logs %.12s`",
		   s->id, s->id);
	return 0;
}

static bool keeps_log(const struct session *s)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	return container_find(s->engine, s->id, &a, &c, ERR_IGNORED) == 0 && !c.auto_remove &&
	       strcmp(c.config.host.log_config.type, "none") != 0;
}

int session_serve(struct cli *cli, struct session *s, struct container_end *end, bool *ret_detached,
		  struct err *e)
{
	int signal = 0, code;
	struct err ignored;
	fd_drop(&s->theirs); /* else the stream would never end */
	int how = client_run(&s->client, &signal, e), again = 0;
	while (how == CLIENT_ENDED && monitor_lost(end) &&
	       (again = join_again(s, end, &ignored)) == 0)
		how = client_run(&s->client, &signal, e);
	if (again > 0)
		cli_notice("%.12s: its monitor was killed, and it has ended since; what it printed "
			   "in between %s",
			   s->id, keeps_log(s) ? "went to its log alone" : "is lost");
	else if (again < 0)
		cli_notice("%.12s: its monitor was killed, and none could be reached since: %s",
			   s->id, ignored.text);
	*ret_detached = how == CLIENT_DETACHED;
	if (how != CLIENT_ENDED)
		fd_drop(&end->monitor);
	switch (how) {
	case CLIENT_ENDED:
		how = container_ended(s->engine, end, &code, e);
		return how < 0 ? how : code;
	case CLIENT_DETACHED:
		event_container(&s->engine->db, &ignored, s->id, "detach", NULL);
		return 0;
	case CLIENT_SIGNALLED:
		if (signal == SIGHUP && s->client.on_signal)
			container_hang_up(s->engine, s->id, &ignored);
		return 128 + signal;
	case CLIENT_FORCED:
		return 1;
	default:
		return how;
	}
}
