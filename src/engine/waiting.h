/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that are attached to a container before it is started, as docker's API has it: they wait
 * at a socket of their own below --runroot, attach/ID.PID, and whoever starts the container, by
 * hull or by hulld, takes their streams from there. Each is held by a process that ends with its
 * client. The same is for what the API has of a build in several requests at once (api/session.c):
 * there the ID is a digest of what they call it.
 */
#pragma once

#include "engine/engine.h"

enum { WAITING_MAX = 16 }; /* as many as a monitor has clients */

struct waiting {
	int folder, socket; /* -1: none */
	char name[ID_LEN + 16];
};
#define CLEANUP_WAITING __attribute__((cleanup(waiting_close)))

/** Wait for the next start of the container @id. */
int waiting_open(struct engine *en, const char *id, struct waiting *ret, struct err *e);
/** 1: somebody has taken @stream, with @flags (enum wire_attach_flags); 0: @client has left, or
 *  nobody has come within @patience_ms (-1: for ever). */
int waiting_serve(struct waiting *w, int client, int stream, uint32_t flags, int patience_ms,
		  struct err *e);
void waiting_close(struct waiting *w);

/** Connect to the one that waits for @id, if need be once it does; -ENOENT after @patience_ms. */
int waiting_connect(struct engine *en, const char *id, int patience_ms, struct err *e);

struct waiting_client {
	int stream;
	uint32_t flags; /* enum wire_attach_flags */
};
struct waiting_clients {
	struct waiting_client items[WAITING_MAX];
	size_t count;
};
/** Take those who wait for @id. */
void waiting_take(struct engine *en, const char *id, struct waiting_clients *ret);
/** Close their streams: whom nobody has taken on sees the end. */
void waiting_drop(struct waiting_clients *w);
