/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a container is as it is: why it ended, does not start, restarts, or runs as it does. After
 * the fact, from what is recorded (the row, the events, the log), also when it was removed.
 */
#pragma once

#include "diagnose/story.h"
#include "engine/engine.h"

/** @ref: name, id or prefix; of one that was removed name or whole id. Allocates in @a. -ENOENT: no
 *  such container, and no event tells of one. */
int diagnose_why(struct engine *en, const char *ref, struct arena *a, struct story *ret,
		 struct err *e);
/** Why the container @id, which may be gone or run again, ended at @ended_ns: verdict and advice.
 *  -ENOENT: no event tells of it. */
int diagnose_end(struct engine *en, const char *id, int64_t ended_ns, struct arena *a,
		 struct story *ret, struct err *e);
