/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: what can be moved is moved, then poll(2) for more. SSL_read(3ssl) and SSL_write(3ssl)
 * may each want the other direction of the socket. One record is held of each direction, so who
 * does not read is not read from. A connection that ends without a close_notify is cut off, and so
 * is its stream: what a client did not finish must not look like a whole. Read tls.h first.
 */
#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tls/tls.h"

enum { RECORD = 16 * 1024 };

struct flow {
	char data[RECORD];
	size_t at, len;
	bool ended; /* nothing more comes into it */
	bool told;  /* and the other side knows */
};

struct state {
	SSL *ssl;
	int client, stream;
	struct flow in, out; /* to the stream, to the client */
	short read_needs, write_needs;
	bool cut;         /* the client has gone */
	bool stream_gone; /* nobody has its other end */
};

static bool is_empty(const struct flow *f)
{
	return f->at == f->len;
}

/* Whether something was done; if not, *@needs says for what we wait. After the client's
 * close_notify SSL_ERROR_ZERO_RETURN is also what is said of a write that failed. */
static bool done(struct state *s, int n, short *needs)
{
	int error = n > 0 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, n);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		*needs = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
	else if (error != SSL_ERROR_NONE &&
		 (error != SSL_ERROR_ZERO_RETURN || needs == &s->write_needs))
		s->cut = true;
	return n > 0;
}

static bool read_client(struct state *s)
{
	struct flow *f = &s->in;
	if (!is_empty(f) || f->ended)
		return false;
	int n = SSL_read(s->ssl, f->data, sizeof(f->data));
	f->at = 0;
	f->len = n > 0 ? (size_t)n : 0;
	if (done(s, n, &s->read_needs))
		return true;
	f->ended = SSL_get_shutdown(s->ssl) & SSL_RECEIVED_SHUTDOWN;
	return f->ended;
}

static bool write_stream(struct state *s)
{
	struct flow *f = &s->in;
	if (is_empty(f)) {
		if (!f->ended || f->told)
			return false;
		shutdown(s->stream, SHUT_WR);
		f->told = true;
		return true;
	}
	ssize_t n = send(s->stream, f->data + f->at, f->len - f->at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0) /* nobody reads it any more */
		f->at = f->len = 0;
	else
		f->at += (size_t)n;
	return true;
}

static bool read_stream(struct state *s)
{
	struct flow *f = &s->out;
	if (!is_empty(f) || f->ended)
		return false;
	ssize_t n = recv(s->stream, f->data, sizeof(f->data), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	f->at = 0;
	f->len = n > 0 ? (size_t)n : 0;
	f->ended = n <= 0;
	return true;
}

static bool write_client(struct state *s)
{
	struct flow *f = &s->out;
	if (!is_empty(f)) {
		int n = SSL_write(s->ssl, f->data + f->at, (int)(f->len - f->at));
		f->at += n > 0 ? (size_t)n : 0;
		return done(s, n, &s->write_needs);
	}
	if (!f->ended || f->told)
		return false;
	int n = SSL_shutdown(s->ssl); /* 0: ours is sent, theirs did not come yet */
	f->told = n >= 0;
	return f->told || done(s, n, &s->write_needs);
}

/* Only what is waited for is looked at: a hang-up would be told again and again. */
static void wait_for_more(struct state *s)
{
	bool takes = is_empty(&s->in) && !s->in.ended;
	bool gives = !is_empty(&s->out) || (s->out.ended && !s->out.told);
	short stream = (short)((is_empty(&s->in) ? 0 : POLLOUT) |
			       (is_empty(&s->out) && !s->out.ended ? POLLIN : 0));
	/* When its output has ended, all that is left to happen to it is that it is closed. */
	bool look = stream || (s->out.ended && s->out.told);
	struct pollfd fds[] = {
		{s->client, (short)((takes ? s->read_needs : 0) | (gives ? s->write_needs : 0)), 0},
		{look ? s->stream : -1, stream, 0}};
	s->read_needs = POLLIN;
	s->write_needs = POLLOUT;
	if (poll(fds, ARRAY_LEN(fds), -1) < 0)
		return;
	if (!fds[0].events && fds[0].revents & (POLLERR | POLLHUP))
		s->cut = true;
	if (!stream && fds[1].revents & (POLLERR | POLLHUP))
		s->stream_gone = true;
}

bool pump_run(SSL *ssl, int client, int stream)
{
	static struct state s;
	s.ssl = ssl;
	s.client = client;
	s.stream = stream;
	s.read_needs = POLLIN;
	s.write_needs = POLLOUT;
	while (!s.cut && !s.stream_gone && !(s.in.told && s.out.told)) {
		ERR_clear_error();
		bool moved = read_client(&s);
		moved |= write_stream(&s);
		moved |= read_stream(&s);
		moved |= write_client(&s);
		if (!moved && !s.cut)
			wait_for_more(&s);
	}
	return !s.cut;
}
