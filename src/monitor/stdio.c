/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output of the container: from its two FIFOs, or from its pty, to the log and to attached clients.
 *
 * The FIFOs lie in the run folder, and the container's own descriptors for them are open for
 * reading and writing; so are ours. Nobody's death closes them, so there is no end of file: the end
 * is the end of the first process, and what is in the pipes at that moment is the rest (its
 * descendants in its pid namespace are gone before the kernel reports its end; what processes
 * elsewhere write later is not waited for).
 *
 * A pty has no tee(2): its bytes move into a pipe "terminal" first and are treated like a FIFO from
 * there.
 *
 * Epoll reports the FIFOs by edge, because the begun line stays in them. One edge is missing: a
 * write(2) that fills a pipe which was not empty sleeps for room without waking who polls it. It
 * does tell who asked for signals (O_ASYNC, fcntl(2)), so from the first begun line on SIGIO is
 * asked for and arrives in a signalfd(2). A stream goes to sleep with bytes in its FIFO only when
 * that is switched on, and they were looked at afterwards.
 *
 * Back pressure: while a client is behind, nothing is read, the FIFO fills and the container waits,
 * as with docker. Read inflight.c and attach.c next.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "monitor/monitor.h"

static const struct timespec at_once;

static uint64_t waiting(int fd)
{
	int n = 0;
	return fd >= 0 && ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? (uint64_t)n : 0;
}

int stdio_fifo(int run_fd, const char *name)
{
	const int flags = O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(run_fd, name, flags);
	/* The keeper and its first monitor come here at the same time. Later they are gone when the
	 * folder is being cleaned up, and who is confined may not make them. */
	if (fd < 0 && errno == ENOENT && !is_confined() &&
	    (mkfifoat(run_fd, name, 0600) == 0 || errno == EEXIST))
		fd = openat(run_fd, name, flags);
	return fd < 0 ? -errno : fd;
}

static int open_pipe(struct monitor *m, const char *name, uint8_t number)
{
	struct stream *s = &m->streams[m->stream_count];
	*s = (struct stream){.number = number, .ready = true};
	s->fd = stdio_fifo(m->run_fd, name);
	if (s->fd < 0)
		return s->fd;
	return loop_watch(m, s->fd, WATCH_STREAM, m->stream_count++, EPOLLIN | EPOLLET);
}

/* The mask stays: a signal that arrives waits for its read. */
static int open_writers(struct monitor *m)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	m->writers_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->writers_fd < 0)
		return -errno;
	return loop_watch(m, m->writers_fd, WATCH_WRITERS, 0, EPOLLIN);
}

/* Have SIGIO sent for each write to @s. False when that was so before. */
static bool ask_writers(struct stream *s)
{
	if (s->signalling)
		return false;
	s->signalling = fcntl(s->fd, F_SETOWN, getpid()) == 0 &&
			fcntl(s->fd, F_SETFL, O_NONBLOCK | O_ASYNC) == 0;
	return s->signalling;
}

int stdio_open(struct monitor *m)
{
	int r = open_writers(m);
	if (r == 0)
		r = open_pipe(m, m->tty ? "terminal" : "stdout", 1);
	if (r == 0 && !m->tty)
		r = open_pipe(m, "stderr", 2);
	/* Until here these kept what a short-lived container wrote. Not used themselves: their file
	 * description is the container's, O_NONBLOCK would show there. */
	fd_drop(&m->held_streams[0]);
	fd_drop(&m->held_streams[1]);
	return r;
}

void stdio_stream_event(struct monitor *m, size_t index, uint32_t events)
{
	m->streams[index].ready = true;
}

