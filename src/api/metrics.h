/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of all containers at once: /metrics, and the page's figures. */
#pragma once

#include <json-c/json.h>

#include "engine/stats.h"

struct sample {
	const struct container *c;
	struct container_stats stats;
};
struct metrics {
	struct container *list; /* all, with their configurations */
	size_t count;
	struct sample *samples; /* of those that are up */
	size_t up;
};
int metrics_collect(struct engine *en, struct arena *a, struct metrics *ret, struct err *e);
/** Each metric of one container as a member, by its name. */
void metrics_add(struct json_object *o, const struct container_stats *s);
