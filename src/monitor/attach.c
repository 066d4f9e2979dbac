/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attached clients: what the container writes goes to each of them, in docker's frames (8 bytes of
 * header: stream, three zeros, length big-endian) or raw with a terminal.
 *
 * There is one queue for all. It is a row of frames; each client has its own place in it. While the
 * container runs, nothing new is read before every client has everything (attach_room), so the
 * queue holds one chunk at most and a slow reader slows the container down, as with docker: nothing
 * is lost. A client that hung up is dropped at once and holds up nobody. When the container has
 * ended, the rest of its pipes fits into the queue, so its exit is recorded without waiting for
 * clients; they still get everything.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "monitor/monitor.h"

void attach_init(struct monitor *m)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		m->clients[i].fd = -1;
}

static bool is_stream_socket(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

int attach_add(struct monitor *m, int fd, uint32_t flags)
{
	CLEANUP_FD int owned = fd;
	size_t i = 0;
	while (i < CLIENTS_MAX && m->clients[i].fd >= 0)
		i++;
	if (!is_stream_socket(fd))
		return -EINVAL;
	if (i == CLIENTS_MAX)
		return -EBUSY;
	m->clients[i] = (struct client){.fd = fd,
					.flags = (uint8_t)flags,
					.readable = true,
					.writable = true,
					.position = (uint32_t)m->queue_len};
	int r = loop_watch(m, fd, WATCH_CLIENT, i, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (r < 0) {
		m->clients[i].fd = -1;
		return r;
	}
	fd_steal(&owned);
	return 0;
}

static void drop(struct client *c)
{
	fd_drop(&c->fd);
}

void attach_event(struct monitor *m, size_t index, uint32_t events)
{
	struct client *c = &m->clients[index];
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		c->readable = true;
	if (events & EPOLLOUT)
		c->writable = true;
	if (events & (EPOLLHUP | EPOLLERR))
		c->hung_up = true;
}

static bool wants(const struct monitor *m, const struct client *c, uint8_t stream)
{
	if (m->tty)
		return c->flags & (ATTACH_STDOUT | ATTACH_STDERR);
	return c->flags & (stream == 2 ? ATTACH_STDERR : ATTACH_STDOUT);
}

static bool is_behind(const struct monitor *m, const struct client *c)
{
	return c->fd >= 0 && !c->hung_up && c->position < m->queue_len;
}

bool attach_drained(const struct monitor *m)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (is_behind(m, &m->clients[i]))
			return false;
	return true;
}

bool attach_room(const struct monitor *m, size_t len)
{
	if (m->phase < PHASE_ENDED)
		return m->queue_len == 0;
	return m->queue_len + FRAME_HEAD + len <= QUEUE_MAX;
}

void attach_offer(struct monitor *m, uint8_t stream, const void *data, size_t len)
{
	size_t i = 0;
	while (i < CLIENTS_MAX && m->clients[i].fd < 0)
		i++;
	if (i == CLIENTS_MAX)
		return;
	uint8_t head[FRAME_HEAD] = {stream};
	uint32_t size = htobe32((uint32_t)len);
	memcpy(head + 4, &size, sizeof(size));
	memcpy(m->queue + m->queue_len, head, sizeof(head));
	memcpy(m->queue + m->queue_len + FRAME_HEAD, data, len);
	m->queue_len += FRAME_HEAD + len;
	m->buffers_used = true;
}

static size_t frame_len(const uint8_t *frame)
{
	uint32_t size;
	memcpy(&size, frame + 4, sizeof(size));
	return FRAME_HEAD + be32toh(size);
}

/* Send what @c can take now. */
static void send_queued(struct monitor *m, struct client *c)
{
	size_t skip = m->tty ? FRAME_HEAD : 0;
	while (c->writable && is_behind(m, c)) {
		const uint8_t *frame = m->queue + c->position;
		size_t len = frame_len(frame) - skip;
		ssize_t n = (ssize_t)(len - c->sent);
		if (wants(m, c, frame[0]))
			n = send(c->fd, frame + skip + c->sent, len - c->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			/* Only after EAGAIN does epoll report that there is room again. */
			c->writable = false;
			c->hung_up |= errno != EAGAIN;
			return;
		}
		c->sent += (uint32_t)n;
		if (c->sent < len)
			continue;
		c->position += (uint32_t)(len + skip);
		c->sent = 0;
	}
}

bool attach_pump(struct monitor *m)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];
		if (c->fd < 0)
			continue;
		send_queued(m, c);
		/* One that hung up may have left input behind: input_pump takes that first. */
		if (c->hung_up && !(c->flags & ATTACH_STDIN))
			drop(c);
	}
	if (!m->queue_len || !attach_drained(m))
		return false;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		m->clients[i].position = 0;
	m->queue_len = 0;
	return true;
}

void attach_close_all(struct monitor *m)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		drop(&m->clients[i]);
}
