/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of an attached client. Rests on poll(2), signalfd(2), termios(3).
 *
 * Output is written as it comes, blocking: a slow reader of ours slows the container down, as a
 * pipe would. Input is read only when the last of it is on its way, so at most one chunk is held.
 *
 * Signals: with `proxy` every signal that can be caught goes to the container, and ours is the last
 * word of none but the third INT or TERM, which ends the client and leaves the container alone.
 * With a raw terminal the keys make the container's signals; TERM, HUP, INT and QUIT sent to us
 * from outside end the client, after the terminal is itself again. Read client.h first.
 */
#include "cli/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cli/cli.h"
#include "base/frames.h"
#include "linux/tty.h"

enum { CHUNK = 32 * 1024, INPUT_SIZE = CHUNK + DETACH_KEYS_MAX, FORCED_AT = 3 };
enum { SLOT_STREAM, SLOT_STDIN, SLOT_SIGNALS, SLOT_WATCH, SLOT_ALSO, SLOTS };

struct pump {
	struct client *c;
	struct frames frames;
	struct tty_raw *tty;
	int signals;                /* signalfd, or -1 */
	bool stdin_open;            /* more input may come */
	int ended_by;               /* signal */
	unsigned wishes;            /* INT and TERM that came */
	unsigned char *input;       /* of INPUT_SIZE */
	size_t input_at, input_len; /* what the stream did not take yet */
};

static int write_output(void *ctx, int stream, const unsigned char *data, size_t len, struct err *e)
{
	struct pump *p = ctx;
	bool wanted = stream == 1 ? p->c->with_stdout : p->c->with_stderr;
	if (!wanted)
		return 0;
	int r = fd_write_full(stream == 1 ? STDOUT_FILENO : STDERR_FILENO, data, len);
	if (r == -EIO && p->c->raw)
		p->ended_by = SIGHUP; /* the terminal is gone, and its signal on the way */
	return r < 0 ? cli_output_lost("the container's output", r, e) : 0;
}

/* 1: the stream has ended. */
static int take_output(struct pump *p, struct err *e)
{
	static unsigned char chunk[CHUNK]; /* large: nothing clears it, and there is one loop */
	ssize_t n = read(p->c->stream, chunk, sizeof(chunk));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	/* A pty master says EIO when the last process has closed the other side. */
	if (n == 0 || (n < 0 && (errno == EIO || errno == ECONNRESET)))
		return 1;
	if (n < 0)
		return err_errno(e, errno, "cannot read the container's output");
	if (p->c->raw)
		return write_output(p, 1, chunk, (size_t)n, e);
	return frames_feed(&p->frames, chunk, (size_t)n, write_output, p, e);
}

static void end_input(struct pump *p)
{
	p->stdin_open = false;
	if (p->c->is_socket && !p->input_len)
		shutdown(p->c->stream, SHUT_WR);
}

/* Write what is held; what the stream does not take now is kept. */
static void give_input(struct pump *p)
{
	ssize_t n = p->c->is_socket ? send(p->c->stream, p->input + p->input_at, p->input_len,
					   MSG_DONTWAIT | MSG_NOSIGNAL)
				    : write(p->c->stream, p->input + p->input_at, p->input_len);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) { /* nobody reads it any more; the output may still go on */
		p->input_len = 0;
		p->stdin_open = false;
		return;
	}
	p->input_at += (size_t)n;
	p->input_len -= (size_t)n;
	if (!p->input_len && !p->stdin_open)
		end_input(p);
}

/* 1: the detach keys were typed. */
static int take_input(struct pump *p)
{
	static unsigned char chunk[CHUNK];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0) {
		end_input(p);
		return 0;
	}
	p->input_at = 0;
	p->input_len = (size_t)n;
	if (!p->c->raw)
		memcpy(p->input, chunk, (size_t)n);
	else if (detach_keys_filter(&p->c->detach, chunk, (size_t)n, p->input, &p->input_len))
		return 1;
	if (p->input_len)
		give_input(p);
	return 0;
}

static void resize(struct pump *p)
{
	unsigned rows, cols;
	if (p->c->on_resize && tty_size(&rows, &cols))
		p->c->on_resize(p->c->ctx, rows, cols);
}

