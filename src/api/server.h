/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listener: a process that has the sockets and nothing else, and forks one for each connection.
 *
 * Why processes: the engine is written for short-lived commands. It forks in its own memory,
 * changes the mount namespace and ends the process where memory runs out; it is crash-only. So a
 * request that waits holds up nobody, one that crashes takes nobody with it, nothing leaks, and an
 * attached session goes on when the listener is killed. docs/api.md has the figures.
 */
#pragma once

#include "api/listen.h"

/* Who may only look must not keep the others out, nor who sees the page, which any user may, nor who
 * comes over the network those of this machine. */
enum { SERVER_CONNECTIONS_MAX = 1000, SERVER_TLS_MAX = 500, SERVER_LOOKERS_MAX = 100 };

/** Listen there until SIGTERM or SIGINT. */
int server_run(const struct settings *s, const struct server_hosts *hosts, struct arena *a,
	       struct err *e);
