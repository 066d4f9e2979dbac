/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handshake, and the loop of the process between client and stream: what can be moved is moved,
 * then poll(2). One piece is held of each direction, so who does not read is not read from. The end
 * of either ends the other: a WebSocket is not half-closed. Section numbers are those of RFC 6455.
 * Read websocket.h first.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* see image/digest.c */
#include "api/websocket.h"

#include <errno.h>
#include <openssl/sha.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/ws_frame.h"
#include "base/base64.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/frames.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* 1.3 */
enum { KEY_LEN = 24, PIECE = 32 * 1024, CLIENT_FD = 3, STREAM_FD = 4, FAREWELL_MS = 2000 };
enum { PROTOCOL_MAX = 1024 };

/* ---- the handshake, 4.2 ---- */

static bool is(const struct http_request *q, const char *name, const char *value)
{
	const char *given = http_header(q, name);
	return given && !strcasecmp(given, value);
}

int websocket_check(const struct http_request *q, struct err *e)
{
	const char *key = http_header(q, "sec-websocket-key"),
		   *protocol = http_header(q, "sec-websocket-protocol");
	/* It comes back in the answer, whose room is limited. */
	if (protocol && strlen(protocol) > PROTOCOL_MAX)
		return err_set(e, EINVAL, ERR_INVALID,
			       "bad request: Sec-WebSocket-Protocol is too long");
	if (q->upgrade && is(q, "upgrade", "websocket") && is(q, "sec-websocket-version", "13") &&
	    key && strlen(key) == KEY_LEN)
		return 0;
	return err_set(e, EINVAL, ERR_INVALID,
		       "bad request: this is for clients of WebSocket, version 13");
}

static const char *accept_key(const char *key, struct arena *a)
{
	unsigned char sum[SHA_DIGEST_LENGTH];
	SHA_CTX c;
	SHA1_Init(&c);
	SHA1_Update(&c, key, strlen(key));
	SHA1_Update(&c, GUID, strlen(GUID));
	SHA1_Final(sum, &c);
	return base64_encode_bytes(sum, sizeof(sum), a);
}

static void answer(struct http *h)
{
	CLEANUP_ARENA struct arena a = {0};
	const char *protocol = http_header(&h->q, "sec-websocket-protocol");
	/* Docker's takes what is offered, so clients may rely on it; of several it could be none.
	 */
	bool one = protocol && !strchr(protocol, ',');
	http_take_over(h, 101,
		       arena_printf(&a,
				    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
				    "Sec-WebSocket-Accept: %s\r\n%s%s%s",
				    accept_key(http_header(&h->q, "sec-websocket-key"), &a),
				    one ? "Sec-WebSocket-Protocol: " : "", one ? protocol : "",
				    one ? "\r\n" : ""));
}

/* ---- the loop ---- */

struct piece {
	size_t at, len;
	unsigned char data[HTTP_HEAD_MAX]; /* what HTTP had read ahead fits */
};

struct state {
	struct ws_reader reader;
	struct frames frames;
	bool framed;
	enum ws_opcode kind;
	struct piece in, out;
	unsigned char *payload; /* in `in`, for the stream */
	size_t payload_len;
	unsigned char pong[WS_CONTROL_MAX];
	size_t pong_len;
	bool must_pong, stream_ended, client_closed, gone;
	uint16_t close_code; /* of the close that we have to send; 0: none */
	bool closed;         /* it was */
};

static bool is_empty(const struct piece *p)
{
	return p->at == p->len;
}

