/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: fork(2), signalfd(2), poll(2). Read server.h first, listen.h for the sockets, door.h
 * for clients that come over TCP.
 */
#include "api/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/api.h"
#include "api/door.h"
#include "api/exec_record.h"
#include "api/mender.h"
#include "api/page.h"
#include "base/cleanup.h"

enum { OVER_TLS = 3 };
struct crowd {
	size_t most, place; /* how many; the first one's place among the turns */
	pid_t pids[SERVER_CONNECTIONS_MAX];
};

struct server {
	const struct settings *settings;
	struct listeners listeners;
	struct doors doors;
	struct crowd crowds[6]; /* by enum audience; over TLS so many more */
	int shared, signals;    /* see page.h */
	struct turns turns;
	struct mender mender;
	int life[2]; /* children see its end when this process ends */
};

/* ---- a connection ---- */

/* What a child of this process does not have. */
static void apart(void *ctx)
{
	struct server *s = ctx;
	sigset_t none;
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	listeners_close(&s->listeners);
	doors_close(&s->doors);
	mender_close(&s->mender);
	close(s->signals);
	close(s->life[1]);
}

/* In a process of its own. */
static _Noreturn void serve(struct server *s, int fd, enum audience who, size_t place)
{
	struct engine en;
	bool en_open = false;
	CLEANUP_ARENA struct arena kept = {0};
	struct http *h = arena_new(&kept, struct http);
	apart(s);
	h->fd = fd;
	h->life = s->life[0];
	h->read_only = who != MAY_DO_ALL;
	h->page = who == SEES_PAGE;
	h->shared = s->shared;
	h->turns = &s->turns;
	h->place = place;
	do {
		CLEANUP_ARENA struct arena a = {0};
		struct err e = {0};
		int r = http_next(h, &a, &e);
		if (r < 0)
			answer_error(h, r == -EPROTONOSUPPORT ? 505 : 400, &e);
		if (r <= 0)
			break;
		call_serve(h, s->settings, &en, &en_open, &kept, &a);
		if (en_open)
			arena_free(&en.notes);
		if (en_open)
			en.warnings = (struct strv){0};
	} while (h->q.keep && !h->lost && !h->streaming && !h->taken);
	if (en_open) {
		exec_records_sweep(&en);
		engine_close(&en);
	}
	_exit(0);
}

