/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on socketpair(2), tcp(7). Read door.h first, then tls/main.c. */
#include "api/door.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/option_value.h"
#include "linux/namespaces.h"
#include "tls/wire.h"

enum { AUTHORITY, OWN_FILES = 4, LOOKERS_AUTHORITY = OWN_FILES };
static const char *const options[] = {"--tlscacert", "--tlscert", "--tlskey", "--tlscrl",
				      "--read-only-tlscacert"};
static const char *const names[] = {"ca.pem", "cert.pem", "key.pem", NULL, NULL};
static char *const no_env[] = {NULL};

/* ---- the files ---- */

/* Where hull.conf is. */
static const char *default_folder(struct arena *a)
{
	const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
	if (!namespace_caller_is_user())
		return "/etc/hull";
	return config && *config == '/' ? arena_printf(a, "%s/hull", config)
					: arena_printf(a, "%s/.config/hull", home ?: "");
}

static int name_files(struct doors *d, const struct server_hosts *hosts, struct arena *a,
		      struct err *e)
{
	char *const given[] = {hosts->ca, hosts->cert, hosts->key, hosts->crl, hosts->lookers_ca};
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(given); i++) {
		if (!given[i] && !names[i])
			continue;
		char *path = given[i] && *given[i]
				     ? given[i]
				     : arena_printf(a, "%s/%s", default_folder(a), names[i] ?: "");
		r = path_from_cwd(path, &path, a, e);
		d->files[i] = path;
	}
	return r;
}

/* ---- hull-tls ---- */

static void close_files(struct helper_fd (*fds)[HELPER_FDS_MAX])
{
	for (size_t i = 0; i < ARRAY_LEN(*fds); i++)
		if ((*fds)[i].to >= TLS_FD_CA)
			fd_drop(&(*fds)[i].from);
}

/* Not one that waits for a writer: who opens it is the listener. */
static int open_file(const char *option, const char *path, struct err *e)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(e, errno, "%s %s", option, path);
	if (S_ISREG(st.st_mode))
		return fd_steal(&fd);
	err_set(e, EINVAL, ERR_INVALID, "%s %s: is no regular file", option, path);
	return err_hint(e, "it is opened anew for each client, so a pipe will not do");
}

/* Of TLS_FD_CLIENT and TLS_FD_STREAM there are @fds already. */
static int start(const struct doors *d, enum audience who, const struct helper_fd *given,
		 size_t count, struct helper *ret, struct err *e)
{
	CLEANUP(close_files) struct helper_fd fds[HELPER_FDS_MAX] = {0};
	for (size_t i = 0; i < count; i++)
		fds[i] = given[i];
	for (size_t i = 0; i < OWN_FILES; i++) {
		bool theirs = i == AUTHORITY && who == MAY_LOOK && d->files[LOOKERS_AUTHORITY];
		size_t file = theirs ? LOOKERS_AUTHORITY : i;
		if (!d->files[file])
			continue;
		int fd = open_file(options[file], d->files[file], e);
		if (fd < 0)
			return fd;
		fds[count++] = (struct helper_fd){fd, TLS_FD_CA + (int)i};
	}
	return helper_start(ret, d->libexec, "hull-tls", no_env, fds, count, e);
}

/* 0: TLS_READY. */
static int hear(struct helper *h, struct err *e)
{
	char message[TLS_MESSAGE_MAX + 1] = "";
	ssize_t n = TEMP_FAILURE_RETRY(recv(h->sock, message, TLS_MESSAGE_MAX, 0));
	if (n > 0 && *message == TLS_READY)
		return 0;
	return err_set(e, EPROTO, ERR_INVALID, "%s",
		       n > 0 ? message + 1 : "hull-tls ended without a word");
}

/* Are they good for @who? */
static int look_at_files(const struct doors *d, enum audience who, struct err *e)
{
	struct helper h = HELPER_NONE;
	int r = start(d, who, NULL, 0, &h, e);
	if (r == 0 && (r = hear(&h, e)) < 0 && who == MAY_LOOK && d->files[LOOKERS_AUTHORITY])
		err_context(e, "with %s as --tlscacert", options[LOOKERS_AUTHORITY]);
	helper_stop(&h);
	return r;
}

int doors_open(struct doors *d, const struct settings *s, const struct server_hosts *hosts,
	       const struct listeners *l, struct arena *a, struct err *e)
{
	bool all = listeners_use_tls(l, MAY_DO_ALL), look = listeners_use_tls(l, MAY_LOOK);
	char *libexec;
	int r = settings_libexec(&libexec, a, e);
	d->libexec = libexec;
	d->debug = s->debug;
	if (r == 0)
		r = name_files(d, hosts, a, e);
	if (r == 0 && all)
		r = look_at_files(d, MAY_DO_ALL, e);
	if (r == 0 && look)
		r = look_at_files(d, MAY_LOOK, e);
	if (r == 0 && all && look && !d->files[LOOKERS_AUTHORITY])
		fprintf(stderr, "warning: who has a certificate for --read-only-host is root at "
				"--host: both take those of --tlscacert; give another authority "
				"with --read-only-tlscacert\n");
	return r;
}

/* ---- clients ---- */

static void drop(struct doors *d, size_t i)
{
	fd_drop(&d->items[i].stream);
	helper_stop(&d->items[i].helper);
	memmove(&d->items[i], &d->items[i + 1], (--d->count - i) * sizeof(*d->items));
}

