/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The topics of hull explain: each is a question about a running container. hull doctor asks all of
 * them and tells those that have an advice; of a container that runs, hull why asks those that are
 * about what goes on now.
 */
#pragma once

#include "diagnose/story.h"
#include "engine/engine.h"

struct topic {
	const char *name;
	bool now; /* what it finds goes on now */
	int (*ask)(const struct container *c, struct story *s, struct err *e);
	int (*ask_engine)(struct engine *en, const struct container *c, struct story *s,
			  struct err *e); /* with `ask` NULL */
	int (*look)(const struct container *c, int64_t span_ns, void (*ready)(void),
		    struct story *s, struct err *e); /* with --denied; or NULL */
};

/** The topic number @i; NULL beyond the last. */
const struct topic *topic_at(size_t i);
/** NULL: there is none of that name. */
const struct topic *topic_find(const char *name);
int topic_ask(const struct topic *t, struct engine *en, const struct container *c, struct story *s,
	      struct err *e);
/** Whether its health check, if it has one, succeeds. */
int diagnose_health(const struct container *c, struct story *s, struct err *e);
