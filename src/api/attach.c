/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /containers/ID/attach and /resize, GET /containers/ID/attach/ws. The client's socket goes to
 * the container's monitor, which serves it from then on: no process of ours is in between. Only
 * where bytes must be looked at does one stay: for detach keys, for input that came too early. A
 * container that does not run is attached to when it starts (engine/waiting.h). Read pump.h next.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/handlers.h"
#include "api/pump.h"
#include "api/websocket.h"
#include "base/cleanup.h"
#include "base/event.h"
#include "base/fd.h"
#include "base/frames.h"
#include "engine/container_logs.h"
#include "engine/monitor.h"
#include "engine/waiting.h"

struct attach {
	struct call *call;
	struct container c;
	unsigned flags; /* enum wire_attach_flags */
	bool logs, stream, tty;
	struct detach_keys keys;
};

static int read_request(struct call *c, struct attach *a, bool websocket, struct err *e)
{
	bool all = websocket && c->minor < 42; /* as docker had it */
	const char *keys = param(c, "detachKeys");
	const struct docker_config *config;
	a->call = c;
	a->logs = param_true(c, "logs", false);
	a->stream = param_true(c, "stream", false);
	a->flags = (param_true(c, "stdin", all) ? ATTACH_STDIN : 0) |
		   (param_true(c, "stdout", all) ? ATTACH_STDOUT : 0) |
		   (param_true(c, "stderr", all) ? ATTACH_STDERR : 0);
	if (!keys)
		keys = c->settings->detach_keys;
	int r = detach_keys_parse(keys && *keys ? keys : DETACH_KEYS_DEFAULT, &a->keys, e);
	if (r == 0)
		r = container_find(c->en, c->arg, c->a, &a->c, e);
	if (r < 0)
		return r;
	config = &a->c.config.config;
	a->tty = config->tty;
	if (!config->open_stdin)
		a->flags &= ~(unsigned)ATTACH_STDIN;
	if (a->c.status == CONTAINER_PAUSED)
		return err_set(e, EBUSY, ERR_CONFLICT,
			       "container %s is paused, unpause the container before attach",
			       a->c.id);
	return 0;
}

/* Nobody has to look for detach keys, and nothing came already. */
static bool may_go_directly(const struct attach *a)
{
	const struct http *h = a->call->http;
	bool typed = a->flags & ATTACH_STDIN && a->tty;
	return !typed && h->len == h->at;
}

static void pass_on(struct attach *a, int stream)
{
	struct http *h = a->call->http;
	struct pump p = {.client = h->fd,
			 .input = a->flags & ATTACH_STDIN ? stream : -1,
			 .output = {stream, -1},
			 .shut = true,
			 .keys = a->tty ? &a->keys : NULL,
			 .process = -1,
			 .first = h->buf + h->at,
			 .first_len = h->len - h->at};
	if (pump_run(&p) == PUMP_DETACHED)
		event_container(&a->call->en->db, ERR_IGNORED, a->c.id, "detach", NULL);
}

/* @stream becomes the monitor's: now, or when it starts. 1: it has it. */
static int hand_over(struct attach *a, int stream, struct waiting *w, struct err *e)
{
	struct engine *en = a->call->en;
	if (!a->c.pid)
		return waiting_serve(w, a->call->http->fd, stream, a->flags, -1, e);
	CLEANUP_FD int monitor = container_monitor(en, &a->c, e);
	int r = monitor < 0 ? monitor : monitor_attach(monitor, stream, a->flags, e);
	if (r < 0)
		return r;
	event_container(&en->db, ERR_IGNORED, a->c.id, "attach", NULL);
	return 1;
}

static int attach_stream(struct attach *a, struct waiting *w, struct err *e)
{
	int pair[2];
	if (may_go_directly(a))
		return hand_over(a, a->call->http->fd, w, e);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "cannot make a socket");
	CLEANUP_FD int ours = pair[0];
	CLEANUP_FD int theirs = pair[1];
	int r = hand_over(a, theirs, w, e);
	fd_drop(&theirs);
	if (r == 1)
		pass_on(a, ours);
	return r;
}

static int put_record(const struct logs_record *r, void *ctx)
{
	const struct attach *a = ctx;
	unsigned char head[FRAME_HEADER];
	int to = a->call->http->fd, n = 0;
	frame_head(head, r->stream, r->len);
	if (!a->tty && !(a->flags & (r->stream == 2 ? ATTACH_STDERR : ATTACH_STDOUT)))
		return 0;
	if (!a->tty)
		n = fd_write_full(to, head, sizeof(head));
	return n < 0 ? n : fd_write_full(to, r->bytes, r->len);
}

static int answer(struct attach *a, bool websocket, struct err *e)
{
	struct http *h = a->call->http;
	if (websocket)
		return websocket_open(h, !a->tty, a->call->minor < 28, e);
	http_hijack(h, a->tty || a->call->minor < 42 ? "application/vnd.docker.raw-stream"
						     : "application/vnd.docker.multiplexed-stream");
	return 0;
}

static int attach(struct call *c, bool websocket, struct err *e)
{
	struct attach *a = arena_new(c->a, struct attach);
	CLEANUP_WAITING struct waiting w = {-1, -1, ""};
	const struct logs_query all = {.tail = -1};
	char *ignored;
	size_t len;
	int r = websocket ? websocket_check(c->q, e) : 0;
	if (r == 0)
		r = read_request(c, a, websocket, e);
	/* Some clients say it once more there; it is no input. */
	if (r == 0)
		r = http_read_all(c->http, c->a, &ignored, &len, e);
	/* Before the answer: the client may start the container as soon as it has that. */
	if (r == 0 && a->stream && !a->c.pid)
		r = waiting_open(c->en, a->c.id, &w, e);
	/* It was started, or removed, just before we could wait for that. */
	if (r == 0 && w.socket >= 0)
		r = container_find(c->en, a->c.id, c->a, &a->c, e);
	if (r == 0)
		r = answer(a, websocket, e);
	if (r < 0)
		return r;
	if (a->logs)
		container_logs(c->en, &a->c, &all, put_record, a, NULL, e);
	return a->stream ? attach_stream(a, &w, e) : 0;
}

int container_attach(struct call *c, struct err *e)
{
	return attach(c, false, e);
}

int container_attach_ws(struct call *c, struct err *e)
{
	return attach(c, true, e);
}

int container_resize(struct call *c, struct err *e)
{
	int64_t rows = 0, cols = 0;
	struct container *found = arena_new(c->a, struct container);
	int r = param_int(c, "h", &rows, e);
	if (r == 0)
		r = param_int(c, "w", &cols, e);
	if (r == 0)
		r = container_find(c->en, c->arg, c->a, found, e);
	if (r < 0)
		return r;
	CLEANUP_FD int monitor = container_monitor(c->en, found, e);
	r = monitor < 0 ? monitor : monitor_resize(monitor, (unsigned)rows, (unsigned)cols, e);
	/* As docker: whoever has no terminal has no wrong size either. */
	if (r < 0 && r != -ENOTTY)
		return r;
	event_container(&c->en->db, e, found->id, "resize", "height", param(c, "h"), "width",
			param(c, "w"), NULL);
	return answer_nothing(c, 200);
}
