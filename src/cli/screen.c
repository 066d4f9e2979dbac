/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on xterm's alternate screen (1049), termios(3), signalfd(2). Read screen.h first. */
#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { CTRL_C = 3, CTRL_D = 4, CTRL_Z = 26 };

static void show_own(bool own)
{
	/* Alternate screen, no cursor, lines are cut off instead of wrapped. */
	fputs(own ? "\033[?1049h\033[?25l\033[?7l" : "\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
}

int screen_enter(struct screen *s, struct err *e)
{
	static const int wanted[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
				     SIGPIPE, SIGTSTP, SIGCONT, SIGWINCH};
	sigset_t set;
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		sigaddset(&set, wanted[i]);
	sigprocmask(SIG_BLOCK, &set, &s->before);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return err_errno(e, errno, "cannot make a signalfd");
	int r = tty_raw_enter(STDIN_FILENO, &s->tty, e);
	if (r == 0)
		show_own(true);
	return r;
}

void screen_leave(struct screen *s)
{
	if (s->signals < 0)
		return;
	show_own(false);
	tty_raw_leave(&s->tty);
	close(s->signals);
	s->signals = -1;
	if (s->ended_by)
		raise(s->ended_by); /* as soon as it is no longer blocked */
	sigprocmask(SIG_SETMASK, &s->before, NULL);
}

void screen_show(const struct strbuf *lines)
{
	unsigned rows = 24, cols = 80;
	const char *line = lines->buf, *end = line + lines->len;
	tty_size(&rows, &cols);
	fputs("\033[H", stdout);
	for (unsigned row = 0; row < rows && line < end; row++) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);
		fprintf(stdout, "%s%.*s\033[0m\033[K", row ? "\r\n" : "", (int)len, line);
		line += len + 1;
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

static int stop_self(struct screen *s)
{
	struct tty_raw tty = s->tty;
	show_own(false);
	tty_raw_leave(&tty);
	raise(SIGSTOP);
	tty_raw_again(&s->tty);
	show_own(true);
	return SCREEN_REDRAW;
}

static int take_signal(struct screen *s)
{
	struct signalfd_siginfo info;
	if (read(s->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return SCREEN_REDRAW;
	if (info.ssi_signo == SIGTSTP)
		return stop_self(s);
	if (info.ssi_signo == SIGCONT) { /* after a SIGSTOP that nobody sees coming */
		tty_raw_again(&s->tty);
		show_own(true);
	}
	if (info.ssi_signo == SIGCONT || info.ssi_signo == SIGWINCH)
		return SCREEN_REDRAW;
	s->ended_by = (int)info.ssi_signo;
	return SCREEN_QUIT;
}

int screen_wait(struct screen *s, int64_t timeout_ms)
{
	struct pollfd fds[] = {{s->signals, POLLIN, 0}, {s->tty.fd, POLLIN, 0}};
	int r = poll(fds, 2, timeout_ms < 0 ? 0 : (int)timeout_ms);
	if (r == 0)
		return SCREEN_TIME;
	if (r < 0)
		return errno == EINTR ? SCREEN_REDRAW : SCREEN_QUIT;
	if (fds[0].revents)
		return take_signal(s);
	unsigned char key;
	if (read(s->tty.fd, &key, 1) != 1 || key == CTRL_C || key == CTRL_D || key == 'q')
		return SCREEN_QUIT; /* or the terminal is gone */
	return key == CTRL_Z ? stop_self(s) : key;
}
