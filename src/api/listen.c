/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rests on unix(7), ip(7), sd_listen_fds(3). A socket that a killed hulld left is replaced; one
 * that somebody listens on is not. Read listen.h first.
 */
#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/page.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/files.h"
#include "linux/ip_address.h"
#include "linux/namespaces.h"
#include "tls/wire.h"

/* Not in /run/hull, where nobody but root comes in. */
#define DEFAULT_HOST "unix:///run/hulld.sock"
#define UNIX "unix://"
#define TCP "tcp://"
enum { BACKLOG = 512, TCP_BACKLOG = 4096, HANDED_FD = 3, TLS_PORT = 2376 };

/* ---- of systemd ---- */

/* sd_listen_fds(3): they are ours if the variables say so. */
static size_t count_handed(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t number = 0, sockets = 0;
	if (!pid || !count || uint_parse(pid, INT32_MAX, &number) < 0 ||
	    (pid_t)number != getpid() || uint_parse(count, LISTENERS_MAX, &sockets) < 0)
		return 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	return sockets;
}

static void take_handed(struct listeners *l)
{
	size_t count = count_handed();
	/* What else was left open is no business of the programs that we start. */
	close_range(HANDED_FD + (unsigned)count, ~0U, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < count; i++) {
		int fd = HANDED_FD + (int)i, family = AF_UNSPEC;
		socklen_t len = sizeof(family);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0)
			l->items[l->count++] =
				(struct listener){.fd = fd, .tls = family != AF_UNIX};
	}
}

/* ---- Unix sockets ---- */

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

static int listen_unix(const char *path, gid_t group, struct arena *a, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, EINVAL, ERR_USAGE, "%s: a socket's path has at most %zu bytes",
			       path, sizeof(address.sun_path) - 1);
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

/* ---- TCP ---- */

/* "ADDRESS:PORT", "[V6]:PORT", ":PORT" for all addresses. No names: whoever answers for them would
 * say where we listen. */
static bool parse_address(char *text, struct ip *ip, uint16_t *port)
{
	uint64_t number = TLS_PORT;
	char *close = *text == '[' ? strchr(text, ']') : NULL;
	char *colon = close ? close + 1 : text + strcspn(text, ":");
	if ((*text == '[' && !close) || (*colon && *colon != ':') ||
	    (*colon && (uint_parse(colon + 1, UINT16_MAX, &number) < 0 || !number)))
		return false;
	bool all = colon == text && *colon;
	*colon = '\0';
	if (close)
		*close = '\0';
	*port = (uint16_t)number;
	return ip_parse(all                          ? "::"
			: !strcmp(text, "localhost") ? "127.0.0.1"
						     : text + (close != NULL),
			ip);
}

int tcp_listen(const struct ip *ip, uint16_t port)
{
	struct sockaddr_storage at = {.ss_family = ip->family};
	struct sockaddr_in *four = (void *)&at;
	struct sockaddr_in6 *six = (void *)&at;
	bool v6 = ip->family == AF_INET6;
	const int on = 1;
	memcpy(v6 ? (void *)&six->sin6_addr : (void *)&four->sin_addr, ip->bytes, ip_size(ip));
	*(v6 ? &six->sin6_port : &four->sin_port) = htons(port);
	CLEANUP_FD int fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
			       bind(fd, (void *)&at, v6 ? sizeof(*six) : sizeof(*four)) < 0 ||
			       listen(fd, BACKLOG) < 0
		       ? -errno
		       : fd_steal(&fd);
}

static int listen_tcp(const char *option, const char *host, struct arena *a, struct err *e)
{
	static const struct ip every = {.family = AF_INET};
	struct ip ip;
	uint16_t port;
	const char *text = host + strlen(TCP);
	if (!parse_address(arena_strdup(a, text), &ip, &port))
		return err_set(e, EINVAL, ERR_USAGE,
			       "invalid %s %s: an address is tcp://ADDRESS:PORT, with a number or "
			       "localhost as ADDRESS",
			       option, host);
	int fd = tcp_listen(&ip, port);
	if (fd == -EAFNOSUPPORT && *text == ':')
		fd = tcp_listen(&every, port);
	if (fd < 0)
		return err_errno(e, fd, "cannot listen at %s", host);
	/* A client of TLS speaks first: who does not takes nobody's place (tcp(7)). */
	setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){TLS_HANDSHAKE_SECONDS}, sizeof(int));
	listen(fd, TCP_BACKLOG);
	return fd;
}

/* ---- all ---- */

static int refuse_plain(const char *what, const char *host, struct err *e)
{
	err_set(e, EINVAL, ERR_USAGE,
		"%s %s: who may use the API is root on this machine, so on a network hulld listens "
		"only for clients that show a certificate",
		what, host);
	return err_hint(
		e, "give --tlsverify, and --tlscacert, --tlscert and --tlskey with files in PEM");
}

static int listen_at(const char *option, const char *host, bool verify, gid_t group,
		     struct arena *a, struct listener *ret, struct err *e)
{
	bool tcp = !strncmp(host, TCP, strlen(TCP));
	const char *path = host + strlen(UNIX);
	if (!tcp && (strncmp(host, UNIX, strlen(UNIX)) || *path != '/'))
		return err_set(e, EINVAL, ERR_USAGE,
			       "invalid %s %s: hulld listens at unix:///PATH, and with TLS at "
			       "tcp://ADDRESS:PORT",
			       option, host);
	if (tcp && !verify)
		return refuse_plain(option, host, e);
	int fd = tcp ? listen_tcp(option, host, a, e) : listen_unix(path, group, a, e);
	if (fd < 0)
		return fd;
	*ret = (struct listener){.fd = fd, .tls = tcp, .path = tcp ? NULL : path};
	return 0;
}

