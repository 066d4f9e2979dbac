/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets that clients connect to. One that another machine, or a container, could reach is
 * only opened for TLS with certificates of both sides: the API is root's power.
 */
#pragma once

#include "engine/settings.h"

enum { LISTENERS_MAX = 16 };

struct server_hosts {
	struct strv hosts;     /* "unix://PATH", "tcp://ADDRESS:PORT"; none: the default */
	struct strv read_only; /* for who may only look */
	char *page;            /* "ADDRESS:PORT", see page.h; or NULL */
	char *group;           /* that may use the first ones; NULL: docker, where it exists */
	char *read_only_group;
	bool verify;           /* --tlsverify */
	char *ca, *cert, *key; /* files; NULL: the default */
	char *crl;             /* the same; NULL: none */
	char *lookers_ca;      /* for `read_only`; NULL: `ca` */
};

struct ip;
enum audience { MAY_DO_ALL, MAY_LOOK, SEES_PAGE };
struct listener {
	int fd;
	bool tls;
	enum audience who;
	const char *path; /* to be removed; or NULL */
};
struct listeners {
	struct listener items[LISTENERS_MAX];
	size_t count;
};

/** Open all that @hosts name, and take what systemd hands over. On failure none is left. */
int listeners_open(const struct settings *s, const struct server_hosts *hosts, struct arena *a,
		   struct listeners *ret, struct err *e);
/** Close them; what is left of the sockets' files goes with the process that made them. */
void listeners_close(struct listeners *l);
/** The same, and remove the files. */
void listeners_end(struct listeners *l);
/** A socket that listens there; its port can be had again at once. */
int tcp_listen(const struct ip *ip, uint16_t port);
/** Is one of those for @who for TLS? */
bool listeners_use_tls(const struct listeners *l, enum audience who);