void stdio_writers_event(struct monitor *m, size_t index, uint32_t events)
{
	struct signalfd_siginfo info;
	if (read(m->writers_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	/* Which pipe it was for is not said: signals of the same number become one. */
	for (size_t i = 0; i < m->stream_count; i++)
		m->streams[i].ready = true;
}

void stdio_pty_event(struct monitor *m, size_t index, uint32_t events)
{
	m->pty_ready = events & (EPOLLIN | EPOLLHUP) ? true : m->pty_ready;
	m->stdin_ready = events & EPOLLOUT ? true : m->stdin_ready;
}

/* Kernels without splice from a tty: through memory. */
static ssize_t copy_from_pty(struct monitor *m, int to)
{
	struct pollfd p = {.fd = to, .events = POLLOUT};
	if (ppoll(&p, 1, &at_once, NULL) <= 0)
		return -EAGAIN;
	m->buffers_used = true;
	/* A pipe that is writable takes PIPE_BUF bytes at least. */
	ssize_t n = read(m->pty_fd, m->peek, 4096);
	if (n > 0 && fd_write_full(to, m->peek, (size_t)n) < 0)
		return -EIO;
	return n < 0 ? -errno : n;
}

/* True when bytes moved. The end of a pty (EIO) is only for now: the slave may be opened again, so
 * it stays watched, by edge. */
static bool pump_pty(struct monitor *m)
{
	if (m->pty_fd < 0 || !m->pty_ready)
		return false;
	int to = m->streams[0].fd;
	ssize_t n = splice(m->pty_fd, NULL, to, NULL, CHUNK_MAX, SPLICE_F_NONBLOCK);
	if (n < 0 && errno == EINVAL)
		n = copy_from_pty(m, to);
	else if (n < 0)
		n = -errno;
	if (n > 0) {
		m->streams[0].ready = true;
		return true;
	}
	/* EAGAIN is either nothing there or no room: look which. */
	if (n != -EAGAIN || waiting(m->pty_fd) == 0)
		m->pty_ready = false;
	return false;
}

/* A begun line stays in the pipe, unless that has no room left to take its end (or ours none to
 * see it: a user near the limit on pipe pages gets small pipes). */
static bool is_full(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	return ppoll(&p, 1, &at_once, NULL) == 0;
}

/* One chunk of one stream. @final: lines without an end too. True when something moved. */
static bool pump_stream(struct monitor *m, struct stream *s, bool final)
{
	if (!s->ready && !final)
		return false;
	uint64_t there = waiting(s->fd);
	if (there <= s->delivered && !s->more && !(final && there)) {
		s->ready = there > 0 && !m->tty && ask_writers(s);
		return s->ready;
	}
	if (!attach_room(m, there < CHUNK_MAX ? there : CHUNK_MAX))
		return false;
	size_t len = inflight_peek(m, s->fd, CHUNK_MAX);
	if (len > s->delivered)
		attach_offer(m, s->number, m->peek + s->delivered, len - s->delivered);
	size_t logged = inflight_log(m, s, len, final);
	if (logged == 0 && len && (len <= s->delivered || is_full(s->fd)))
		logged = inflight_log(m, s, len, true);
	/* Beyond the peek there may be more than what is delivered: never count back. */
	uint32_t seen = len > s->delivered ? (uint32_t)len : s->delivered;
	s->delivered = seen - (uint32_t)logged;
	s->consumed += logged;
	return logged || len;
}

bool stdio_pump(struct monitor *m)
{
	bool more = pump_pty(m);
	for (size_t i = 0; i < m->stream_count; i++)
		more |= pump_stream(m, &m->streams[i], false);
	return more;
}

uint64_t stdio_backlog(const struct monitor *m, size_t i)
{
	if (i >= m->stream_count)
		return 0;
	uint64_t there = waiting(m->streams[i].fd);
	uint64_t seen = m->streams[i].more ? 0 : m->streams[i].delivered;
	return (there > seen ? there - seen : 0) + waiting(m->pty_fd);
}

uint64_t stdio_seen(const struct monitor *m, size_t i)
{
	if (i >= m->stream_count)
		return 0;
	const struct stream *s = &m->streams[i];
	return s->consumed + (s->more ? 0 : s->delivered);
}

void stdio_flush(struct monitor *m)
{
	for (size_t i = 0; i < m->stream_count; i++)
		while (m->streams[i].delivered && pump_stream(m, &m->streams[i], true))
			;
}

void stdio_end(struct monitor *m)
{
	m->pty_ready = m->pty_fd >= 0;
	for (size_t i = 0; i < m->stream_count; i++) {
		m->streams[i].ready = true;
		m->streams[i].target = stdio_seen(m, i) + stdio_backlog(m, i);
	}
}

bool stdio_drained(const struct monitor *m)
{
	for (size_t i = 0; i < m->stream_count; i++)
		if (stdio_seen(m, i) < m->streams[i].target)
			return false;
	return !m->pty_ready;
}
