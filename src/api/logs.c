/* SPDX-License-Identifier: Apache-2.0 */
/* GET /containers/ID/logs: in docker's frames, or raw of a terminal. Read api.h first. */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "base/clock.h"
#include "base/frames.h"
#include "base/time_option.h"
#include "base/units.h"
#include "engine/container_logs.h"

enum { GATHER = 32 * 1024, RECORD_MAX = 64 << 20 };

struct stream {
	struct call *call;
	bool tty, timestamps, details, follow;
	struct strbuf out; /* not sent yet */
};

static void flush(struct stream *s)
{
	http_write(s->call->http, s->out.buf, s->out.len);
	s->out.len = 0;
}

static int put_record(const struct logs_record *r, void *ctx)
{
	struct stream *s = ctx;
	CLEANUP_STRBUF struct strbuf prefix = STRBUF_MAX(RECORD_MAX);
	unsigned char head[FRAME_HEADER];
	logs_record_prefix(r, s->timestamps, s->details, &prefix);
	frame_head(head, r->stream, prefix.len + r->len);
	if (!s->tty)
		strbuf_add(&s->out, head, sizeof(head));
	strbuf_add(&s->out, strbuf_text(&prefix), prefix.len);
	strbuf_add(&s->out, r->bytes, r->len);
	if (!strbuf_ok(&s->out))
		return -EFBIG;
	if (s->follow || s->out.len >= GATHER)
		flush(s);
	return 0;
}

static int read_query(const struct call *c, struct logs_query *q, struct err *e)
{
	const char *since = param(c, "since"), *until = param(c, "until");
	const char *tail = param(c, "tail");
	uint64_t lines;
	int64_t now = clock_real_ns();
	int r = 0;
	/* docker takes anything that is no number for "all". */
	q->tail = tail && uint_parse(tail, INT64_MAX, &lines) == 0 ? (int64_t)lines : -1;
	q->follow = param_true(c, "follow", false);
	q->no_stdout = !param_true(c, "stdout", false);
	q->no_stderr = !param_true(c, "stderr", false);
	if (q->no_stdout && q->no_stderr)
		return err_set(e, EINVAL, ERR_INVALID,
			       "Bad parameters: you must choose at least one stream");
	if (since && strcmp(since, "0"))
		r = time_option_parse(since, now, &q->since, e);
	if (r == 0 && until && strcmp(until, "0"))
		r = time_option_parse(until, now, &q->until, e);
	return r;
}

int container_show_logs(struct call *c, struct err *e)
{
	struct container *found = arena_new(c->a, struct container);
	struct logs_query q = {0};
	struct stream s = {.call = c, .out = STRBUF_MAX(RECORD_MAX)};
	s.details = param_true(c, "details", false); /* --log-opt env is among them */
	int r = s.details ? refuse_looker(c, "details", e) : 0;
	if (r == 0)
		r = read_query(c, &q, e);
	if (r == 0)
		r = container_find(c->en, c->arg, c->a, found, e);
	if (r == 0)
		r = container_logs_readable(found, e);
	if (r < 0)
		return r;
	s.tty = found->config.config.tty;
	s.timestamps = param_true(c, "timestamps", false);
	s.follow = q.follow;
	http_begin(c->http, 200,
		   s.tty || c->minor < 42 ? "application/vnd.docker.raw-stream"
					  : "application/vnd.docker.multiplexed-stream",
		   "");
	http_end_with_client(c->http);
	r = container_logs(c->en, found, &q, put_record, &s, NULL, e);
	flush(&s);
	strbuf_free(&s.out);
	if (r == 0)
		http_end(c->http);
	return r;
}
