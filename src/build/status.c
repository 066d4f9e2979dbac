/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a build says while it works, for the clients of BuildKit: messages StatusResponse of its
 * control API, in which a step is a Vertex, known by a digest, and its output a VertexLog. Read
 * progress.c first.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/protobuf.h"
#include "build/internal.h"

enum response { VERTEXES = 1, STATUSES = 2, LOGS = 3 };
enum vertex_field {
	V_DIGEST = 1,
	V_NAME = 3,
	V_CACHED = 4,
	V_STARTED = 5,
	V_COMPLETED = 6,
	V_ERROR = 7
};
enum status_field {
	S_ID = 1,
	S_VERTEX = 2,
	S_CURRENT = 4,
	S_TIME = 6,
	S_STARTED = 7,
	S_COMPLETED = 8
};
enum log_field { L_VERTEX = 1, L_TIME = 2, L_STREAM = 3, L_MESSAGE = 4 };
enum { MESSAGE_MAX = 64 << 10, STDOUT = 1 };

/* A response with one thing in it. */
static void tell(struct build *b, enum response what, const struct strbuf *thing)
{
	CLEANUP_STRBUF struct strbuf response = STRBUF_MAX(MESSAGE_MAX + 16);
	protobuf_put_bytes(&response, what, thing->buf, thing->len);
	if (strbuf_ok(thing) && strbuf_ok(&response))
		b->q->trace(b->q->trace_ctx, response.buf, response.len);
}

/* It only has to look like one, and be another for each vertex. */
static void put_digest(const struct build *b, struct strbuf *to, uint32_t field,
		       const struct vertex *v)
{
	char digest[8 + ID_LEN + 1];
	snprintf(digest, sizeof(digest), "sha256:%.48s%016zx", b->trace_id, v->number);
	protobuf_put_text(to, field, digest);
}

static void put_vertex(struct build *b, const struct vertex *v, int64_t end, bool cached,
		       const char *error)
{
	CLEANUP_STRBUF struct strbuf m = STRBUF_MAX(MESSAGE_MAX);
	put_digest(b, &m, V_DIGEST, v);
	protobuf_put_text(&m, V_NAME, v->name);
	protobuf_put(&m, V_CACHED, cached);
	protobuf_put_time(&m, V_STARTED, v->start);
	if (end)
		protobuf_put_time(&m, V_COMPLETED, end);
	if (error)
		protobuf_put_text(&m, V_ERROR, error);
	tell(b, VERTEXES, &m);
}

void status_begin(struct build *b, struct vertex *v)
{
	if (!b->q->trace)
		return;
	if (!v->number)
		v->number = ++b->vertex;
	v->start = clock_real_ns();
	put_vertex(b, v, 0, false, NULL);
}

void status_output(struct build *b, const struct vertex *v, const char *data, size_t len)
{
	CLEANUP_STRBUF struct strbuf m = STRBUF_MAX(MESSAGE_MAX);
	put_digest(b, &m, L_VERTEX, v);
	protobuf_put_time(&m, L_TIME, clock_real_ns());
	protobuf_put(&m, L_STREAM, STDOUT);
	protobuf_put_bytes(&m, L_MESSAGE, data, len);
	tell(b, LOGS, &m);
}

void status_end(struct build *b, struct vertex *v, const char *how, const struct err *e)
{
	const char *error = NULL;
	if (!b->q->trace)
		return;
	if (how && !strcmp(how, "CANCELED"))
		error = "context canceled"; /* by this the client knows it */
	else if (how && !strcmp(how, "ERROR"))
		error = e && e->number != EINTR ? e->text : "context canceled";
	put_vertex(b, v, clock_real_ns(), how && !strcmp(how, "CACHED"), error);
}

void status_note(struct build *b, const char *text)
{
	struct vertex v = {.name = (char *)text};
	status_begin(b, &v);
	status_end(b, &v, NULL, NULL);
}

void status_done(struct build *b, const struct vertex *v, const char *text, int64_t bytes)
{
	CLEANUP_STRBUF struct strbuf m = STRBUF_MAX(MESSAGE_MAX);
	if (!b->q->trace)
		return;
	protobuf_put_text(&m, S_ID, text);
	put_digest(b, &m, S_VERTEX, v);
	protobuf_put(&m, S_CURRENT, (uint64_t)bytes);
	for (uint32_t field = S_TIME; field <= S_COMPLETED; field++)
		protobuf_put_time(&m, field, clock_real_ns());
	tell(b, STATUSES, &m);
}

void status_image(struct build *b, const char *id)
{
	struct vertex v = {.name = "exporting to image"};
	status_begin(b, &v);
	status_done(b, &v, arena_printf(b->a, "writing image sha256:%s", id), 0);
	for (size_t i = 0; i < b->q->tags.count; i++)
		status_done(b, &v, arena_printf(b->a, "naming to %s", b->q->tags.items[i]), 0);
	status_end(b, &v, NULL, NULL);
}
