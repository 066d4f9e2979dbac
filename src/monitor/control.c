/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: requests of base/wire.h, one per message, from hull's own commands. It lies
 * in a folder of mode 0700, and each peer must have our user id or be root (SO_PEERCRED, unix(7)).
 * What is malformed is answered with an error; a peer that does not read its answers is cut off.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "monitor/monitor.h"

void control_init(struct monitor *m)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		m->connections[i].fd = -1;
	if (m->control_fd < 0)
		return;
	/* accept4 must never wait, whoever made the socket. */
	fcntl(m->control_fd, F_SETFL, fcntl(m->control_fd, F_GETFL) | O_NONBLOCK);
	loop_watch(m, m->control_fd, WATCH_CONTROL, 0, EPOLLIN);
}

static int reply(const struct monitor *m, int fd, int error)
{
	struct wire_reply r = {.version = WIRE_VERSION, .error = error < 0 ? -error : error};
	if (m->phase >= PHASE_RECORDED)
		r.exit = m->record;
	return send(fd, &r, sizeof(r), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static bool is_friend(int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == 0 &&
	       (c.uid == 0 || c.uid == getauxval(AT_EUID));
}

/* False when nobody waits to be accepted. */
static bool accept_one(struct monitor *m)
{
	CLEANUP_FD int fd = accept4(m->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return false;
	if (!is_friend(fd))
		return true;
	size_t i = 0;
	while (i < CONNECTIONS_MAX && m->connections[i].fd >= 0)
		i++;
	if (i == CONNECTIONS_MAX) {
		reply(m, fd, EBUSY);
		return true;
	}
	m->connections[i] = (struct connection){.fd = fd};
	if (loop_watch(m, fd, WATCH_CONNECTION, i, EPOLLIN) == 0)
		fd_steal(&fd);
	else
		m->connections[i].fd = -1;
	return true;
}

void control_event(struct monitor *m, size_t index, uint32_t events)
{
	accept_one(m);
}

/* ---- one function per request: 0, or a negative errno for the reply; 1 for a later reply ---- */

static int op_ping(struct monitor *m, struct connection *c, const struct wire_request *q, int *fd)
{
	return 0;
}

static int op_attach(struct monitor *m, struct connection *c, const struct wire_request *q, int *fd)
{
	const uint32_t known = ATTACH_STDIN | ATTACH_STDOUT | ATTACH_STDERR;
	if (*fd < 0 || (q->flags & ~known) || !(q->flags & known))
		return -EINVAL;
	if (m->phase >= PHASE_DRAINING)
		return -ESRCH;
	return attach_add(m, fd_steal(fd), q->flags);
}

static int op_wait(struct monitor *m, struct connection *c, const struct wire_request *q, int *fd)
{
	if (m->phase >= PHASE_RECORDED)
		return 0;
	c->waiting = true;
	c->reaps = q->flags & WAIT_REAP;
	return 1;
}

static int op_resize(struct monitor *m, struct connection *c, const struct wire_request *q, int *fd)
{
	const struct winsize size = {.ws_row = (unsigned short)q->rows,
				     .ws_col = (unsigned short)q->cols};
	if (m->pty_fd < 0)
		return -ENOTTY;
	if (q->rows > UINT16_MAX || q->cols > UINT16_MAX)
		return -EINVAL;
	return ioctl(m->pty_fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

static int op_log_sync(struct monitor *m, struct connection *c, const struct wire_request *q,
		       int *fd)
{
	for (size_t i = 0; i < m->stream_count; i++)
		c->target[i] = stdio_seen(m, i) + stdio_backlog(m, i);
	c->syncing = true;
	return 1;
}

static int op_rated(struct monitor *m, struct connection *c, const struct wire_request *q, int *fd)
{
	return keeper_tell(m, KEEPER_NOTE_RATED);
}

typedef int (*op_fn)(struct monitor *m, struct connection *c, const struct wire_request *q,
		     int *fd);
static const op_fn ops[] = {
	[WIRE_PING] = op_ping,     [WIRE_ATTACH] = op_attach,     [WIRE_WAIT] = op_wait,
	[WIRE_RESIZE] = op_resize, [WIRE_LOG_SYNC] = op_log_sync, [WIRE_RATED] = op_rated,
};

static int serve(struct monitor *m, struct connection *c, const struct wire_request *q, ssize_t len,
		 int *fd)
{
	if (len != (ssize_t)sizeof(*q) || q->version != WIRE_VERSION)
		return -EPROTO;
	if (q->op >= ARRAY_LEN(ops) || !ops[q->op])
		return -EOPNOTSUPP;
	return ops[q->op](m, c, q, fd);
}

void control_connection_event(struct monitor *m, size_t index, uint32_t events)
{
	struct connection *c = &m->connections[index];
	if (c->fd < 0)
		return;
	/* A byte more than a request, to see one that is too long. */
	struct {
		struct wire_request q;
		char excess;
	} message = {0};
	CLEANUP_FD int fd = -1;
	ssize_t n = fd_recv(c->fd, &message, sizeof(message), &fd, 1);
	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		fd_drop(&c->fd);
		return;
	}
	int r = serve(m, c, &message.q, n > (ssize_t)sizeof(message.q) ? -1 : n, &fd);
	if (r <= 0 && reply(m, c->fd, r) < 0)
		fd_drop(&c->fd);
}

static bool is_synced(const struct monitor *m, const struct connection *c)
{
	for (size_t i = 0; i < m->stream_count; i++)
		if (stdio_seen(m, i) < c->target[i])
			return false;
	return true;
}

void control_pump(struct monitor *m)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = &m->connections[i];
		if (c->fd < 0 || !c->syncing || !is_synced(m, c))
			continue;
		stdio_flush(m);
		c->syncing = false;
		if (reply(m, c->fd, 0) < 0)
			fd_drop(&c->fd);
	}
}

int control_answer_waiters(struct monitor *m)
{
	int reaper = -1;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = &m->connections[i];
		if (c->fd < 0 || !c->waiting)
			continue;
		c->waiting = false;
		if (reply(m, c->fd, 0) < 0)
			fd_drop(&c->fd);
		else if (c->reaps)
			reaper = c->fd;
	}
	return reaper;
}

/* A client may have connected and asked before this process even began: `hull run` does. */
void control_serve_pending(struct monitor *m)
{
	if (m->control_fd < 0)
		return;
	while (accept_one(m))
		;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		control_connection_event(m, i, EPOLLIN);
}
