/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading requests and writing answers, RFC 9112. Docker's clients rely on some things beyond it:
 * that the headers of a long answer come at once, and that after a hijack each half of the socket
 * ends by itself. Read http.h first.
 */
#include "api/http.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strbuf.h"

enum {
	SEND_STEP_MS = 1000,
	HEAD_SECONDS = 10,
	READER_MS = 1000,
	IDLE_MS = 5 * 60 * 1000,
	PIECE = 64 * 1024,
	CHUNK_LINE_MAX = 256,
	DRAIN_MAX = 64
};

/* ---- in ---- */

/* What the client makes us wait comes off the patience that we have with it. */
static ssize_t receive(struct http *h, void *buf, size_t size)
{
	int64_t began = clock_ms(), ms = h->patience;
	const struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	ssize_t n = recv(h->fd, buf, size, MSG_DONTWAIT);
	if (n >= 0 || errno != EAGAIN)
		return n < 0 ? -errno : n;
	if (ms <= 0)
		return -ETIMEDOUT;
	setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	n = TEMP_FAILURE_RETRY(recv(h->fd, buf, size, 0));
	h->patience -= clock_ms() - began;
	return n >= 0 ? n : errno == EAGAIN ? -ETIMEDOUT : -errno;
}

/* @n bytes of the body earn it some of that back. */
static void earn(struct http *h, ssize_t n)
{
	h->patience += n > 0 ? n * 1000 / HTTP_BODY_RATE : 0;
	if (h->patience > h->patience_max)
		h->patience = h->patience_max;
}

static ssize_t receive_body(struct http *h, void *buf, size_t size)
{
	ssize_t n = receive(h, buf, size);
	earn(h, n);
	return n;
}

/* 1: more came, 0: nothing more will, or negative errno. */
static int fill(struct http *h)
{
	if (h->at) {
		memmove(h->buf, h->buf + h->at, h->len - h->at);
		h->len -= h->at;
		h->at = 0;
	}
	if (h->len == sizeof(h->buf))
		return -EMSGSIZE;
	ssize_t n = receive(h, h->buf + h->len, sizeof(h->buf) - h->len);
	if (n < 0)
		return (int)n;
	h->len += (size_t)n;
	return n > 0;
}

/* Between two requests there is no hurry, but for the listener's end. */
static bool await(const struct http *h)
{
	struct pollfd fds[] = {{h->fd, POLLIN, 0}, {h->life, 0, 0}};
	if (h->len > h->at)
		return true;
	return TEMP_FAILURE_RETRY(poll(fds, 2, IDLE_MS)) > 0 && fds[0].revents;
}

int http_next(struct http *h, struct arena *a, struct err *e)
{
	size_t end;
	int r = 1;
	if (!await(h))
		return 0;
	/* Until the head is understood: nothing can follow it, and it has no body. */
	h->q = (struct http_request){0};
	h->lost = h->body_ended = true;
	h->patience = HEAD_SECONDS * 1000;
	while (!(end = http_head_end(h->buf + h->at, h->len - h->at)) && r == 1)
		r = fill(h);
	h->patience = h->patience_max = HTTP_BODY_SECONDS * 1000;
	if (r == -EMSGSIZE)
		return err_set(e, EMSGSIZE, ERR_INVALID, "bad request: its head exceeds %d bytes",
			       HTTP_HEAD_MAX);
	if (r <= 0)
		return 0; /* in the middle of a head, or too slow: nobody to talk to */
	r = http_parse(h->buf + h->at, end, a, &h->q, e);
	h->at += end;
	h->answered = h->streaming = h->queues = false;
	if (r < 0)
		return r;
	h->left = h->q.chunked ? 0 : h->q.length;
	h->body_ended = !h->q.chunked && !h->left;
	h->lost = false;
	return 1;
}

static void take_turn(struct http *h)
{
	if (h->queues && h->body_ended && h->turns)
		turn_begin(h->turns, h->place);
}

static void end_turn(struct http *h)
{
	if (h->queues && h->turns)
		turn_end(h->turns, h->place);
	h->queues = false;
}

void http_queue(struct http *h)
{
	h->queues = true;
	take_turn(h);
}

