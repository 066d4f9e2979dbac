/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of a user's container: pasta (Debian's passt) copies the host's address and routes
 * into its namespace, and carries its connections as sockets of the user. Who connects to a
 * published port is seen with his own address. See pasta(1).
 */
#pragma once

#include "engine/engine.h"
#include "engine/network.h"

/** Where pasta answers for the host's name servers. */
#define PASTA_DNS "169.254.1.1"

/** Is this the mode "pasta"? What "bridge" is for root it is for a user. */
bool pasta_is_mode(const char *mode);
/** 0, or -ENOENT with what to install; -EPERM for root, who has bridges. */
int pasta_allowed(struct err *e);
/** Reserve the ports that @c publishes, in a transaction of the caller's. */
int pasta_reserve(struct engine *en, const struct container *c, struct arena *a,
		  struct container_net *net, struct err *e);
/** A new network namespace, for the container to be; a descriptor. Nobody can reach that of a
 * process which is not dumpable in a user namespace, as one that is being set up. */
int pasta_namespace(struct err *e);
/** Start it for @netns. It has bound its ports when this returns. */
int pasta_start(struct engine *en, const struct container *c, const struct container_net *net,
		int netns, struct err *e);
/** End it, if the container has one: true. */
bool pasta_stop(struct engine *en, const char *id);
