/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the syslog driver, and the first connection: as with docker a container does not start
 * where it cannot be made. hull-monitor goes on from there (monitor/log_syslog.c). See syslog(3).
 */
#include <errno.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/units.h"
#include "engine/run_folder.h"

enum { PORT = 514, CONNECT_MS = 10000 };

static const char *const facilities[] = {"kern",     "user",   "mail",          "daemon", "auth",
					 "syslog",   "lpr",    "news",          "uucp",   "cron",
					 "authpriv", "ftp",    [16] = "local0", "local1", "local2",
					 "local3",   "local4", "local5",        "local6", "local7"};
static const char *const formats[] = {[SYSLOG_UNIX] = "",
				      [SYSLOG_RFC3164] = "rfc3164",
				      [SYSLOG_RFC5424] = "rfc5424",
				      [SYSLOG_RFC5424_MICRO] = "rfc5424micro"};
/* Where a syslog daemon of this machine may be. */
static const char *const local[] = {"/dev/log", "/var/run/syslog", "/var/run/log"};

static int find(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (names[i] && !strcmp(names[i], name))
			return (int)i;
	return -1;
}

static int set_path(const char *path, struct syslog_config *s)
{
	struct sockaddr_un *a = (struct sockaddr_un *)s->address;
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	s->address_len = sizeof(*a);
	if (*path != '/' || strlen(path) >= sizeof(a->sun_path))
		return -EINVAL;
	snprintf(a->sun_path, sizeof(a->sun_path), "%s", path);
	return 0;
}

/* "127.0.0.1:514", "[::1]:514", "localhost"; names are not looked up. */
static int set_host(const char *text, struct syslog_config *s)
{
	char host[INET6_ADDRSTRLEN] = "";
	uint64_t port = PORT;
	bool six = *text == '[';
	size_t len = six ? strcspn(++text, "]") : strcspn(text, ":");
	const char *rest = text + len + (six && text[len]);
	if (len >= sizeof(host) || (six && text[len] != ']') || (*rest && *rest != ':') ||
	    (*rest && (uint_parse(rest + 1, UINT16_MAX, &port) < 0 || port == 0)))
		return -EINVAL;
	memcpy(host, strncmp(text, "localhost", len) || len != 9 ? text : "127.0.0.1", len);
	struct sockaddr_in *a4 = (struct sockaddr_in *)s->address;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)s->address;
	s->address_len = six ? sizeof(*a6) : sizeof(*a4);
	if (six)
		*a6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
					    .sin6_port = htons((uint16_t)port)};
	else
		*a4 = (struct sockaddr_in){.sin_family = AF_INET,
					   .sin_port = htons((uint16_t)port)};
	return inet_pton(six ? AF_INET6 : AF_INET, host,
			 six ? (void *)&a6->sin6_addr : (void *)&a4->sin_addr) == 1
		       ? 0
		       : -EINVAL;
}

static int read_address(const char *text, struct syslog_config *s, struct err *e)
{
	static const struct {
		const char *scheme;
		int type; /* 0: tried */
		int (*set)(const char *rest, struct syslog_config *s);
	} schemes[] = {{"unix://", 0, set_path},
		       {"unixgram://", SOCK_DGRAM, set_path},
		       {"udp://", SOCK_DGRAM, set_host},
		       {"tcp://", SOCK_STREAM, set_host}};
	if (!text || !*text)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t len = strlen(schemes[i].scheme);
		s->type = schemes[i].type;
		if (!strncmp(text, schemes[i].scheme, len) && schemes[i].set(text + len, s) == 0)
			return 0;
	}
	err_set(e, EINVAL, ERR_INVALID, "log opt syslog-address: invalid address: '%s'", text);
	return err_hint(
		e, "it is unix:///path, unixgram:///path, udp://IP:port or tcp://IP:port; TLS and "
		   "names of hosts are for a syslog daemon on this machine to see to");
}

int syslog_options_read(const struct kvs *options, struct syslog_config *s, struct err *e)
{
	const char *facility = kvs_get(options, "syslog-facility") ?: "daemon";
	const char *format = kvs_get(options, "syslog-format") ?: "";
	int f = find(facilities, ARRAY_LEN(facilities), facility);
	int form = find(formats, ARRAY_LEN(formats), format);
	uint64_t number;
	time_t now = time(NULL);
	struct tm tm;
	*s = (struct syslog_config){0};
	if (f < 0 && uint_parse(facility, ARRAY_LEN(facilities) - 1, &number) == 0)
		f = (int)number;
	if (f < 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "log opt syslog-facility: invalid syslog facility: '%s'", facility);
	if (form < 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "log opt syslog-format: invalid syslog format: '%s'", format);
	s->facility = (uint32_t)f << 3;
	s->format = (uint32_t)form;
	localtime_r(&now, &tm);
	s->utc_offset = (int32_t)tm.tm_gmtoff;
	gethostname(s->host, sizeof(s->host) - 1);
	return read_address(kvs_get(options, "syslog-address"), s, e);
}

/* A descriptor, or negative errno. */
static int try_type(const struct syslog_config *s, int type)
{
	const struct sockaddr *address = (const struct sockaddr *)s->address;
	CLEANUP_FD int fd = socket(address->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : fd_connect(fd, address, s->address_len, CONNECT_MS);
	return r < 0 ? r : fd_steal(&fd);
}

static int try_address(struct syslog_config *s)
{
	int r = s->type ? try_type(s, s->type) : try_type(s, SOCK_DGRAM);
	if (r >= 0 && !s->type)
		s->type = SOCK_DGRAM;
	if (r != -EPROTOTYPE || s->type)
		return r;
	r = try_type(s, SOCK_STREAM);
	s->type = r < 0 ? 0 : SOCK_STREAM;
	return r;
}

int syslog_open(struct syslog_config *s, struct err *e)
{
	int r = s->address_len ? try_address(s) : -ENOENT;
	for (size_t i = 0; !s->address_len && i < ARRAY_LEN(local); i++) {
		set_path(local[i], s);
		r = try_address(s);
		if (r < 0)
			s->address_len = 0;
	}
	if (r >= 0)
		return r;
	err_errno(e, r, "log driver syslog: cannot connect to %s",
		  s->address_len ? "its address" : "a syslog daemon on this machine");
	err_hint(e,
		 "start a syslog daemon, name it with --log-opt syslog-address=..., or use another "
		 "--log-driver");
	e->kind = ERR_INVALID;
	return r;
}