/* One line of a chunked body, without its end. */
static int take_line(struct http *h, char line[CHUNK_LINE_MAX])
{
	for (;;) {
		char *start = h->buf + h->at;
		char *end = memmem(start, h->len - h->at, "\r\n", 2);
		if (end && end - start < CHUNK_LINE_MAX) {
			memcpy(line, start, (size_t)(end - start));
			line[end - start] = '\0';
			h->at += (size_t)(end - start) + 2;
			return 0;
		}
		if (end || h->len - h->at >= CHUNK_LINE_MAX)
			return -EPROTO;
		int r = fill(h);
		if (r <= 0)
			return r < 0 ? r : -ECONNRESET;
	}
}

static int next_chunk(struct http *h)
{
	char line[CHUNK_LINE_MAX];
	int r = take_line(h, line);
	if (r == 0 && !*line) /* behind the one before */
		r = take_line(h, line);
	if (r == 0)
		r = http_parse_chunk(line, &h->left);
	if (r < 0 || h->left)
		return r;
	while (r == 0 && *line) /* trailers, to the empty line */
		r = take_line(h, line);
	h->body_ended = true;
	return r;
}

ssize_t http_read(struct http *h, void *buf, size_t size)
{
	if (h->q.expects) {
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
		h->q.expects = false;
		fd_write_full(h->fd, go_on, sizeof(go_on) - 1);
	}
	if (!h->left && !h->body_ended) {
		int r = next_chunk(h);
		if (r < 0)
			return r;
	}
	if (h->body_ended)
		return 0;
	if (size > h->left)
		size = h->left;
	size_t have = h->len - h->at;
	ssize_t n = (ssize_t)(size < have ? size : have);
	if (have) {
		memcpy(buf, h->buf + h->at, (size_t)n);
		h->at += (size_t)n;
	} else {
		n = receive_body(h, buf, size);
	}
	if (n <= 0)
		return n < 0 ? n : -ECONNRESET;
	h->left -= (uint64_t)n;
	h->body_ended = !h->left && !h->q.chunked;
	return n;
}

int http_read_all(struct http *h, struct arena *a, char **ret, size_t *ret_len, struct err *e)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(HTTP_BODY_MAX);
	for (;;) {
		char piece[PIECE];
		ssize_t n = http_read(h, piece, sizeof(piece));
		if (n == -ETIMEDOUT)
			return err_set(e, ETIMEDOUT, ERR_INVALID,
				       "bad request: its body does not come, or too slowly");
		if (n < 0)
			return err_errno(e, (int)n, "cannot read the request's body");
		if (n == 0)
			break;
		strbuf_add(&text, piece, (size_t)n);
		if (!strbuf_ok(&text))
			return err_set(e, EFBIG, ERR_INVALID,
				       "bad request: its body exceeds %d bytes", HTTP_BODY_MAX);
	}
	*ret = arena_strndup(a, strbuf_text(&text), text.len);
	*ret_len = text.len;
	take_turn(h);
	return 0;
}

/* A child that ends with us, whatever it does. */
static pid_t fork_helper(void)
{
	pid_t parent = getpid(), pid = fork();
	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		_exit(1);
	return pid;
}

int http_body_fd(struct http *h, int seconds, struct err *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	h->lost = true;
	h->patience = h->patience_max = seconds * 1000;
	pid_t parent = getpid(), pid = fork_helper();
	if (pid == 0) {
		char piece[PIECE];
		ssize_t n;
		close(ends[0]);
		while ((n = http_read(h, piece, sizeof(piece))) > 0)
			if (fd_write_full(ends[1], piece, (size_t)n) < 0)
				break;
		/* What is cut off must not look like a whole. */
		if (n < 0 && getppid() == parent)
			kill(parent, SIGKILL);
		_exit(0);
	}
	close(ends[1]);
	if (pid > 0)
		return ends[0];
	close(ends[0]);
	return err_errno(e, errno, "cannot start a process");
}

/* ---- out ---- */

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = {{101, "UPGRADED"},
		     {200, "OK"},
		     {201, "Created"},
		     {204, "No Content"},
		     {304, "Not Modified"},
		     {400, "Bad Request"},
		     {403, "Forbidden"},
		     {404, "Not Found"},
		     {405, "Method Not Allowed"},
		     {409, "Conflict"},
		     {505, "HTTP Version Not Supported"},
		     {500, "Internal Server Error"},
		     {501, "Not Implemented"},
		     {503, "Service Unavailable"}};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].status == status)
			return table[i].text;
	return "Unknown";
}