/* One that has gone without a word is noticed. */
static void tune(int client)
{
	const struct {
		int level, name, value;
	} table[] = {{SOL_SOCKET, SO_KEEPALIVE, 1},
		     {IPPROTO_TCP, TCP_KEEPIDLE, 30},
		     {IPPROTO_TCP, TCP_KEEPINTVL, 10},
		     {IPPROTO_TCP, TCP_KEEPCNT, 6},
		     {IPPROTO_TCP, TCP_NODELAY, 1}};
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		setsockopt(client, table[i].level, table[i].name, &table[i].value, sizeof(int));
	fcntl(client, F_SETFL, fcntl(client, F_GETFL) | O_NONBLOCK);
}

static uint64_t origin(int client)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} peer = {0};
	socklen_t len = sizeof(peer);
	uint64_t from = 0;
	if (getpeername(client, &peer.any, &len) < 0)
		return 0;
	if (peer.any.sa_family == AF_INET)
		memcpy(&from, &peer.v4.sin_addr, sizeof(peer.v4.sin_addr));
	else if (IN6_IS_ADDR_V4MAPPED(&peer.v6.sin6_addr))
		memcpy(&from, &peer.v6.sin6_addr.s6_addr[12], sizeof(peer.v4.sin_addr));
	else
		memcpy(&from, &peer.v6.sin6_addr, sizeof(from));
	return from;
}

static size_t places_of(const struct doors *d, uint64_t from)
{
	size_t n = 0;
	for (size_t i = 0; i < d->count; i++)
		n += d->items[i].from == from;
	return n;
}

static size_t calls_of(const struct doors *d, uint64_t from)
{
	size_t n = 0;
	for (size_t i = 0; i < d->caller_count; i++)
		n += d->callers[i].from == from;
	return n;
}

static struct caller take_caller(struct doors *d, size_t i)
{
	struct caller c = d->callers[i];
	memmove(&d->callers[i], &d->callers[i + 1], (--d->caller_count - i) * sizeof(c));
	return c;
}

void door_add(struct doors *d, int client, enum audience who)
{
	size_t crowd = 0;
	for (size_t i = 1; d->caller_count == CALLERS_MAX && i < CALLERS_MAX; i++)
		if (calls_of(d, d->callers[i].from) > calls_of(d, d->callers[crowd].from))
			crowd = i;
	if (d->caller_count == CALLERS_MAX)
		close(take_caller(d, crowd).fd);
	d->callers[d->caller_count++] = (struct caller){client, who, origin(client)};
}

static void open_door(struct doors *d, const struct caller *c)
{
	struct door door = {
		.helper = HELPER_NONE, .since = clock_ms(), .who = c->who, .from = c->from};
	struct err e;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	CLEANUP_FD int theirs = pair[1];
	const struct helper_fd fds[] = {{c->fd, TLS_FD_CLIENT}, {theirs, TLS_FD_STREAM}};
	door.stream = pair[0];
	tune(c->fd);
	if (start(d, c->who, fds, ARRAY_LEN(fds), &door.helper, &e) == 0) {
		d->items[d->count++] = door;
		return;
	}
	/* What the administrator has to mend: a file that is gone. */
	fprintf(stderr, "hulld: a client of TCP: %s\n", e.text);
	fd_drop(&door.stream);
}

/* Who has had his place for DOOR_MS, of those that have most; DOORS_MAX: nobody has. */
static size_t who_may_go(const struct doors *d)
{
	int64_t now = clock_ms();
	size_t most = 0, found = DOORS_MAX;
	for (size_t i = 0; i < d->count && d->items[i].since + DOOR_MS <= now; i++) {
		size_t n = places_of(d, d->items[i].from);
		if (n > most) {
			most = n;
			found = i;
		}
	}
	return found;
}

void doors_fill(struct doors *d)
{
	size_t goes = d->count == DOORS_MAX ? who_may_go(d) : 0, next = 0;
	if (!d->caller_count || goes == DOORS_MAX)
		return;
	if (d->count == DOORS_MAX)
		drop(d, goes);
	for (size_t i = 1; i < d->caller_count; i++)
		if (places_of(d, d->callers[i].from) < places_of(d, d->callers[next].from))
			next = i;
	struct caller c = take_caller(d, next);
	open_door(d, &c);
	close(c.fd);
}

int doors_wait(const struct doors *d)
{
	int64_t until = d->items[0].since + DOOR_MS, now = clock_ms();
	if (!d->caller_count)
		return -1;
	return d->count == DOORS_MAX && now < until ? (int)(until - now) : 0;
}

size_t doors_watch(const struct doors *d, struct pollfd *fds)
{
	for (size_t i = 0; i < d->count; i++)
		fds[i] = (struct pollfd){d->items[i].helper.sock, POLLIN, 0};
	return d->count;
}

/* It goes on by itself: with the client's bytes, or to tell him why not. */
static void leave_alone(struct helper *h)
{
	h->pid = 0;
	fd_drop(&h->pidfd);
}

bool door_take(struct doors *d, size_t i, int *ret_stream, enum audience *ret_who)
{
	struct door *door = &d->items[i];
	struct err e;
	bool good = hear(&door->helper, &e) == 0;
	if (good) {
		*ret_stream = fd_steal(&door->stream);
		*ret_who = door->who;
	} else if (d->debug) {
		fprintf(stderr, "debug: a client of TCP: %s\n", e.text);
	}
	leave_alone(&door->helper);
	drop(d, i);
	return good;
}

void doors_forget(struct doors *d, pid_t pid)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->items[i].helper.pid == pid)
			leave_alone(&d->items[i].helper);
}

void doors_close(struct doors *d)
{
	while (d->caller_count)
		close(d->callers[--d->caller_count].fd);
	while (d->count) {
		leave_alone(&d->items[d->count - 1].helper);
		drop(d, d->count - 1);
	}
}