static int too_many(const char *option, struct err *e)
{
	return err_set(e, E2BIG, ERR_USAGE, "%s: hulld has at most %d sockets", option,
		       LISTENERS_MAX);
}

/* @handed: what systemd has takes the place of the Unix sockets. */
static int listen_all(const char *option, const struct strv *hosts, bool verify, gid_t group,
		      enum audience who, bool handed, struct arena *a, struct listeners *l,
		      struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < hosts->count; i++) {
		if (!*hosts->items[i] || (handed && !strncmp(hosts->items[i], UNIX, strlen(UNIX))))
			continue;
		if (l->count == LISTENERS_MAX)
			return too_many(option, e);
		r = listen_at(option, hosts->items[i], verify, group, a, &l->items[l->count], e);
		if (r == 0)
			l->items[l->count++].who = who;
	}
	return r;
}

static bool has_unix(const struct strv *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		if (!strncmp(hosts->items[i], UNIX, strlen(UNIX)))
			return true;
	return false;
}

/* @wanted: of `hosts`, or the default. */
static int check(const struct server_hosts *hosts, const struct strv *wanted,
		 const struct listeners *l, struct err *e)
{
	if (hosts->group && !has_unix(wanted))
		return err_set(e, EINVAL, ERR_USAGE,
			       "--group is for a --host unix://PATH, and there is none");
	if (hosts->read_only_group && !has_unix(&hosts->read_only))
		return err_set(e, EINVAL, ERR_USAGE,
			       "--read-only-group is for a --read-only-host unix://PATH, and there "
			       "is none");
	if ((hosts->ca || hosts->cert || hosts->key || hosts->crl || hosts->lookers_ca) &&
	    !hosts->verify)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--tlscacert, --tlscert, --tlskey, --tlscrl and "
			       "--read-only-tlscacert need --tlsverify");
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].tls && !hosts->verify)
			return refuse_plain("the socket", "of systemd", e);
	return 0;
}

/* What was given, and would do nothing. */
static int check_use(const struct server_hosts *hosts, const struct listeners *l, struct err *e)
{
	bool look = listeners_use_tls(l, MAY_LOOK);
	if (hosts->verify && !look && !listeners_use_tls(l, MAY_DO_ALL))
		return err_set(e, EINVAL, ERR_USAGE,
			       "--tlsverify needs a --host tcp://ADDRESS:PORT");
	if (hosts->lookers_ca && !look)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--read-only-tlscacert needs a --read-only-host "
			       "tcp://ADDRESS:PORT");
	return 0;
}

static int listen_page(const char *where, struct arena *a, struct listeners *l, struct err *e)
{
	if (l->count == LISTENERS_MAX)
		return too_many("--page", e);
	int fd = page_listen(where, a, e);
	if (fd >= 0)
		l->items[l->count++] = (struct listener){.fd = fd, .who = SEES_PAGE};
	return fd < 0 ? fd : 0;
}

static int open_all(const struct settings *s, const struct server_hosts *hosts, struct arena *a,
		    struct listeners *l, struct err *e)
{
	bool user = namespace_caller_is_user(), handed = l->count > 0;
	struct strv wanted = hosts->hosts;
	gid_t group, looking;
	if (!wanted.count || (wanted.count == 1 && !**wanted.items)) {
		wanted = (struct strv){0};
		strv_push(a, &wanted,
			  user ? arena_printf(a, UNIX "%s/hulld.sock", s->runroot) : DEFAULT_HOST);
	}
	int r = check(hosts, &wanted, l, e);
	if (r == 0)
		r = find_group("--group", hosts->group, user ? "" : "docker", a, &group, e);
	if (r == 0)
		r = find_group("--read-only-group", hosts->read_only_group, "", a, &looking, e);
	if (r == 0)
		r = listen_all("--host", &wanted, hosts->verify, group, MAY_DO_ALL, handed, a, l,
			       e);
	if (r == 0)
		r = listen_all("--read-only-host", &hosts->read_only, hosts->verify, looking,
			       MAY_LOOK, false, a, l, e);
	if (r == 0 && hosts->page)
		r = listen_page(hosts->page, a, l, e);
	return r < 0 ? r : check_use(hosts, l, e);
}

int listeners_open(const struct settings *s, const struct server_hosts *hosts, struct arena *a,
		   struct listeners *ret, struct err *e)
{
	*ret = (struct listeners){0};
	take_handed(ret);
	int r = open_all(s, hosts, a, ret, e);
	if (r < 0)
		listeners_end(ret);
	return r;
}

void listeners_close(struct listeners *l)
{
	while (l->count)
		close(l->items[--l->count].fd);
}

void listeners_end(struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].path)
			unlink(l->items[i].path);
	listeners_close(l);
}

bool listeners_use_tls(const struct listeners *l, enum audience who)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].tls && l->items[i].who == who)
			return true;
	return false;
}
