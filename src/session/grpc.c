/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on libnghttp2, RFC 9113; gRPC: grpc.io, "gRPC over HTTP2". Read grpc.h first. */
#include "session/grpc.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

enum { PREFIX = 5, PIECE = 64 << 10, METADATA_MAX = 1002, FIXED_HEADERS = 6 };

static struct grpc_call *call_of(nghttp2_session *h2, int32_t id)
{
	return nghttp2_session_get_stream_user_data(h2, id);
}

/* Nothing of it comes any more; who owns it may be told. */
static void detach(struct grpc *g, struct grpc_call *c)
{
	nghttp2_session_set_stream_user_data(g->h2, c->id, NULL);
	if (c->kept)
		nghttp2_session_consume(g->h2, c->id, c->kept);
	c->id = 0;
	c->kept = 0;
	strbuf_free(&c->up);
	strbuf_free(&c->down);
}

/* The owner may end with it. */
static void end_call(struct grpc *g, struct grpc_call *c)
{
	detach(g, c);
	c->ended(c);
}

static void break_off(struct grpc *g, struct grpc_call *c)
{
	nghttp2_submit_rst_stream(g->h2, NGHTTP2_FLAG_NONE, c->id, NGHTTP2_CANCEL);
	end_call(g, c);
}

/* ---- what comes ---- */

static int take_messages(struct grpc_call *c)
{
	const unsigned char *at = (const unsigned char *)c->down.buf;
	size_t left = c->down.len;
	int r = 0;
	while (r == 0 && left >= PREFIX) {
		uint32_t len = (uint32_t)at[1] << 24 | (uint32_t)at[2] << 16 |
			       (uint32_t)at[3] << 8 | at[4];
		if (at[0] || len > GRPC_MESSAGE_MAX)
			return err_set(&c->err, EPROTO, ERR_INVALID,
				       "the client sends a message that is compressed or too long");
		if (left - PREFIX < len)
			break;
		r = c->message(c, at + PREFIX, len, &c->err);
		at += PREFIX + len;
		left -= PREFIX + len;
	}
	if (left)
		memmove(c->down.buf, at, left);
	c->down.len = left;
	return r;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
		   void *ctx)
{
	struct grpc *g = ctx;
	struct grpc_call *c = call_of(h2, id);
	if (!c) {
		nghttp2_session_consume(h2, id, len);
		return 0;
	}
	strbuf_add(&c->down, data, len);
	c->kept += len;
	int r = strbuf_ok(&c->down) ? take_messages(c)
				    : err_set(&c->err, EPROTO, ERR_INVALID,
					      "the client sends more than it may");
	if (!c->keeps)
		grpc_taken(g, c);
	if (r < 0)
		break_off(g, c);
	return 0;
}

/* grpc-message is percent-encoded. */
static void decode(char *text)
{
	char *to = text;
	for (const char *from = text; *from; from++) {
		char hex[3] = {from[1], from[1] ? from[2] : 0}, *end;
		long value = *from == '%' ? strtol(hex, &end, 16) : 0;
		bool coded = *from == '%' && hex[1] && end == hex + 2;
		*to++ = (char)(coded ? value : *from);
		from += coded ? 2 : 0;
	}
	*to = '\0';
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *ctx)
{
	struct grpc_call *c = call_of(h2, frame->hd.stream_id);
	if (c && name_len == 11 && !memcmp(name, "grpc-status", 11))
		snprintf(c->status, sizeof(c->status), "%.*s", (int)(len < 15 ? len : 15), value);
	if (c && name_len == 12 && !memcmp(name, "grpc-message", 12))
		snprintf(c->text, sizeof(c->text), "%.*s", (int)(len < 399 ? len : 399), value);
	return 0;
}

static void judge(struct grpc_call *c, uint32_t code)
{
	unsigned long status = strtoul(c->status, NULL, 10);
	decode(c->text);
	if (c->err.number)
		return;
	if (!*c->status)
		err_set(&c->err, ECONNRESET, ERR_INVALID, "the client broke off (HTTP/2 error %u)",
			code);
	else if (status == GRPC_NOT_FOUND || status == GRPC_UNIMPLEMENTED)
		err_set(&c->err, ENOENT, ERR_NOT_FOUND, "the client has no such thing: %s",
			c->text);
	else if (status)
		err_set(&c->err, EIO, ERR_INVALID, "the client says: %s",
			*c->text ? c->text : c->status);
}

