/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets and processes: unix(7), sd_listen_fds(3), fork(2). A socket that a killed hulld left is
 * replaced; one that somebody listens on is not. Read server.h first.
 */
#include "api/server.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/api.h"
#include "api/exec_record.h"
#include "api/page.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/files.h"
#include "linux/namespaces.h"

/* Not in /run/hull, where nobody but root comes in. */
#define DEFAULT_HOST "unix:///run/hulld.sock"
enum { BACKLOG = 512, HANDED_FD = 3 };
enum listener { ALL, READ_ONLY, PAGE, LISTENERS };

struct server {
	const struct settings *settings;
	int listeners[LISTENERS];      /* or -1 */
	int shared, signals;           /* see page.h */
	int life[2];                   /* children see its end when this process ends */
	size_t children, looker_count; /* of the first, of the others */
	pid_t lookers[SERVER_LOOKERS_MAX];
};

/* ---- the socket ---- */

/* sd_listen_fds(3): it is ours if the variables say so. */
static int take_handed(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t number = 0;
	if (!pid || !count || uint_parse(pid, INT32_MAX, &number) < 0 ||
	    (pid_t)number != getpid() || strcmp(count, "1"))
		return -1;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	fcntl(HANDED_FD, F_SETFD, FD_CLOEXEC);
	return HANDED_FD;
}

/* Is somebody there? */
static bool is_served(const struct sockaddr_un *address)
{
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

/* (gid_t)-1: nobody but root, which "" asks for. One that was not asked for may be missing. */
static int find_group(const char *option, const char *name, const char *otherwise, struct arena *a,
		      gid_t *ret, struct err *e)
{
	uint32_t ids[2] = {0, (uint32_t)-1};
	const char *wanted = name ?: otherwise;
	CLEANUP_FD int root = dir_open(AT_FDCWD, "/", e);
	int r = root < 0 ? root : 0;
	if (r == 0 && *wanted)
		r = file_owner(root, arena_printf(a, "0:%s", wanted), a, ids, e);
	*ret = r < 0 ? (gid_t)-1 : ids[1];
	return r < 0 && name ? err_context(e, "%s %s", option, name) : 0;
}

static int listen_at(const char *host, gid_t group, struct arena *a, struct err *e)
{
	static const char scheme[] = "unix://";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strncmp(host, scheme, strlen(scheme)) || host[strlen(scheme)] != '/')
		return err_set(e, EINVAL, ERR_USAGE,
			       "invalid --host %s: hulld listens at unix:///PATH", host);
	const char *path = host + strlen(scheme);
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, EINVAL, ERR_USAGE,
			       "--host: a socket's path has at most %zu bytes",
			       sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (is_served(&address))
		return err_set(e, EADDRINUSE, ERR_CONFLICT, "somebody listens at %s already", path);
	int r = dir_make(AT_FDCWD, arena_strndup(a, path, (size_t)(strrchr(path, '/') - path) + 1),
			 0755, e);
	if (r < 0)
		return r;
	struct stat st;
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t before = umask(0117);
	r = fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
			    listen(fd, BACKLOG) < 0
		    ? -errno
		    : 0;
	umask(before);
	if (r < 0)
		return err_errno(e, r, "cannot listen at %s", path);
	/* 0660 from the beginning, by the umask; without a group it is root's alone. */
	if (group != (gid_t)-1 && chown(path, (uid_t)-1, group) < 0)
		return err_errno(e, errno, "cannot give %s to its group", path);
	return fd_steal(&fd);
}

/* ---- a connection ---- */

/* In a process of its own. */
static _Noreturn void serve(struct server *s, int fd, enum listener which)
{
	struct engine en;
	bool en_open = false;
	CLEANUP_ARENA struct arena kept = {0};
	struct http *h = arena_new(&kept, struct http);
	sigset_t none;
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < LISTENERS; i++)
		fd_drop(&s->listeners[i]);
	close(s->signals);
	close(s->life[1]);
	h->fd = fd;
	h->life = s->life[0];
	h->read_only = which != ALL;
	h->page = which == PAGE;
	h->shared = s->shared;
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

static void refuse(int fd)
{
	static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
				   "Content-Type: application/json\r\nContent-Length: 36\r\n\r\n"
				   "{\"message\":\"too many connections\"}\r\n";
	send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void accept_one(struct server *s, enum listener which)
{
	CLEANUP_FD int fd = accept4(s->listeners[which], NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	bool looker = which != ALL;
	bool busy = looker ? s->looker_count == SERVER_LOOKERS_MAX
			   : s->children == SERVER_CONNECTIONS_MAX;
	pid_t pid = busy ? -1 : fork();
	if (pid == 0)
		serve(s, fd, which);
	if (pid < 0)
		refuse(fd);
	else if (looker)
		s->lookers[s->looker_count++] = pid;
	else
		s->children++;
}

static void forget(struct server *s, pid_t pid)
{
	for (size_t i = 0; i < s->looker_count; i++)
		if (s->lookers[i] == pid) {
			s->lookers[i] = s->lookers[--s->looker_count];
			return;
		}
	s->children--;
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
	for (;;) {
		struct pollfd fds[1 + LISTENERS] = {{s->signals, POLLIN, 0}};
		for (int i = 0; i < LISTENERS; i++)
			fds[1 + i] = (struct pollfd){s->listeners[i], POLLIN, 0};
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return err_errno(e, errno, "cannot wait for clients");
		if (fds[0].revents && !take_signal(s))
			return 0;
		for (int i = 0; i < LISTENERS; i++)
			if (fds[1 + i].revents)
				accept_one(s, (enum listener)i);
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

static void end_at(const char *host)
{
	unlink(host + strlen("unix://"));
}

int server_run(const struct settings *settings, const struct server_hosts *hosts, struct arena *a,
	       struct err *e)
{
	struct server s = {
		.settings = settings, .listeners = {take_handed(), -1, -1}, .life = {-1, -1}};
	bool user = namespace_caller_is_user();
	const char *usual =
		user ? arena_printf(a, "unix://%s/hulld.sock", settings->runroot) : DEFAULT_HOST;
	const char *host = hosts->host && *hosts->host ? hosts->host : usual;
	bool own = s.listeners[0] < 0, more = hosts->read_only && *hosts->read_only;
	gid_t group, looking;
	if (hosts->read_only_group && !more)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--read-only-group needs the socket of --read-only-host");
	int r = find_group("--group", hosts->group, user ? "" : "docker", a, &group, e);
	if (r == 0)
		r = find_group("--read-only-group", hosts->read_only_group, "", a, &looking, e);
	if (r == 0 && own)
		r = s.listeners[0] = listen_at(host, group, a, e);
	if (r >= 0 && more)
		r = s.listeners[READ_ONLY] = listen_at(hosts->read_only, looking, a, e);
	if (r >= 0 && hosts->page)
		r = s.listeners[PAGE] = page_listen(hosts->page, a, e);
	if (r >= 0 && hosts->page)
		r = s.shared = page_share(e);
	s.signals = open_signals();
	if (r >= 0 && (s.signals < 0 || pipe2(s.life, O_CLOEXEC) < 0))
		r = err_errno(e, errno, "cannot begin to listen");
	if (r >= 0) {
		(void)!chdir("/");
		r = loop(&s, e);
	}
	if (own && s.listeners[0] >= 0)
		end_at(host);
	if (s.listeners[1] >= 0)
		end_at(hosts->read_only);
	return r;
}
