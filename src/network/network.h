/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a network is to the kernel: a bridge of the host with an address on it, a pair of veth
 * devices for each container, and elements in the firewall's table (firewall.h). Who is on it, and
 * by which address, is the engine's to say (engine/network.h); nothing is stored here.
 */
#pragma once

#include "linux/link.h"

/** Make the bridge, or make good what it lacks: of one that is up only with @anew. Its index, or
 * negative errno. A link of that name with another alias than @b's is somebody else's: -EEXIST. */
int bridge_ensure(struct netlink *nl, const struct bridge *b, bool anew, struct err *e);
/** Remove it; that there is none is fine. */
int bridge_remove(struct netlink *nl, const char *name, const char *alias, struct err *e);

/** Does an answer from a bridge find back to ::1? Not where bridged frames pass the firewall
 * (br_netfilter): the kernel drops it then. */
bool bridge_answers_loopback6(void);

/** Does this host forward packets of @family? 1, 0, or negative errno. */
int host_forwards(int family);
/** Let it. 0 or negative errno. */
int host_forward(int family);

/** Link-local addresses beside those of the network. */
enum { LINK_LOCAL_MAX = 8 };

/** A place on a network: one device of the container. */
struct attachment {
	const char *outer, *inner; /* names of the veth's ends: on the host, and inside ("eth0") */
	int bridge;                /* index; of the parent where @kind is set */
	const char *kind; /* "macvlan" or "ipvlan": no pair, a child of the parent; or NULL */
	uint32_t mode;    /* of that */
	int index;        /* of that, inside, where whoever is root may change its name */
	uint8_t mac[MAC_SIZE];
	uint32_t mtu;
	uint64_t rate_in, rate_out; /* bytes a second, to the container and from it; 0: any */
	bool published;             /* it has ports of the host, which it may use itself */
	bool apart;                 /* from the others on the bridge */
	struct subnet addresses[2 + LINK_LOCAL_MAX];
	size_t address_count;
	struct ip gateways[2]; /* none where another network has the default route */
	size_t gateway_count;
};
/** Make the pair, one end in the network namespace @netns, and configure that: addresses, up,
 * routes. */
int network_attach(struct netlink *nl, const struct attachment *at, int netns, struct err *e);
/** Its rates, whatever they were. */
int network_limit(struct netlink *nl, const struct attachment *at, int netns, struct err *e);
/** Take its device away: the pair by the end on the host, a child by its index. */
int network_detach(struct netlink *nl, const struct attachment *at, int netns, struct err *e);
/** From now on its gateways lead to everywhere. */
int network_lead_out(struct netlink *nl, const struct attachment *at, int netns, struct err *e);
/** Is the host's end of the pair there? */
bool network_is_attached(struct netlink *nl, const struct attachment *at);
/** The number of a mode of a @kind ("bridge" of macvlan, "l2" of ipvlan); NULL: docker's. False:
 * there is none. */
bool network_mode_of(const char *kind, const char *name, uint32_t *ret);

/** A network that overlaps neither with @taken nor with what a route of the host leads to: of the
 * first pool ("bridge", the default network) or of the second, which has thousands. -ENOSPC. */
int pool_choose(struct netlink *nl, bool first, const struct subnet *taken, size_t count,
		struct subnet *ret, struct err *e);
/** Does a route of the host lead to addresses of @s? The first that does, in @ret. */
bool pool_meets_route(struct netlink *nl, const struct subnet *s, struct subnet *ret);
/** A random network of 64 bits for IPv6, which nobody else has (RFC 4193). */
struct subnet pool_choose6(void);
