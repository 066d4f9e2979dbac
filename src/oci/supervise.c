/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A foreground process. Rests on signalfd(2), pidfds, and a raw terminal (linux/tty.h).
 * Invariant: bytes are read from a side only once what was read of it before is written, so nothing
 * piles up here. Read supervise.h first.
 */
#include "oci/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "linux/pidfd.h"
#include "linux/pty.h"
#include "linux/tty.h"
#include "oci/notify.h"

enum { CHUNK = 16384 };
enum { AT_END, AT_SIGNAL, AT_INPUT, AT_MASTER, AT_NOTIFY, PLACES };

struct watch {
	struct runtime_process *process;
	struct pollfd places[PLACES];
	size_t at, len; /* of the input that the terminal has not taken yet */
	char input[CHUNK];
};

static void wanted(sigset_t *set)
{
	static const int not_ours[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPIPE};
	sigfillset(set);
	for (size_t i = 0; i < ARRAY_LEN(not_ours); i++)
		sigdelset(set, not_ours[i]);
}

void supervise_begin(void)
{
	sigset_t set;
	wanted(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void take_size(const struct watch *w)
{
	unsigned rows, columns;
	if (w->process->pty_fd >= 0 && tty_size(&rows, &columns))
		pty_resize(w->process->pty_fd, rows, columns);
}

/* Orphans of a container that shares our pid namespace come to us. */
static void reap_others(const struct watch *w)
{
	siginfo_t info;
	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0 ||
		    info.si_pid == w->process->pid)
			return;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
}

static void on_signal(const struct watch *w)
{
	struct signalfd_siginfo s;
	if (read(w->places[AT_SIGNAL].fd, &s, sizeof(s)) != sizeof(s))
		return;
	if (s.ssi_signo == SIGCHLD)
		reap_others(w);
	else if (s.ssi_signo == SIGWINCH)
		take_size(w);
	else if (s.ssi_signo != SIGURG)
		pidfd_signal(w->process->pidfd, (int)s.ssi_signo);
}

static void on_input(struct watch *w)
{
	ssize_t n = read(0, w->input, CHUNK);
	if (n > 0) {
		w->at = 0;
		w->len = (size_t)n;
	} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
		w->places[AT_INPUT].fd = -1;
	}
}

static void flush_input(struct watch *w)
{
	ssize_t n = write(w->process->pty_fd, w->input + w->at, w->len - w->at);
	if (n > 0)
		w->at += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		w->at = w->len;
}

/* False at the end: all slaves are closed (EIO), or there is nothing at the moment. */
static bool copy_output(struct watch *w)
{
	char text[CHUNK];
	ssize_t n = read(w->process->pty_fd, text, sizeof(text));
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		w->places[AT_MASTER].fd = -1;
	return n > 0 && fd_write_full(1, text, (size_t)n) == 0;
}

static int look(struct watch *w, struct err *e)
{
	struct pollfd *p = w->places;
	bool pending = w->at < w->len;
	if (w->process->pty_fd >= 0 && p[AT_MASTER].fd >= 0) {
		p[AT_MASTER].events = (short)(POLLIN | (pending ? POLLOUT : 0));
		p[AT_INPUT].events = pending ? 0 : POLLIN;
	}
	if (poll(p, PLACES, -1) < 0)
		return errno == EINTR ? 0 : err_errno(e, errno, "cannot wait for the process");
	if (p[AT_SIGNAL].revents)
		on_signal(w);
	if (p[AT_MASTER].revents & POLLOUT)
		flush_input(w);
	if (p[AT_MASTER].revents & (POLLIN | POLLHUP | POLLERR))
		copy_output(w);
	if (p[AT_INPUT].revents && w->at == w->len)
		on_input(w);
	if (p[AT_NOTIFY].revents && notify_pass(p[AT_NOTIFY].fd, w->process->pid, e) != 0)
		p[AT_NOTIFY].fd = -1;
	return p[AT_END].revents ? 1 : 0;
}

static int conclude(struct watch *w, struct err *e)
{
	int status;
	while (w->places[AT_MASTER].fd >= 0 && copy_output(w))
		;
	int r = pidfd_wait_child(w->process->pidfd, &status);
	if (r < 0)
		return err_errno(e, r, "cannot learn how the process ended");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int supervise(struct runtime_process *p, int notify, struct err *e)
{
	sigset_t set;
	wanted(&set);
	CLEANUP_FD int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	CLEANUP_TTY struct tty_raw raw = {.fd = -1};
	struct watch w = {.process = p,
			  .places = {[AT_END] = {p->pidfd, POLLIN, 0},
				     [AT_SIGNAL] = {signals, POLLIN, 0},
				     [AT_INPUT] = {p->pty_fd >= 0 ? 0 : -1, POLLIN, 0},
				     [AT_MASTER] = {p->pty_fd, POLLIN, 0},
				     [AT_NOTIFY] = {notify, POLLIN, 0}}};
	if (signals < 0)
		return err_errno(e, errno, "cannot take signals");
	int r = p->pty_fd >= 0 ? tty_raw_enter(0, &raw, e) : 0;
	if (p->pty_fd >= 0 && fcntl(p->pty_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, errno, "cannot use the terminal");
	take_size(&w);
	while (r == 0)
		r = look(&w, e);
	return r < 0 ? r : conclude(&w, e);
}
