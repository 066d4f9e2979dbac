/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about the processes of a running container. */
#pragma once

#include "diagnose/story.h"
#include "engine/engine.h"

struct processes {
	struct process *list; /* the first one of the container first */
	size_t count, room;
	int64_t pids, pids_limit; /* of its group; limit 0: none */
};
/** Those of @c, which runs. Allocates in @a. */
int processes_read(const struct container *c, struct arena *a, struct processes *ret,
		   struct err *e);
/** Add their children that have ended and were not waited for: they are in no control group. */
int processes_add_zombies(struct processes *all, struct arena *a, struct err *e);
/** "2 nginx": its number inside, and its name. */
char *process_label(const struct process *p, struct arena *a);

/** What its processes do with signals, and what stop will come to. */
int diagnose_signals(const struct container *c, struct story *s, struct err *e);
/** What it adds to the load average: who runs, and who waits for what. */
int diagnose_load(struct engine *en, const struct container *c, struct story *s, struct err *e);
/** Who leaves zombies, and how many processes it may still have. */
int diagnose_zombies(struct engine *en, const struct container *c, struct story *s, struct err *e);
