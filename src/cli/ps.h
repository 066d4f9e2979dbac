/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of `hull ps`, which are containers, for tests and for other lists of them. */
#pragma once

#include "cli/listing.h"
#include "engine/engine.h"

/** What the columns need: listing_view.more. */
struct ps_context {
	struct engine *engine; /* NULL: only what the row itself says */
	int64_t now;
	const int64_t *size;             /* of the row, where it was measured already, or NULL */
	const struct container *full_of; /* whose config is in `full` */
	struct container full;
};
extern const struct listing ps_listing;
