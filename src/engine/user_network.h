/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of a user's container, carried as sockets of the user. pasta (Debian's passt) copies
 * the host's address and routes into its namespace; who connects to a published port is seen with
 * his own address. Where that is not installed, slirp4netns: it has addresses of its own, and all
 * clients look like one. See pasta(1), slirp4netns(1).
 */
#pragma once

#include "engine/engine.h"
#include "engine/network.h"

/** Is this one of the modes "pasta" and "slirp4netns"? What "bridge" is for root they are for a
 * user. */
bool user_network_is_mode(const char *mode);
/** That of them which is installed; "pasta" if none is. */
const char *user_network_default(void);
/** An address by which a container reaches the machine; -ENOENT: there is none, with what to do. */
int user_network_host(const char *mode, struct ip *ret, struct err *e);
/** 0, or -ENOENT with what to install; -EPERM for root, who has bridges. */
int user_network_allowed(const char *mode, struct err *e);
/** Where it answers for the host's name servers. */
const char *user_network_dns(const char *mode);
/** 0, or -EOPNOTSUPP, -EAFNOSUPPORT: such a port @mode cannot publish. */
int user_network_check_port(const char *mode, const struct port_request *p, struct err *e);
/** Reserve the ports that @c publishes, in a transaction of the caller's. */
int user_network_reserve(struct engine *en, const struct container *c, struct arena *a,
			 struct container_net *net, struct err *e);
/** A new network namespace, for the container to be; a descriptor. Nobody can reach that of a
 * process which is not dumpable in a user namespace, as one that is being set up. */
int user_network_namespace(struct err *e);
/** Start it for @netns. It has bound its ports when this returns. */
int user_network_start(struct engine *en, const struct container *c,
		       const struct container_net *net, int netns, struct err *e);
/** End it, if the container has one: true. */
bool user_network_stop(struct engine *en, const char *id);
/** Does it live? */
bool user_network_lives(struct engine *en, const char *id);
/** Tell in @lost, if not NULL, of containers that run and whose network has ended; with @repair
 * start it again. */
int user_networks_mend(struct engine *en, bool repair, struct arena *a, struct strv *lost,
		       struct err *e);

/** Files of the run folder. */
#define NETWORK_PID "network.pid"
#define NETWORK_LOG "network.log"
/** slirp4netns @program for the namespace @path/netns, with the ports of @net; its pid and log go
 * to files in @folder, which is @path. */
int slirp_start(const char *program, int folder, const char *path, const struct container_net *net,
		struct err *e);
