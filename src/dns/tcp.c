/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions by TCP: two bytes of length before each message (RFC 7766). What is passed on goes to
 * the first server that is there, and its answer comes back as it arrives. A client that does not
 * read, or says nothing for long, is hung up on.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "dns/server.h"

enum { IDLE_MS = 10000, STREAM_MAX = 2 + DNS_MESSAGE_MAX };

static void hang_up(struct stream *t)
{
	fd_drop(&t->fd);
	fd_drop(&t->up);
	free(t->bytes);
	t->bytes = NULL;
}

/* One client's share is limited, so that the others find a free place. */
static struct stream *find_place(struct server *s, const struct ip *client)
{
	struct stream *free = NULL;
	size_t own = 0;
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct stream *t = &s->streams[i];
		if (t->fd < 0)
			free = t;
		else
			own += ip_compare(&t->client, client) == 0;
	}
	return own < STREAMS_MAX / 4 ? free : NULL;
}

static void welcome(struct server *s, int64_t now)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	CLEANUP_FD int fd = accept4(DNS_FD_TCP, (void *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	const struct ip client = server_client(&from);
	struct stream *t = find_place(s, &client);
	if (!t)
		return;
	*t = (struct stream){.fd = fd_steal(&fd),
			     .up = -1,
			     .due = now + IDLE_MS,
			     .bytes = malloc(STREAM_MAX),
			     .client = client};
	if (!t->bytes)
		hang_up(t);
}

static size_t length(const uint8_t *head)
{
	return (size_t)head[0] << 8 | head[1];
}

static void begin_passing(struct server *s, struct stream *t)
{
	struct ip servers[SERVERS_MAX];
	struct sockaddr_storage to;
	size_t count = server_upstream(s, &t->client, servers);
	for (size_t i = 0; i < count && t->up < 0; i++) {
		socklen_t len = server_address(&servers[i], &to);
		CLEANUP_FD int fd =
			socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd >= 0 && (connect(fd, (void *)&to, len) == 0 || errno == EINPROGRESS))
			t->up = fd_steal(&fd);
	}
	t->connecting = t->up >= 0;
	if (t->up < 0)
		hang_up(t);
}

static void answer(struct server *s, struct stream *t)
{
	struct dns_answer a;
	size_t len = length(t->bytes);
	int r = server_answer(s, t->bytes + 2, len, &t->client, &a);
	if (r == 0) {
		begin_passing(s, t);
		return;
	}
	uint8_t out[2 + DNS_UDP_MAX] = {(uint8_t)(a.len >> 8), (uint8_t)a.len};
	if (r > 0)
		memcpy(out + 2, a.bytes, a.len);
	t->have = 0;
	if (r < 0 ||
	    send(t->fd, out, 2 + a.len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)(2 + a.len))
		hang_up(t);
}

static void take_question(struct server *s, struct stream *t)
{
	size_t want = t->have < 2 ? 2 : 2 + length(t->bytes);
	ssize_t n = recv(t->fd, t->bytes + t->have, want - t->have, MSG_DONTWAIT);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			hang_up(t);
		return;
	}
	t->have += (size_t)n;
	if (t->have >= 2 && t->have == 2 + length(t->bytes))
		answer(s, t);
}

static void pass_question(struct stream *t)
{
	int error = 0;
	socklen_t len = sizeof(error);
	size_t whole = 2 + length(t->bytes);
	if (getsockopt(t->up, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error ||
	    send(t->up, t->bytes, whole, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)whole) {
		hang_up(t);
		return;
	}
	t->connecting = false;
	t->have = 0;
}

static void pass_answer(struct stream *t)
{
	ssize_t n = recv(t->up, t->bytes, STREAM_MAX, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || send(t->fd, t->bytes, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) != n) {
		hang_up(t);
		return;
	}
	for (size_t i = 0; i < (size_t)n && t->have + i < 2; i++)
		t->head[t->have + i] = t->bytes[i];
	t->have += (size_t)n;
	if (t->have >= 2 && t->have >= 2 + length(t->head)) {
		fd_drop(&t->up);
		t->have = 0;
	}
}

size_t tcp_watch(const struct server *s, struct pollfd *p)
{
	p[0] = (struct pollfd){DNS_FD_TCP, POLLIN, 0};
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		const struct stream *t = &s->streams[i];
		p[1 + i] = (struct pollfd){t->fd >= 0 && t->up >= 0 ? t->up : t->fd,
					   t->connecting ? POLLOUT : POLLIN, 0};
	}
	return 1 + STREAMS_MAX;
}

void tcp_serve(struct server *s, const struct pollfd *p, int64_t now)
{
	for (size_t i = 0; i < STREAMS_MAX; i++) {
		struct stream *t = &s->streams[i];
		if (t->fd < 0)
			continue;
		if (p[1 + i].revents)
			t->due = now + IDLE_MS;
		if (p[1 + i].revents && t->up < 0)
			take_question(s, t);
		else if (p[1 + i].revents && t->connecting)
			pass_question(t);
		else if (p[1 + i].revents)
			pass_answer(t);
		else if (t->due <= now)
			hang_up(t);
	}
	if (p[0].revents)
		welcome(s, now);
}
