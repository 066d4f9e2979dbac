/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions by UDP. What is passed on has a socket of its own, connected to the server that is
 * asked, with a port that the kernel chose, and an id of our own: who wants to forge the answer has
 * to guess both (RFC 5452).
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "dns/server.h"

enum { PATIENCE_MS = 2000, AT_ONCE = 64 };

static void set_id(uint8_t *message, uint16_t id)
{
	message[0] = (uint8_t)(id >> 8);
	message[1] = (uint8_t)id;
}

static uint16_t get_id(const uint8_t *message)
{
	return (uint16_t)(message[0] << 8 | message[1]);
}

static void reply(const struct pending *p, const uint8_t *message, size_t len)
{
	sendto(DNS_FD_UDP, message, len, MSG_DONTWAIT, (const void *)&p->client, p->client_len);
}

/* Ask the next server; when all were, say so. */
static void ask(struct pending *p, int64_t now)
{
	struct sockaddr_storage to;
	fd_drop(&p->fd);
	while (p->tried < p->server_count) {
		socklen_t len = server_address(&p->servers[p->tried++], &to);
		CLEANUP_FD int fd =
			socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (void *)&to, len) < 0 ||
		    send(fd, p->query, p->len, MSG_DONTWAIT) < 0)
			continue;
		p->fd = fd_steal(&fd);
		p->due = now + PATIENCE_MS;
		return;
	}
	struct dns_answer a;
	struct dns_question q;
	set_id(p->query, p->client_id);
	dns_read(p->query, p->len, &q);
	dns_begin(&a, p->query, q.end, DNS_FAILED);
	reply(p, a.bytes, a.len);
}

static void pass_on(struct server *s, const uint8_t *message, size_t len,
		    const struct sockaddr_storage *from, socklen_t from_len, int64_t now)
{
	struct pending *p = NULL;
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *x = &s->pending[i];
		if (x->fd < 0) {
			p = x;
			break;
		}
		/* All are taken: who waits longest will hear nothing more. */
		if (!p || x->due < p->due)
			p = x;
	}
	if (len > QUERY_MAX)
		return;
	struct ip client = server_client(from);
	fd_drop(&p->fd);
	*p = (struct pending){.fd = -1,
			      .client = *from,
			      .client_len = from_len,
			      .len = len,
			      .client_id = get_id(message)};
	memcpy(p->query, message, len);
	if (getrandom(&p->id, sizeof(p->id), GRND_NONBLOCK) != sizeof(p->id))
		p->id = p->client_id;
	set_id(p->query, p->id);
	p->server_count = server_upstream(s, &client, p->servers);
	ask(p, now);
}

static void take_questions(struct server *s, int64_t now)
{
	uint8_t message[REPLY_MAX];
	for (int i = 0; i < AT_ONCE; i++) {
		struct sockaddr_storage from;
		struct dns_answer a;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(DNS_FD_UDP, message, sizeof(message), MSG_DONTWAIT,
				     (void *)&from, &from_len);
		if (n < 0)
			return;
		struct ip client = server_client(&from);
		int r = server_answer(s, message, (size_t)n, &client, &a);
		if (r > 0)
			sendto(DNS_FD_UDP, a.bytes, a.len, MSG_DONTWAIT, (void *)&from, from_len);
		else if (r == 0)
			pass_on(s, message, (size_t)n, &from, from_len, now);
	}
}

static void take_answer(struct pending *p, int64_t now)
{
	uint8_t message[REPLY_MAX];
	ssize_t n = recv(p->fd, message, sizeof(message), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) { /* nobody listens there */
		ask(p, now);
		return;
	}
	/* Another id, or no answer: not to us. */
	if (n < DNS_HEADER || get_id(message) != p->id || !(message[2] & 0x80))
		return;
	set_id(message, p->client_id);
	reply(p, message, (size_t)n);
	fd_drop(&p->fd);
}

size_t udp_watch(const struct server *s, struct pollfd *p)
{
	p[0] = (struct pollfd){DNS_FD_UDP, POLLIN, 0};
	for (size_t i = 0; i < PENDING_MAX; i++)
		p[1 + i] = (struct pollfd){s->pending[i].fd, POLLIN, 0};
	return 1 + PENDING_MAX;
}

void udp_serve(struct server *s, const struct pollfd *p, int64_t now)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *x = &s->pending[i];
		if (x->fd >= 0 && x->fd == p[1 + i].fd && p[1 + i].revents)
			take_answer(x, now);
		if (x->fd >= 0 && x->due <= now)
			ask(x, now);
	}
	if (p[0].revents)
		take_questions(s, now);
}
