/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files about the places of containers on networks share; callers use network.h.
 */
#pragma once

#include "engine/engine.h"
#include "engine/network.h"

/* Of one container. */
enum { ENDPOINTS_MAX = 64 };

/** 0, or -EINVAL: @n cannot have a place as @p asks for. */
int endpoint_check(const struct network *n, const struct docker_endpoint *p, struct err *e);
/** Find the network of @wish, and its links; -ENOENT, -EPERM, -EINVAL. */
int endpoint_plan_one(struct engine *en, const struct docker_endpoint *wish,
		      struct endpoint_plan *ret, struct arena *a, struct err *e);
/** Its row, in a transaction of the caller's. -EEXIST: the container is on that network. */
int endpoint_insert(struct engine *en, const char *container, const struct endpoint_plan *p,
		    int64_t position, struct arena *a, struct err *e);

/** The places of a container, with their addresses as they were last, and the name of a network
 * that is missing. In @a. */
int endpoints_load(struct engine *en, const char *container, struct arena *a,
		   struct container_net *ret, struct err *e);
/** Give @p its addresses, in a transaction of the caller's: those that it asked for, or had, or the
 *  first that are free. */
int endpoint_give(struct engine *en, const struct container *c, struct endpoint *p, struct err *e);
