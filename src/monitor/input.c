/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: from attached clients to the container's stdin pipe or pty, through one buffer. While that
 * is not empty no client is read, so a container that does not read slows its clients down.
 *
 * The end of a client's input (a half-close, or its departure) becomes the container's end of file
 * when stdin_once is set and there is no terminal, as with docker; otherwise stdin stays open for
 * the next client. The keeper holds the FIFO's write end too and is told to close it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "monitor/monitor.h"

static void make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void input_init(struct monitor *m)
{
	m->stdin_ready = true;
	if (m->pty_fd >= 0) {
		make_nonblocking(m->pty_fd);
		m->pty_ready = true;
		loop_watch(m, m->pty_fd, WATCH_PTY, 0, EPOLLIN | EPOLLOUT | EPOLLET);
	}
	if (m->stdin_fd >= 0) {
		make_nonblocking(m->stdin_fd);
		loop_watch(m, m->stdin_fd, WATCH_STDIN, 0, EPOLLOUT | EPOLLET);
	}
}

void input_event(struct monitor *m, size_t index, uint32_t events)
{
	if (events & (EPOLLOUT | EPOLLERR))
		m->stdin_ready = true;
}

void input_close(struct monitor *m)
{
	m->input_len = 0;
	if (m->stdin_fd < 0)
		return;
	fd_drop(&m->stdin_fd);
	keeper_tell(m, KEEPER_NOTE_STDIN_CLOSED);
}

static int target(const struct monitor *m)
{
	return m->pty_fd >= 0 ? m->pty_fd : m->stdin_fd;
}

/* True when the buffer is empty. */
static bool write_out(struct monitor *m)
{
	while (m->input_len && m->stdin_ready && target(m) >= 0) {
		ssize_t n = write(target(m), m->input + m->input_start, m->input_len);
		if (n < 0 && errno == EAGAIN) {
			m->stdin_ready = false;
		} else if (n < 0 && errno != EINTR) {
			/* Nobody reads it any more. */
			if (m->pty_fd < 0)
				input_close(m);
			m->input_len = 0;
		} else if (n > 0) {
			m->input_start += (size_t)n;
			m->input_len -= (size_t)n;
		}
	}
	return m->input_len == 0;
}

static void end_of_input(struct monitor *m, struct client *c)
{
	c->flags &= (uint8_t)~ATTACH_STDIN;
	if (m->stdin_once && m->pty_fd < 0)
		input_close(m);
}

/* True when bytes were read. */
static bool read_in(struct monitor *m, struct client *c)
{
	ssize_t n = recv(c->fd, m->input, sizeof(m->input), MSG_DONTWAIT);
	if (n < 0 && errno == EINTR)
		return false;
	if (n < 0 && errno == EAGAIN) {
		c->readable = false;
		return false;
	}
	if (n <= 0) {
		end_of_input(m, c);
		return false;
	}
	m->buffers_used = true;
	m->input_start = 0;
	m->input_len = (size_t)n;
	return true;
}

bool input_pump(struct monitor *m)
{
	bool more = false;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &m->clients[i];
		if (!write_out(m))
			return false;
		if (c->fd < 0 || !(c->flags & ATTACH_STDIN))
			continue;
		if (target(m) < 0) {
			/* No stdin: what it sends stays unread, and its departure is enough. */
			if (c->hung_up)
				c->flags &= (uint8_t)~ATTACH_STDIN;
			continue;
		}
		if (c->readable)
			more |= read_in(m, c);
	}
	write_out(m);
	return more;
}