/* Bytes that were written and not taken: a socket takes more only where most of it is free, which
 * at a slow client is long after it began to take some. */
static int untaken(int fd)
{
	int n;
	return ioctl(fd, SIOCOUTQ, &n) < 0 ? 0 : n;
}

/* What the client makes us wait comes off our patience, what it takes earns some back. */
static ssize_t send_some(struct http *h, const struct iovec *parts, int count)
{
	if (!h->hurried)
		return TEMP_FAILURE_RETRY(writev(h->fd, parts, count));
	const int before = untaken(h->fd);
	const int64_t began = clock_ms(), most = h->patience > 0 ? h->patience : 1,
		      ms = most < SEND_STEP_MS ? most : SEND_STEP_MS;
	const struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	setsockopt(h->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	ssize_t n = TEMP_FAILURE_RETRY(writev(h->fd, parts, count));
	const bool waits = n < 0 && errno == EAGAIN;
	h->patience -= clock_ms() - began;
	earn(h, (n > 0 ? n : 0) + before - untaken(h->fd));
	return waits && h->patience > 0 ? 0 : n;
}

/* A client that is gone, or takes nothing, wants nothing more done for it. */
static void send_all(struct http *h, struct iovec *parts, int count)
{
	while (count) {
		ssize_t n = send_some(h, parts, count);
		if (n < 0)
			_exit(h->hurried ? HTTP_GONE : 0);
		for (; count && (size_t)n >= parts->iov_len; parts++, count--)
			n -= (ssize_t)parts->iov_len;
		if (count) {
			parts->iov_base = (char *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
}

#define SAME_HEADERS                                                                               \
	"Api-Version: " API_VERSION "\r\nDocker-Experimental: false\r\nOstype: linux\r\n"          \
	"Server: hull/" HULL_VERSION " (linux)\r\n"

/* What nobody asked of a body comes before the next request. A long one is not worth reading. */
static void drain(struct http *h)
{
	char piece[4096];
	ssize_t n = 1;
	for (size_t left = DRAIN_MAX; n > 0 && left && !h->q.expects && !h->lost; left--)
		n = http_read(h, piece, sizeof(piece));
	h->lost |= !h->body_ended;
}

static void put_head(struct http *h, struct strbuf *head, int status, const char *type)
{
	h->answered = true;
	end_turn(h);
	drain(h);
	strbuf_printf(head, "HTTP/1.1 %d %s\r\n" SAME_HEADERS, status, reason(status));
	if (type)
		strbuf_printf(head, "Content-Type: %s\r\n", type);
	strbuf_puts(head, h->headers ?: "");
	if (!h->q.keep || h->lost)
		strbuf_puts(head, "Connection: close\r\n");
}

void http_answer(struct http *h, int status, const char *type, const void *body, size_t len)
{
	CLEANUP_STRBUF struct strbuf head = STRBUF_MAX(HTTP_HEAD_MAX);
	bool has_body = !h->q.method || strcmp(h->q.method, "HEAD");
	put_head(h, &head, status, type);
	if (status != 204 && status != 304)
		strbuf_printf(&head, "Content-Length: %zu\r\n", len);
	strbuf_puts(&head, "\r\n");
	struct iovec parts[] = {{head.buf, head.len}, {(void *)body, len}};
	send_all(h, parts, has_body && len ? 2 : 1);
}

void http_begin(struct http *h, int status, const char *type, const char *headers)
{
	CLEANUP_STRBUF struct strbuf head = STRBUF_MAX(HTTP_HEAD_MAX);
	h->streaming = true;
	put_head(h, &head, status, type);
	strbuf_printf(&head, "%s%s\r\n", headers, h->q.old ? "" : "Transfer-Encoding: chunked\r\n");
	struct iovec part = {head.buf, head.len};
	send_all(h, &part, 1);
}

void http_write(struct http *h, const void *data, size_t len)
{
	char size[24];
	if (!len)
		return; /* would be the end */
	struct iovec parts[] = {{size, (size_t)snprintf(size, sizeof(size), "%zx\r\n", len)},
				{(void *)data, len},
				{"\r\n", 2}};
	if (h->q.old)
		send_all(h, parts + 1, 1);
	else
		send_all(h, parts, ARRAY_LEN(parts));
}

void http_end(struct http *h)
{
	struct iovec part = {"0\r\n\r\n", 5};
	if (!h->q.old)
		send_all(h, &part, 1);
	h->streaming = false;
	fcntl(h->fd, F_SETFL, fcntl(h->fd, F_GETFL) & ~O_ASYNC);
}

/* A child of ours turns the pipe into chunks. */
int http_pipe_open(struct http *h, const char *type, const char *headers, int seconds,
		   struct http_pipe *ret, struct err *e)
{
	int ends[2];
	drain(h); /* what the child takes would stay ours as the next request */
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	ret->fd = ends[1];
	ret->pid = fork_helper();
	if (ret->pid == 0) {
		char piece[PIECE];
		ssize_t n;
		close(ends[1]);
		h->hurried = true;
		h->patience = h->patience_max = seconds * 1000;
		while ((n = TEMP_FAILURE_RETRY(read(ends[0], piece, sizeof(piece)))) > 0) {
			if (!h->streaming)
				http_begin(h, 200, type, headers);
			http_write(h, piece, (size_t)n);
		}
		_exit(h->streaming);
	}
	close(ends[0]);
	if (ret->pid > 0)
		return 0;
	fd_drop(&ret->fd);
	return err_errno(e, errno, "cannot start a process");
}

int http_pipe_end(struct http *h, const char *type, const char *headers, struct http_pipe *p, int r)
{
	int status = 0;
	const struct timeval for_ever = {0};
	fd_drop(&p->fd);
	waitpid(p->pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == HTTP_GONE)
		_exit(0); /* an answer now would stand in the middle of a chunk, and wait again */
	setsockopt(h->fd, SOL_SOCKET, SO_SNDTIMEO, &for_ever, sizeof(for_ever));
	h->answered = h->streaming = WIFEXITED(status) && WEXITSTATUS(status);
	if (r == 0 && !h->streaming)
		http_begin(h, 200, type, headers);
	if (r == 0)
		http_end(h);
	return r;
}

/* Docker's Python library reads the head through a buffer, and what follows past it: bytes that
 * came together with the head are lost to it. So the head is read before they go out. Of a Unix
 * socket SIOCOUTQ is what the other end has not read; nothing tells when that changes. */
static void wait_for_reader(int fd)
{
	const struct timespec step = {.tv_nsec = 100 * 1000};
	const int64_t until = clock_ms() + READER_MS;
	int unread;
	while (ioctl(fd, SIOCOUTQ, &unread) == 0 && unread > 0 && clock_ms() < until)
		nanosleep(&step, NULL);
}

void http_hijack(struct http *h, const char *type)
{
	char headers[256];
	snprintf(headers, sizeof(headers), "Content-Type: %s\r\n%s", type,
		 h->q.upgrade ? "Connection: Upgrade\r\nUpgrade: tcp\r\n" : "");
	http_take_over(h, h->q.upgrade ? 101 : 200, headers);
	wait_for_reader(h->fd);
}

void http_take_over(struct http *h, int status, const char *headers)
{
	CLEANUP_STRBUF struct strbuf head = STRBUF_MAX(HTTP_HEAD_MAX);
	const struct timeval for_ever = {0};
	h->answered = h->taken = true;
	end_turn(h);
	setsockopt(h->fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	strbuf_printf(&head, "HTTP/1.1 %d %s\r\n" SAME_HEADERS "%s\r\n", status, reason(status),
		      headers);
	struct iovec part = {head.buf, head.len};
	send_all(h, &part, 1);
}

/* ---- a client that leaves ---- */

static void look(int signal, siginfo_t *info, void *context)
{
	char byte;
	int saved = errno;
	if (recv(info->si_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
		_exit(0);
	errno = saved;
}

void http_end_with_client(const struct http *h)
{
	const struct sigaction on = {.sa_sigaction = look, .sa_flags = SA_RESTART | SA_SIGINFO};
	siginfo_t now = {.si_signo = SIGRTMIN};
	sigaction(SIGRTMIN, &on, NULL);
	fcntl(h->fd, F_SETOWN, getpid());
	fcntl(h->fd, F_SETSIG, SIGRTMIN);
	fcntl(h->fd, F_SETFL, fcntl(h->fd, F_GETFL) | O_ASYNC);
	now.si_fd = h->fd;
	look(SIGRTMIN, &now, NULL);
}