/* 1 done, 0 not now, -1 there is no such end any more. */
static int moved(ssize_t n)
{
	return n > 0 ? 1 : n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static bool read_client(struct state *s)
{
	struct piece *p = &s->in;
	if (!is_empty(p) || s->payload_len)
		return false;
	ssize_t n = recv(CLIENT_FD, p->data, PIECE, MSG_DONTWAIT);
	int r = moved(n);
	s->gone |= r < 0;
	p->at = 0;
	p->len = r > 0 ? (size_t)n : 0;
	return r > 0;
}

static void take_control(struct state *s, enum ws_opcode opcode)
{
	const struct ws_reader *r = &s->reader;
	if (opcode == WS_PING) { /* of several the last will do, 5.5.3 */
		memcpy(s->pong, r->control, s->pong_len = r->control_len);
		s->must_pong = true;
	} else if (opcode == WS_CLOSE) {
		s->client_closed = true;
		s->close_code = WS_NORMAL;
	}
}

static bool take_frames(struct state *s)
{
	struct piece *p = &s->in;
	size_t used;
	enum ws_opcode opcode;
	if (is_empty(p) || s->payload_len || s->client_closed)
		return false;
	switch (ws_take(&s->reader, p->data + p->at, p->len - p->at, &used, &s->payload,
			&s->payload_len, &opcode)) {
	case WS_CONTROL:
		take_control(s, opcode);
		break;
	case WS_FAULT:
		s->close_code = s->reader.fault;
		s->client_closed = true; /* what follows is not understood */
		break;
	case WS_DATA:
	case WS_MORE:
		break;
	}
	p->at += used;
	return true;
}

static bool write_stream(struct state *s)
{
	if (!s->payload_len)
		return false;
	ssize_t n = send(STREAM_FD, s->payload, s->payload_len, MSG_DONTWAIT | MSG_NOSIGNAL);
	int r = moved(n);
	if (r > 0) {
		s->payload += n;
		s->payload_len -= (size_t)n;
	} else if (r < 0) {
		s->payload_len = 0; /* nobody reads it any more */
	}
	return r != 0;
}

static int put_payload(void *ctx, int stream, const unsigned char *data, size_t len, struct err *e)
{
	struct piece *p = &((struct state *)ctx)->out;
	if (len) {
		p->len += ws_head(p->data + p->len, ((struct state *)ctx)->kind, len);
		memcpy(p->data + p->len, data, len);
		p->len += len;
	}
	return 0;
}

/* Docker's heads are longer than those of short frames, so what comes out is hardly more. */
static bool read_stream(struct state *s)
{
	unsigned char data[PIECE];
	struct err ignored;
	if (!is_empty(&s->out) || s->stream_ended)
		return false;
	ssize_t n = recv(STREAM_FD, data, sizeof(data), MSG_DONTWAIT);
	int r = moved(n);
	s->out.at = s->out.len = 0;
	if (r > 0 && s->framed)
		r = frames_feed(&s->frames, data, (size_t)n, put_payload, s, &ignored) < 0 ? -1 : 1;
	else if (r > 0)
		put_payload(s, 1, data, (size_t)n, &ignored);
	if (r < 0) {
		s->stream_ended = true;
		s->close_code = s->close_code ?: WS_NORMAL;
	}
	return r != 0;
}

static void put_control(struct state *s, enum ws_opcode opcode, const void *data, size_t len)
{
	struct piece *p = &s->out;
	p->at = 0;
	p->len = ws_head(p->data, opcode, len);
	memcpy(p->data + p->len, data, len);
	p->len += len;
}

/* Between two frames; after a close nothing, 5.5.1. */
static void next_control(struct state *s)
{
	const unsigned char code[] = {(unsigned char)(s->close_code >> 8),
				      (unsigned char)s->close_code};
	if (s->closed)
		return;
	if (s->must_pong)
		put_control(s, WS_PONG, s->pong, s->pong_len);
	else if (s->close_code)
		put_control(s, WS_CLOSE, code, sizeof(code));
	s->closed = !s->must_pong && s->close_code;
	s->must_pong = false;
}

static bool write_client(struct state *s)
{
	struct piece *p = &s->out;
	if (is_empty(p))
		next_control(s);
	if (is_empty(p))
		return false;
	ssize_t n = send(CLIENT_FD, p->data + p->at, p->len - p->at, MSG_DONTWAIT | MSG_NOSIGNAL);
	int r = moved(n);
	s->gone |= r < 0;
	p->at += r > 0 ? (size_t)n : 0;
	return r > 0;
}

static bool is_over(const struct state *s)
{
	return s->gone || (s->closed && is_empty(&s->out) && s->client_closed);
}

/* A hang-up is told whether it was asked for or not. */
static void wait_for_more(struct state *s, int ms)
{
	bool takes = is_empty(&s->in) && !s->payload_len;
	short stream = (short)((s->payload_len ? POLLOUT : 0) |
			       (is_empty(&s->out) && !s->stream_ended ? POLLIN : 0));
	struct pollfd fds[] = {
		{CLIENT_FD, (short)((takes ? POLLIN : 0) | (is_empty(&s->out) ? 0 : POLLOUT)), 0},
		{stream ? STREAM_FD : -1, stream, 0}};
	if (poll(fds, ARRAY_LEN(fds), ms) > 0 && !fds[0].events && fds[0].revents)
		s->gone = true;
}

static _Noreturn void run(struct state *s)
{
	for (int64_t until = 0; !is_over(s) && (!until || clock_ms() < until);) {
		bool done = read_client(s);
		done |= take_frames(s);
		done |= write_stream(s);
		done |= !s->close_code && read_stream(s);
		done |= write_client(s);
		if (s->closed && is_empty(&s->out) && !until)
			until = clock_ms() + FAREWELL_MS;
		if (!done && !is_over(s))
			wait_for_more(s, until ? FAREWELL_MS : -1);
	}
	_exit(0);
}

/* ---- */

/* Nothing of what the others hold may depend on this process. */
static bool keep_only(int client, int stream)
{
	return (client = fd_move_up(client, STREAM_FD + 1)) >= 0 &&
	       (stream = fd_move_up(stream, STREAM_FD + 1)) >= 0 && dup2(client, CLIENT_FD) >= 0 &&
	       dup2(stream, STREAM_FD) >= 0 && close_range(STREAM_FD + 1, ~0U, 0) == 0;
}

int websocket_open(struct http *h, bool framed, bool text, struct err *e)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "cannot make a socket");
	CLEANUP_FD int ours = pair[0];
	CLEANUP_FD int theirs = pair[1];
	answer(h);
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(e, errno, "cannot start a process");
	if (pid == 0) {
		CLEANUP_ARENA struct arena a = {0};
		struct state *s = arena_new(&a, struct state);
		s->framed = framed;
		s->kind = text ? WS_TEXT : WS_BINARY;
		memcpy(s->in.data, h->buf + h->at, s->in.len = h->len - h->at);
		if (!keep_only(h->fd, theirs))
			_exit(1);
		run(s);
	}
	h->at = h->len = 0;
	close(h->fd);
	h->fd = fd_steal(&ours);
	return 0;
}