static void refuse(int fd, size_t most)
{
	char body[160], answer[320];
	int length = snprintf(
		body, sizeof(body),
		"{\"message\":\"too many connections: %zu are open, and no more are served "
		"at once; close some, or try again\"}\r\n",
		most);
	int n = snprintf(answer, sizeof(answer),
			 "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
			 "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			 length, body);
	send(fd, answer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* @fd stays the caller's. */
static void serve_apart(struct server *s, int fd, enum audience who, bool tls)
{
	struct crowd *c = &s->crowds[who + (tls ? OVER_TLS : 0)];
	size_t i = 0;
	while (i < c->most && c->pids[i])
		i++;
	pid_t pid = i == c->most ? -1 : fork();
	if (pid == 0)
		serve(s, fd, who, c->place + i);
	if (pid < 0)
		refuse(fd, c->most);
	else
		c->pids[i] = pid;
}

static void accept_one(struct server *s, const struct listener *l)
{
	CLEANUP_FD int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0 && l->tls)
		door_add(&s->doors, fd_steal(&fd), l->who);
	else if (fd >= 0)
		serve_apart(s, fd, l->who, false);
}

/* Of TLS all that are there: who of them is next is known when they are. */
static void accept_those(struct server *s, const struct listener *l)
{
	struct pollfd more = {l->fd, POLLIN, 0};
	size_t i = 0;
	do
		accept_one(s, l);
	while (l->tls && ++i < CALLERS_MAX && poll(&more, 1, 0) > 0);
}

static void let_in(struct server *s, size_t i)
{
	CLEANUP_FD int stream = -1;
	enum audience who;
	if (door_take(&s->doors, i, &stream, &who))
		serve_apart(s, stream, who, true);
}

static void forget(struct server *s, pid_t pid)
{
	doors_forget(&s->doors, pid);
	mender_forget(&s->mender, pid);
	for (size_t k = 0; k < ARRAY_LEN(s->crowds); k++)
		for (size_t i = 0; i < s->crowds[k].most; i++)
			if (s->crowds[k].pids[i] == pid) {
				s->crowds[k].pids[i] = 0;
				turn_end(&s->turns, s->crowds[k].place + i);
			}
}

/* ---- the loop ---- */

/* 1: go on. */
static int take_signal(struct server *s)
{
	struct signalfd_siginfo info;
	if (read(s->signals, &info, sizeof(info)) != sizeof(info) || info.ssi_signo != SIGCHLD)
		return 0;
	for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
		forget(s, pid);
	return 1;
}

static int loop(struct server *s, struct err *e)
{
	struct pollfd fds[2 + LISTENERS_MAX + DOORS_MAX];
	for (;;) {
		size_t count = 2, listeners = s->listeners.count;
		doors_fill(&s->doors);
		int busy = doors_wait(&s->doors), mend = mender_wait(&s->mender);
		int wait = busy >= 0 && (mend < 0 || busy < mend) ? busy : mend;
		fds[0] = (struct pollfd){s->signals, POLLIN, 0};
		fds[1] = (struct pollfd){mender_fd(&s->mender), POLLIN, 0};
		for (size_t i = 0; i < listeners; i++) {
			fds[count++] = (struct pollfd){s->listeners.items[i].fd, POLLIN, 0};
		}
		size_t doors = doors_watch(&s->doors, fds + count);
		if (poll(fds, count + doors, wait) < 0 && errno != EINTR)
			return err_errno(e, errno, "cannot wait for clients");
		if (fds[0].revents && !take_signal(s))
			return 0;
		mender_work(&s->mender, s->settings, apart, s);
		/* From the last to the first, as the rest moves up; before new ones come. */
		for (size_t i = doors; i-- > 0;)
			if (fds[count + i].revents)
				let_in(s, i);
		for (size_t i = 0; i < listeners; i++)
			if (fds[2 + i].revents)
				accept_those(s, &s->listeners.items[i]);
	}
}

static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int server_run(const struct settings *settings, const struct server_hosts *hosts, struct arena *a,
	       struct err *e)
{
	static struct server s = {.crowds = {[MAY_DO_ALL] = {.most = SERVER_CONNECTIONS_MAX},
					     [MAY_LOOK] = {.most = SERVER_LOOKERS_MAX},
					     [SEES_PAGE] = {.most = SERVER_LOOKERS_MAX},
					     [OVER_TLS + MAY_DO_ALL] = {.most = SERVER_TLS_MAX},
					     [OVER_TLS + MAY_LOOK] = {.most = SERVER_LOOKERS_MAX}},
				  .mender = MENDER_CLOSED,
				  .life = {-1, -1}};
	size_t places = 0;
	for (size_t k = 0; k < ARRAY_LEN(s.crowds); k++) {
		s.crowds[k].place = places;
		places += s.crowds[k].most;
	}
	s.settings = settings;
	int r = listeners_open(settings, hosts, a, &s.listeners, e);
	if (r < 0)
		return r;
	if (hosts->verify)
		r = doors_open(&s.doors, settings, hosts, &s.listeners, a, e);
	if (r == 0 && hosts->page) {
		s.shared = page_share(e);
		r = s.shared < 0 ? s.shared : 0;
	}
	if (r == 0 && (r = turns_open(&s.turns, places)) < 0)
		err_errno(e, r, "cannot make the table of turns");
	s.signals = open_signals();
	if (r == 0 && (s.signals < 0 || pipe2(s.life, O_CLOEXEC) < 0))
		r = err_errno(e, errno, "cannot begin to listen");
	if (r == 0) {
		(void)!chdir("/");
		mender_open(&s.mender);
		r = loop(&s, e);
	}
	listeners_end(&s.listeners);
	return r;
}
