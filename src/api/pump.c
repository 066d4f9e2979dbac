/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: poll(2) over at most five descriptors. Read pump.h first. */
#include "api/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http_parse.h"
#include "base/arena.h"
#include "base/frames.h"

enum { CHUNK = HTTP_HEAD_MAX }; /* what HTTP had read ahead fits */

/* What was read on one side and not yet written to the other. */
struct chunk {
	size_t at, len;
	unsigned char data[FRAME_HEADER + CHUNK + DETACH_KEYS_MAX];
};

struct state {
	struct pump *p;
	struct chunk in, out;
	bool input_ended, process_ended, detached;
};

static void set_nonblocking(int fd)
{
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static bool again(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void client_gone(struct state *s)
{
	s->p->client = -1;
	s->input_ended = true;
	s->out.at = s->out.len = 0;
}

static void end_input(struct state *s)
{
	struct pump *p = s->p;
	if (p->input >= 0 && p->shut)
		shutdown(p->input, SHUT_WR);
	else if (p->input >= 0 && p->input != p->output[0])
		close(p->input);
	p->input = -1;
}

/* ---- from the client ---- */

static void take_input(struct state *s, const unsigned char *data, size_t len)
{
	struct chunk *c = &s->in;
	c->at = 0;
	if (s->p->keys)
		s->detached = detach_keys_filter(s->p->keys, data, len, c->data, &c->len);
	else
		memcpy(c->data, data, c->len = len);
	if (s->p->input < 0)
		c->len = 0; /* nobody reads it */
}

static void read_client(struct state *s)
{
	unsigned char data[CHUNK];
	ssize_t n = recv(s->p->client, data, sizeof(data), MSG_DONTWAIT);
	if (n > 0)
		take_input(s, data, (size_t)n);
	else if (n == 0)
		s->input_ended = true;
	else if (!again(n))
		client_gone(s);
}

static void write_input(struct state *s)
{
	struct chunk *c = &s->in;
	ssize_t n = s->p->shut ? send(s->p->input, c->data + c->at, c->len - c->at,
				      MSG_DONTWAIT | MSG_NOSIGNAL)
			       : write(s->p->input, c->data + c->at, c->len - c->at);
	if (n > 0) {
		c->at += (size_t)n;
	} else if (!again(n)) {
		/* Nobody reads it any more: docker drops it as well, and what follows. */
		c->at = c->len = 0;
		end_input(s);
	}
}

/* ---- to the client ---- */

static void read_output(struct state *s, int i)
{
	struct pump *p = s->p;
	struct chunk *c = &s->out;
	size_t head = p->frames ? FRAME_HEADER : 0;
	ssize_t n = read(p->output[i], c->data + head, CHUNK);
	if (again(n))
		return;
	if (n <= 0) { /* a terminal's end is EIO */
		if (p->input == p->output[i])
			p->input = -1;
		close(p->output[i]);
		p->output[i] = -1;
		return;
	}
	if (p->client < 0)
		return;
	if (head)
		frame_head(c->data, i + 1, (size_t)n);
	c->at = 0;
	c->len = head + (size_t)n;
}

static void write_client(struct state *s)
{
	struct chunk *c = &s->out;
	ssize_t n =
		send(s->p->client, c->data + c->at, c->len - c->at, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		c->at += (size_t)n;
	else if (!again(n))
		client_gone(s);
}

/* ---- the loop ---- */

enum { CLIENT, INPUT, OUTPUT, ERROR, PROCESS, PLACES };

static void plan(const struct state *s, struct pollfd fds[PLACES])
{
	const struct pump *p = s->p;
	bool in = s->in.at < s->in.len, out = s->out.at < s->out.len;
	bool takes = !in && !s->input_ended;
	fds[CLIENT] =
		(struct pollfd){p->client, (short)((takes ? POLLIN : 0) | (out ? POLLOUT : 0)), 0};
	fds[INPUT] = (struct pollfd){in ? p->input : -1, POLLOUT, 0};
	fds[OUTPUT] = (struct pollfd){out ? -1 : p->output[0], POLLIN, 0};
	fds[ERROR] = (struct pollfd){out ? -1 : p->output[1], POLLIN, 0};
	fds[PROCESS] = (struct pollfd){s->process_ended ? -1 : p->process, POLLIN, 0};
}

static void act(struct state *s, const struct pollfd fds[PLACES])
{
	struct pump *p = s->p;
	if (fds[PROCESS].revents)
		s->process_ended = s->input_ended = true;
	if (fds[INPUT].revents)
		write_input(s);
	if (fds[CLIENT].revents & POLLOUT)
		write_client(s);
	if (p->client >= 0 && fds[CLIENT].revents & POLLIN)
		read_client(s);
	else if (p->client >= 0 && fds[CLIENT].revents & (POLLHUP | POLLERR))
		client_gone(s);
	if (fds[OUTPUT].revents)
		read_output(s, 0);
	else if (fds[ERROR].revents)
		read_output(s, 1);
}

static bool is_over(const struct state *s)
{
	const struct pump *p = s->p;
	bool out = s->out.at < s->out.len && p->client >= 0;
	if (s->detached || p->process >= 0)
		return s->detached;
	return p->client < 0 || (!out && p->output[0] < 0 && p->output[1] < 0);
}

enum pump_end pump_run(struct pump *p)
{
	CLEANUP_ARENA struct arena a = {0};
	struct state *s = arena_new(&a, struct state);
	struct pollfd fds[PLACES];
	/* A pipe has no MSG_NOSIGNAL. Not earlier than here: containers would inherit it. */
	signal(SIGPIPE, SIG_IGN);
	s->p = p;
	set_nonblocking(p->input);
	set_nonblocking(p->output[0]);
	set_nonblocking(p->output[1]);
	if (p->first_len)
		take_input(s, (const unsigned char *)p->first, p->first_len);
	while (!is_over(s)) {
		if (s->input_ended && s->in.at == s->in.len)
			end_input(s);
		plan(s, fds);
		/* After the process only what is in the pipes counts, whoever else may hold them.
		 */
		bool draining = s->process_ended && s->out.at == s->out.len;
		if (TEMP_FAILURE_RETRY(poll(fds, PLACES, draining ? 0 : -1)) == 0)
			break;
		act(s, fds);
	}
	if (s->detached)
		return PUMP_DETACHED;
	return p->client < 0 ? PUMP_LEFT : PUMP_ENDED;
}