/* The status is the end, whether or not we had something to say. */
static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *ctx)
{
	struct grpc_call *c = call_of(h2, frame->hd.stream_id);
	bool ends = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
	if (!c || !ends || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	judge(c, NGHTTP2_NO_ERROR);
	break_off(ctx, c);
	return 0;
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t code, void *ctx)
{
	struct grpc_call *c = call_of(h2, id);
	if (!c)
		return 0;
	judge(c, code);
	end_call(ctx, c);
	return 0;
}

/* ---- what goes ---- */

static ssize_t give(nghttp2_session *h2, int32_t id, uint8_t *buf, size_t size, uint32_t *flags,
		    nghttp2_data_source *source, void *ctx)
{
	struct grpc_call *c = call_of(h2, id);
	if (!c)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	size_t n = c->up.len - c->up_at;
	if (!n && !c->up_ended)
		return NGHTTP2_ERR_DEFERRED;
	n = n < size ? n : size;
	if (n)
		memcpy(buf, c->up.buf + c->up_at, n);
	c->up_at += n;
	if (c->up_at == c->up.len) {
		c->up.len = c->up_at = 0;
		*flags |= c->up_ended ? NGHTTP2_DATA_FLAG_EOF : 0;
	}
	return (ssize_t)n;
}

/* More is sent than nghttp2 has ready: what the socket does not take is kept. */
static int write_out(struct grpc *g, struct err *e)
{
	for (;;) {
		const uint8_t *data;
		if (g->sent == g->out.len) {
			ssize_t n = nghttp2_session_mem_send(g->h2, &data);
			g->sent = g->out.len = 0;
			if (n <= 0)
				return n < 0 ? err_set(e, EPROTO, ERR_INTERNAL, "HTTP/2: %s",
						       nghttp2_strerror((int)n))
					     : 1;
			strbuf_add(&g->out, data, (size_t)n);
		}
		ssize_t n = send(g->fd, g->out.buf + g->sent, g->out.len - g->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 1 : 0;
		g->sent += (size_t)n;
	}
}

static int read_in(struct grpc *g, struct err *e)
{
	static uint8_t piece[PIECE];
	ssize_t n = recv(g->fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	n = nghttp2_session_mem_recv(g->h2, piece, (size_t)n);
	return n < 0 ? err_set(e, EPROTO, ERR_INVALID, "the client does not speak HTTP/2: %s",
			       nghttp2_strerror((int)n))
		     : 1;
}

int grpc_work(struct grpc *g, short events, struct err *e)
{
	int r = events ? read_in(g, e) : 1;
	if (r == 1)
		r = write_out(g, e);
	if (r == 1 && !nghttp2_session_want_read(g->h2) && !nghttp2_session_want_write(g->h2))
		return 0;
	return r;
}

short grpc_events(const struct grpc *g)
{
	return (short)(POLLIN | (g->sent < g->out.len ? POLLOUT : 0));
}

/* ---- calls ---- */

static nghttp2_nv pair(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value),
			    NGHTTP2_NV_FLAG_NONE};
}

int grpc_call(struct grpc *g, struct grpc_call *c, const char *path,
	      const char *const (*metadata)[2], size_t count, struct err *e)
{
	const nghttp2_data_provider body = {.read_callback = give};
	nghttp2_nv all[FIXED_HEADERS + METADATA_MAX] = {
		pair(":method", "POST"), pair(":scheme", "http"),
		pair(":path", path),     pair(":authority", "localhost"),
		pair("te", "trailers"),  pair("content-type", "application/grpc")};
	if (count > METADATA_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "%s: more is asked for than can be", path);
	for (size_t i = 0; i < count; i++)
		all[FIXED_HEADERS + i] = pair(metadata[i][0], metadata[i][1]);
	c->up = (struct strbuf)STRBUF_MAX(GRPC_UP_MAX);
	c->down = (struct strbuf)STRBUF_MAX(GRPC_MESSAGE_MAX + PREFIX + 2 * GRPC_WINDOW);
	c->id = nghttp2_submit_request(g->h2, NULL, all, FIXED_HEADERS + count, &body, c);
	if (c->id > 0)
		return 0;
	err_set(e, EPROTO, ERR_INVALID, "%s: HTTP/2: %s", path, nghttp2_strerror(c->id));
	c->id = 0;
	return -e->number;
}

void grpc_send(struct grpc *g, struct grpc_call *c, const void *message, size_t len)
{
	const unsigned char prefix[PREFIX] = {0, (unsigned char)(len >> 24),
					      (unsigned char)(len >> 16), (unsigned char)(len >> 8),
					      (unsigned char)len};
	strbuf_add(&c->up, prefix, sizeof(prefix));
	strbuf_add(&c->up, message, len);
	nghttp2_session_resume_data(g->h2, c->id);
}

void grpc_send_end(struct grpc *g, struct grpc_call *c)
{
	c->up_ended = true;
	nghttp2_session_resume_data(g->h2, c->id);
}

void grpc_taken(struct grpc *g, struct grpc_call *c)
{
	nghttp2_session_consume(g->h2, c->id, c->kept);
	c->kept = 0;
}

void grpc_cancel(struct grpc *g, struct grpc_call *c)
{
	if (!c->id)
		return;
	nghttp2_submit_rst_stream(g->h2, NGHTTP2_FLAG_NONE, c->id, NGHTTP2_CANCEL);
	detach(g, c);
}

int grpc_open(struct grpc *g, int fd, struct err *e)
{
	const nghttp2_settings_entry settings[] = {
		{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, GRPC_WINDOW},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 16 << 10}};
	nghttp2_session_callbacks *on = NULL;
	nghttp2_option *option = NULL;
	*g = (struct grpc){.fd = fd, .out = STRBUF_MAX(1 << 20)};
	bool good = nghttp2_session_callbacks_new(&on) == 0 && nghttp2_option_new(&option) == 0;
	if (good) {
		nghttp2_session_callbacks_set_on_data_chunk_recv_callback(on, on_data);
		nghttp2_session_callbacks_set_on_header_callback(on, on_header);
		nghttp2_session_callbacks_set_on_frame_recv_callback(on, on_frame);
		nghttp2_session_callbacks_set_on_stream_close_callback(on, on_close);
		nghttp2_option_set_no_auto_window_update(option, 1);
		good = nghttp2_session_client_new2(&g->h2, on, g, option) == 0 &&
		       nghttp2_submit_settings(g->h2, NGHTTP2_FLAG_NONE, settings,
					       ARRAY_LEN(settings)) == 0 &&
		       nghttp2_session_set_local_window_size(g->h2, NGHTTP2_FLAG_NONE, 0,
							     8 * GRPC_WINDOW) == 0;
	}
	nghttp2_session_callbacks_del(on);
	nghttp2_option_del(option);
	return good ? 0 : err_errno(e, ENOMEM, "cannot speak HTTP/2");
}

void grpc_close(struct grpc *g)
{
	nghttp2_session_del(g->h2);
	strbuf_free(&g->out);
}
