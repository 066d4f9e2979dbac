/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --root takes on the disk, and what of it could be had back: `hull system df`. All figures
 * are allocated bytes, and the sizes of the kinds add up to what du(1) says of --root.
 */
#pragma once

#include "engine/engine.h"

enum usage_kind {
	USAGE_IMAGES,
	USAGE_CONTAINERS, /* without their logs */
	USAGE_VOLUMES,
	USAGE_CACHE, /* of builds, and what RUN --mount=type=cache keeps; not what images have */
	USAGE_LOGS,
	USAGE_ORPHANS, /* what `system check --repair` would remove */
	USAGE_STATE,   /* hull's own: the store, the ballast, folders of folders, what is being made
			*/
	USAGE_KINDS
};
struct usage_total {
	int64_t count, active, size, reclaimable;
};
struct usage_image {
	int64_t size, shared, unique; /* shared: layers that other images have, too */
	int64_t containers;
};
struct usage {
	struct usage_total totals[USAGE_KINDS];
	struct image *images;
	struct usage_image *image_sizes;
	size_t image_count;
	struct container *containers; /* as CONFIGS_LISTED */
	int64_t *container_sizes;
	size_t container_count;
	struct volume *volumes;
	int64_t *volume_sizes;
	size_t volume_count;
};
int engine_usage(struct engine *en, struct arena *a, struct usage *ret, struct err *e);
/** docker's object of /system/df, owned by the caller; the other kinds stand under "Hull". */
struct json_object *usage_object(struct engine *en, const struct usage *u, struct arena *a);
/** How many containers an image has, by its whole id. */
int usage_of_image(struct engine *en, const char *id, int64_t *ret, struct err *e);
