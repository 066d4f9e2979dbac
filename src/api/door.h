/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that came over TCP and have not shown their certificate yet. Each is with a hull-tls of
 * its own, which is nobody and locked in; no process of root's reads what it says before that has
 * found its certificate good. Then its plain bytes are a connection like any other.
 *
 * There are only so many of them. When all places are taken, who comes waits, but no longer than
 * until one has been taken for DOOR_MS: then it is his. So a crowd of clients is served in turn.
 * Next is always who comes from where the fewest places are taken from, and who has to go is of
 * those that have most: very many connections of one machine delay that machine. Who says nothing
 * has no place.
 */
#pragma once

#include <poll.h>

#include "api/listen.h"
#include "image/helper.h"

enum { DOORS_MAX = 64, DOOR_MS = 1000, CALLERS_MAX = 512 };

struct door {
	struct helper helper;
	int stream;    /* our end */
	int64_t since; /* clock_ms() */
	enum audience who;
	uint64_t from;
};
/* Who has no place yet. */
struct caller {
	int fd;
	enum audience who;
	uint64_t from; /* the address, of IPv6 its first half: what one machine has */
};
struct doors {
	const char *libexec;
	/* Authority, certificate, key, who is revoked (or NULL), opened anew for each client; then
	 * the authority of those who may only look, or NULL: the first. */
	const char *files[5];
	bool debug;
	struct door items[DOORS_MAX]; /* who waits longest is the first */
	size_t count;
	struct caller callers[CALLERS_MAX]; /* the same */
	size_t caller_count;
};

/** Find hull-tls, and have it look at the files that @l has a use for. */
int doors_open(struct doors *d, const struct settings *s, const struct server_hosts *hosts,
	       const struct listeners *l, struct arena *a, struct err *e);
/** A client has connected; @client is theirs. When too many wait, one goes that is of those that
 * have most waiting. */
void door_add(struct doors *d, int client, enum audience who);
/** Give one that waits a place, if there is one: a process is started, and more may come meanwhile.
 */
void doors_fill(struct doors *d);
/** When to do so again, ms; -1: nobody waits. */
int doors_wait(const struct doors *d);
/** Descriptors to poll(2) for, in the order of `items`. */
size_t doors_watch(const struct doors *d, struct pollfd *fds);
/** Something came from @i: it is taken out. True: @ret_stream, the caller's, may be served. */
bool door_take(struct doors *d, size_t i, int *ret_stream, enum audience *ret_who);
/** A child was reaped: no signal may be sent to its number any more. */
void doors_forget(struct doors *d, pid_t pid);
/** In a process that has no use for them. */
void doors_close(struct doors *d);
