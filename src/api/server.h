/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener: a process that has the socket and nothing else, and forks one for each connection.
 *
 * Why processes: the engine is written for short-lived commands. It forks in its own memory,
 * changes the mount namespace and ends the process where memory runs out; it is crash-only. So a
 * request that waits holds up nobody, one that crashes takes nobody with it, nothing leaks, and an
 * attached session goes on when the listener is killed. docs/api.md has the figures.
 */
#pragma once

#include "engine/settings.h"

/* Who may only look must not keep the others out. */
enum { SERVER_CONNECTIONS_MAX = 1000, SERVER_LOOKERS_MAX = 100 };

/** "unix://PATH", each or both NULL or "". */
struct server_hosts {
	char *host;      /* NULL: what systemd hands over, else the default */
	char *read_only; /* NULL: none */
	char *page;      /* ADDRESS:PORT, see page.h; NULL: none */
	char *group;     /* that may use the first; NULL: docker, where it exists */
	char *read_only_group;
};
/** Listen there until SIGTERM or SIGINT. */
int server_run(const struct settings *s, const struct server_hosts *hosts, struct arena *a,
	       struct err *e);
