/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of `hull ps`, for tests and for other lists of containers. */
#pragma once

#include "cli/listing.h"
#include "engine/engine.h"

struct ps_row {
	const struct container *container;
};
struct ps_context {
	struct engine *engine; /* NULL: only what the row itself says */
	struct arena *arena;
	bool no_trunc;
	int64_t now;
	const struct ps_row *full_of; /* whose config is in `full` */
	struct container full;
};
extern const struct listing ps_listing;

/** "Up 3 minutes", "Exited (0) 2 seconds ago": docker's status. */
char *ps_status(struct arena *a, const struct container *c, int64_t now);
