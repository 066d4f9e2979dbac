/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of `images` and `volume ls` with the figures of `system df -v`, which they lack else. */
#pragma once

#include "cli/listing.h"
#include "engine/usage.h"

extern const struct listing images_listing;
/** One row for each name of @image. @use: NULL if the sizes are not known. */
int images_add(struct listing_out *out, const struct image *image, const struct usage_image *use,
	       struct err *e);
/** Of struct volume; view.more is a struct ps_context whose `size` is the row's, or NULL. */
extern const struct listing volume_listing;
