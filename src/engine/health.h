/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks: what is checked, when, and what follows. Source: docker's documentation of
 * HEALTHCHECK; moby, daemon/health.go. How one is done: health_check.c.
 */
#pragma once

#include <json-c/json.h>

#include "engine/internal.h"

/** The user's own and the image's become one: what he gives wins, field by field. */
int health_merge(struct docker_config *own, const char *image, struct arena *a, struct err *e);
/** With docker's defaults filled in. 1: there is one, 0: there is none, or negative errno. */
int health_config(const struct container *c, struct arena *a, struct docker_healthcheck *ret,
		  struct err *e);
/** From one check to the next, in ns: after it has run for @ran, and is @status. */
int64_t health_wait(const struct docker_healthcheck *h, const char *status, int64_t ran);
/** The run folder, or negative errno; and the record in it: zeros before the first check. */
int health_run_folder(const struct engine *en, const char *id);
void health_record_read(int run, struct health_record *ret);
/** Before a start: check its config, and set c->health. */
int health_begin(struct container *c, struct arena *a, struct err *e);
/** Milliseconds from its start to its first check; 0: it has none. */
uint32_t health_first_wait(const struct container *c);
/** If a running container's check is overdue, since its keeper was killed, have it done. */
void health_check(struct engine *en, const struct container *c);
/** State.Health of inspect. */
struct json_object *health_object(struct engine *en, const struct container *c);
