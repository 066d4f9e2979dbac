/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard descriptors of an exec without a terminal. Rests on pipe(7), poll(2), signalfd(2),
 * FIONREAD of ioctl_tty(2).
 *
 * A descriptor is a right: whoever has the caller's terminal reads its keys, whoever has a file
 * that was opened for appending opens it again for reading or empties it (/proc/self/fd), a folder
 * leads out of the container by "..", and a socket belongs to the host's network. So the process
 * gets the caller's descriptor only if that is an anonymous pipe, which nothing is behind; then no
 * byte passes through us. For everything else it gets a pipe of ours, and we carry the bytes.
 *
 * Invariant: a relay reads only when all that it read before is written, so at most one chunk of
 * each direction is held. Our ends of the pipes do not block; the process's do. Read exec_stdio.h
 * first.
 */
#include "cli/exec_stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/client.h"

enum { SLOT_SIGNALS = 3, SLOT_PROCESS, SLOTS };

static const char *const names[] = {"the standard input", "the standard output",
				    "the standard error"};

/* As pipe(2) makes them: a named one has a folder, and an owner who is not asked. */
static bool is_anonymous_pipe(int fd, const struct stat *st)
{
	struct statfs fs;
	return S_ISFIFO(st->st_mode) && fstatfs(fd, &fs) == 0 && fs.f_type == PIPEFS_MAGIC;
}

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static int make_pipe(struct exec_stdio *s, int i, struct err *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(e, errno, "cannot make a pipe");
	int theirs = i == STDIN_FILENO ? 0 : 1;
	s->process[i] = s->made[i] = ends[theirs];
	s->relays[i].ours = ends[!theirs];
	/* The flag is of this end only. */
	if (fcntl(s->relays[i].ours, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(e, errno, "cannot set up a pipe");
	s->relays[i].data = malloc(EXEC_STDIO_CHUNK);
	return s->relays[i].data ? 0 : err_errno(e, ENOMEM, "cannot carry %s", names[i]);
}

static int open_one(struct exec_stdio *s, int i, bool wanted, struct err *e)
{
	struct stat st;
	if (!wanted || fstat(i, &st) < 0 || is_null(&st))
		return 0; /* -1: the container's own /dev/null */
	if (S_ISDIR(st.st_mode)) {
		err_set(e, EISDIR, ERR_INVALID, "%s is a folder", names[i]);
		return err_hint(e, "give a file, a pipe or /dev/null");
	}
	if (!is_anonymous_pipe(i, &st))
		return make_pipe(s, i, e);
	s->process[i] = i;
	return 0;
}

int exec_stdio_open(struct exec_stdio *s, bool detached, bool with_stdin, struct err *e)
{
	int r = 0;
	for (int i = 0; i < 3; i++) {
		struct exec_relay *relay = &s->relays[i];
		s->process[i] = s->made[i] = relay->ours = -1;
		relay->at = relay->len = 0;
		relay->error = 0;
		relay->limit = SIZE_MAX;
		relay->data = NULL;
	}
	for (int i = 0; r == 0 && i < 3; i++)
		r = open_one(s, i, !detached && (with_stdin || i != STDIN_FILENO), e);
	return r;
}

void exec_stdio_given(struct exec_stdio *s)
{
	for (int i = 0; i < 3; i++)
		fd_drop(&s->made[i]);
}

void exec_stdio_close(struct exec_stdio *s)
{
	exec_stdio_given(s);
	for (int i = 0; i < 3; i++) {
		fd_drop(&s->relays[i].ours);
		free(s->relays[i].data);
		s->relays[i].data = NULL;
	}
}

/* ---- one relay: @i is the caller's descriptor ---- */

static void relay_take(struct exec_relay *r, int i)
{
	size_t room = r->limit < EXEC_STDIO_CHUNK ? r->limit : EXEC_STDIO_CHUNK;
	ssize_t n = read(i == STDIN_FILENO ? i : r->ours, r->data, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) { /* a terminal that was hung up is at its end too */
		fd_drop(&r->ours);
		return;
	}
	r->at = 0;
	r->len = (size_t)n;
	r->limit -= (size_t)n;
}

static void relay_give(struct exec_relay *r, int i)
{
	ssize_t n = write(i == STDIN_FILENO ? r->ours : i, r->data + r->at, r->len);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) { /* closing our end tells the writer, as its own pipe would */
		r->error = errno;
		r->len = 0;
		fd_drop(&r->ours);
		return;
	}
	r->at += (size_t)n;
	r->len -= (size_t)n;
}

static struct pollfd relay_wish(const struct exec_relay *r, int i)
{
	bool input = i == STDIN_FILENO;
	if (r->ours < 0)
		return (struct pollfd){-1, 0, 0};
	if (r->len)
		return (struct pollfd){input ? r->ours : i, POLLOUT, 0};
	return (struct pollfd){input ? i : r->ours, POLLIN, 0};
}

/* The process has ended, and all that it wrote is in the pipe: take that, and not what a process
 * which it left behind goes on writing. */
static void relay_last(struct exec_relay *r, int i)
{
	int waiting = 0;
	if (r->ours < 0)
		return;
	if (i == STDIN_FILENO || ioctl(r->ours, FIONREAD, &waiting) < 0)
		waiting = 0;
	if (i == STDIN_FILENO)
		r->len = 0;
	r->limit = (size_t)waiting;
}

static bool relay_is_over(struct exec_relay *r)
{
	if (r->ours >= 0 && !r->len && !r->limit)
		fd_drop(&r->ours);
	return r->ours < 0;
}

/* ---- all of them ---- */

static bool all_over(struct exec_stdio *s)
{
	bool over = true;
	for (int i = 0; i < 3; i++)
		over &= relay_is_over(&s->relays[i]);
	return over;
}

static void move_bytes(struct exec_stdio *s, const struct pollfd *fds)
{
	for (int i = 0; i < 3; i++) {
		if (!fds[i].revents || s->relays[i].ours < 0)
			continue;
		if (fds[i].events == POLLIN)
			relay_take(&s->relays[i], i);
		else
			relay_give(&s->relays[i], i);
	}
}

/* Told once, at the end. No reader is no news: the process was told by its pipe. */
static int check_lost(const struct exec_stdio *s, struct err *e)
{
	for (int i = 1; i < 3; i++)
		if (s->relays[i].error && s->relays[i].error != EPIPE)
			return cli_output_lost(names[i], s->relays[i].error, e);
	return 0;
}

static int catch_signals(struct err *e)
{
	static const int ours[] = {SIGCHLD, SIGPIPE, SIGURG, SIGTTIN, SIGTTOU, SIGTSTP, SIGCONT};
	sigset_t caught, blocked;
	sigfillset(&caught);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		sigdelset(&caught, ours[i]);
	blocked = caught;
	sigaddset(&blocked, SIGPIPE); /* a write says EPIPE instead */
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	int fd = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(e, errno, "cannot catch signals") : fd;
}

/* 0, or the signal that came. */
static int next_signal(int signals)
{
	struct signalfd_siginfo info;
	return read(signals, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_signo : 0;
}

int exec_stdio_serve(struct exec_stdio *s, int pidfd, void (*on_signal)(void *ctx, int signal),
		     void *ctx, struct err *e)
{
	bool ended = false;
	unsigned wishes = 0;
	CLEANUP_FD int signals = catch_signals(e);
	if (signals < 0)
		return signals;
	while (!all_over(s) || !ended) {
		struct pollfd fds[SLOTS] = {[SLOT_SIGNALS] = {signals, POLLIN, 0},
					    [SLOT_PROCESS] = {ended ? -1 : pidfd, POLLIN, 0}};
		for (int i = 0; i < 3; i++)
			fds[i] = relay_wish(&s->relays[i], i);
		if (poll(fds, SLOTS, -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_errno(e, errno, "cannot wait for the process");
		}
		int number = fds[SLOT_SIGNALS].revents ? next_signal(signals) : 0;
		if (number && !ended)
			on_signal(ctx, number);
		if (client_is_forced(&wishes, number))
			return 1;
		move_bytes(s, fds);
		if (fds[SLOT_PROCESS].revents) {
			ended = true;
			for (int i = 0; i < 3; i++)
				relay_last(&s->relays[i], i);
		}
	}
	return check_lost(s, e);
}
