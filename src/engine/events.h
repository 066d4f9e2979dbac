/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading events: those of the past from the store, those to come as they are noted. Noting them:
 * base/event.h.
 */
#pragma once

#include <json-c/json.h>

#include "engine/engine.h"

struct event_query {
	int64_t since, until; /* ns since 1970, 0: not given. Without both only what comes */
	struct kvs filters;   /* see event_filter_add() */
	const char *actor;    /* only what happened to this id; NULL: to any */
	int client;           /* a descriptor whose other end leaves when nobody listens; or -1 */
};

/** Add one --filter KEY=VALUE: docker's keys, of one key any value may match, but all labels. */
int event_filter_add(struct arena *a, struct event_query *q, const char *filter, struct err *e);

/** Called with docker's event object (Engine API 1.51, EventMessage), or with NULL after all that
 *  are known by now. Anything but 0 ends the reading. */
typedef int (*event_fn)(struct json_object *event, void *ctx, struct err *e);
/** Until `until`, until @tell or the client has enough, else for ever. Returns 0, what @tell
 *  returned, or negative errno. */
int engine_events(struct engine *en, const struct event_query *q, event_fn tell, void *ctx,
		  struct err *e);

/** The events of @c, or if @c is NULL those of @q, that are noted by now; and @c as it was in that
 *  moment, by its .id. -ENOENT: it is gone. Allocates in @a. */
int container_history(struct engine *en, struct container *c, const struct event_query *q,
		      struct arena *a, event_fn tell, void *ctx, struct err *e);

/** How containers ended: the newest event `die` of each, of the @max that ended last, the newest
 *  first. */
int engine_last_ends(struct engine *en, int64_t max, event_fn tell, void *ctx, struct err *e);

/** A descriptor that becomes readable when anything is noted in the store. */
int engine_watch(struct engine *en, struct err *e);
/** Whether anything was since the last call; what was can be read then. */
bool engine_changed(struct engine *en, int watch);