/* An enum client_end when the client ends, else -1. */
static int take_signal(struct pump *p)
{
	struct signalfd_siginfo info;
	if (read(p->signals, &info, sizeof(info)) != sizeof(info))
		return -1;
	int number = (int)info.ssi_signo;
	if (p->c->raw && number == SIGWINCH) {
		resize(p);
		return -1;
	}
	if (p->c->raw && number == SIGCONT) {
		tty_raw_again(p->tty);
		resize(p);
		return -1;
	}
	if (!p->c->raw) {
		p->c->on_signal(p->c->ctx, number);
		return client_is_forced(&p->wishes, number) ? CLIENT_FORCED : -1;
	}
	p->ended_by = number;
	return CLIENT_SIGNALLED;
}

/* What is caught: see the head of this file. Never the ones that mean hull itself. */
static bool wanted_signals(const struct client *c, sigset_t *ret)
{
	static const int of_terminal[] = {SIGWINCH, SIGCONT, SIGHUP, SIGTERM, SIGINT, SIGQUIT};
	static const int ours[] = {SIGCHLD, SIGPIPE, SIGURG, SIGTTIN, SIGTTOU};
	if (!c->raw && !c->proxy)
		return false;
	if (c->raw) {
		sigemptyset(ret);
		for (size_t i = 0; i < ARRAY_LEN(of_terminal); i++)
			sigaddset(ret, of_terminal[i]);
		return true;
	}
	sigfillset(ret);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		sigdelset(ret, ours[i]);
	return true;
}

bool client_is_forced(unsigned *count, int signal)
{
	if ((signal != SIGINT && signal != SIGTERM) || ++*count < FORCED_AT)
		return false;
	cli_notice("got 3 SIGTERM/SIGINTs, forcefully exiting");
	return true;
}

static int loop(struct pump *p, struct err *e)
{
	for (;;) {
		bool holding = p->input_len > 0;
		struct pollfd fds[SLOTS] = {
			[SLOT_STREAM] = {p->c->stream, (short)(POLLIN | (holding ? POLLOUT : 0)),
					 0},
			[SLOT_STDIN] = {p->stdin_open && !holding ? STDIN_FILENO : -1, POLLIN, 0},
			[SLOT_SIGNALS] = {p->signals, POLLIN, 0},
			[SLOT_WATCH] = {p->c->watch, POLLIN, 0},
			[SLOT_ALSO] = {p->c->on_also ? p->c->also : -1, POLLIN, 0},
		};
		if (poll(fds, SLOTS, -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_errno(e, errno, "cannot wait for the container's output");
		}
		if (fds[SLOT_ALSO].revents)
			p->c->on_also(p->c->also_ctx);
		int end = fds[SLOT_SIGNALS].revents ? take_signal(p) : -1;
		if (end >= 0)
			return end;
		if (fds[SLOT_STREAM].revents & POLLOUT && holding)
			give_input(p);
		if (fds[SLOT_STREAM].revents & (POLLIN | POLLHUP | POLLERR)) {
			int r = take_output(p, e);
			if (r < 0)
				return p->ended_by ? CLIENT_SIGNALLED : r;
			if (r == 1)
				return CLIENT_ENDED;
		} else if (fds[SLOT_WATCH].revents) {
			return CLIENT_ENDED; /* the process is gone, and its output was taken */
		}
		if (fds[SLOT_STDIN].revents && take_input(p))
			return CLIENT_DETACHED;
	}
}

int client_run(struct client *c, int *ret_signal, struct err *e)
{
	struct tty_raw tty CLEANUP_TTY = {.fd = -1};
	sigset_t caught, before, broken_pipe;
	CLEANUP_FD int signals = -1;
	static unsigned char input[INPUT_SIZE];
	struct pump p = {
		.c = c, .tty = &tty, .stdin_open = c->with_stdin, .signals = -1, .input = input};
	sigemptyset(&broken_pipe);
	sigaddset(&broken_pipe, SIGPIPE);
	sigprocmask(SIG_BLOCK, &broken_pipe, &before); /* a write says EPIPE instead */
	if (wanted_signals(c, &caught)) {
		sigprocmask(SIG_BLOCK, &caught, NULL);
		p.signals = signals = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
	}
	int r = 0;
	if (c->raw && c->with_stdin)
		r = tty_raw_enter(STDIN_FILENO, &tty, e);
	if (c->raw)
		resize(&p);
	if (r == 0)
		r = loop(&p, e);
	*ret_signal = p.ended_by;
	c->with_stdin = p.stdin_open;
	tty_raw_leave(&tty);
	/* A broken pipe was told by the write: its signal must not come now. */
	sigtimedwait(&broken_pipe, NULL, &(struct timespec){0, 0});
	/* It may come yet, and must not end us before the container was told. */
	if (p.ended_by == SIGHUP)
		sigaddset(&before, SIGHUP);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
