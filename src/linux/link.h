/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links (network devices), their addresses and routes: bridges, and pairs of veth devices of which
 * one end is born in another namespace. See rtnetlink(7), veth(4), bridge(8), netlink.h.
 *
 * All take a socket of the namespace they act in and return 0 or a negative errno; the kernel's
 * words are in nl->why.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "linux/ip_address.h"
#include "linux/netlink.h"

enum { MAC_SIZE = 6, MAC_TEXT_SIZE = 18, LINK_ALIAS_MAX = 256 };

struct link_info {
	int index, master, peer; /* peer: the other end of a pair, in its namespace */
	char kind[16];           /* "bridge", "veth"; "" for hardware */
	char alias[LINK_ALIAS_MAX];
	uint32_t group; /* 0: the default */
	bool up;
};
/** -ENODEV: there is none of that name. */
int link_find(struct netlink *nl, const char *name, struct link_info *ret);
/** Called with each link. */
typedef void (*link_fn)(void *ctx, const char *name, const struct link_info *link);
int link_list(struct netlink *nl, link_fn each, void *ctx);
int link_remove(struct netlink *nl, int index);

struct bridge {
	const char *name, *alias; /* the alias says whose it is, */
	uint32_t mark;            /* and until it has one, this group */
	uint8_t mac[MAC_SIZE];    /* fixed: else it would be that of one of its ports */
	struct subnet addresses[2];
	size_t address_count;
	uint32_t mtu; /* 0: the kernel's */
};
/** Make it and bring it up; it may be there, half made. */
int bridge_make(struct netlink *nl, const struct bridge *b);

struct veth {
	const char *name;  /* of the end that stays here */
	int bridge;        /* index of its master */
	const char *inner; /* of the other end, in the namespace @netns */
	int netns;
	uint8_t mac[MAC_SIZE];
	uint32_t mtu;
};
int veth_make(struct netlink *nl, const struct veth *v);
/** A macvlan or ipvlan device: born in the namespace @netns, on top of a device of this one. */
struct link_child {
	const char *kind, *name; /* "macvlan", "ipvlan" */
	int index;               /* of its own, in its namespace; 0: any */
	int parent;              /* index */
	uint32_t mode;           /* MACVLAN_MODE_*, IPVLAN_MODE_* */
	int netns;
	uint8_t mac[MAC_SIZE]; /* of a macvlan */
	uint32_t mtu;
};
int link_child_make(struct netlink *nl, const struct link_child *c);
/** Set a flag of a bridge's port: IFLA_BRPORT_MODE lets the bridge send a frame back by the port
 * that it came from, IFLA_BRPORT_ISOLATED keeps it from the others that have it (Linux 4.18). */
int link_port_flag(struct netlink *nl, const char *port, uint16_t flag);

/** Give the link @name addresses and bring it up; routes to everywhere by @gateways. @nl is a
 * socket of its namespace. */
int link_configure(struct netlink *nl, const char *name, const struct subnet *addresses,
		   size_t address_count, const struct ip *gateways, size_t gateway_count);

/** Routes to everywhere by @gateways, out of the link @index; instead of those that there are. */
int link_lead_out(struct netlink *nl, int index, const struct ip *gateways, size_t count);

/** Let packets to ::1 come in by the link @index. Nothing goes out there: the route of lo is the
 * better one. */
int link_take_loopback6(struct netlink *nl, int index);

/** Called with each network that a route of this namespace leads to, but for the default ones. */
typedef void (*route_fn)(void *ctx, const struct subnet *to);
int route_list(struct netlink *nl, route_fn each, void *ctx);

/** Where a packet to @to goes, that comes from @from (NULL: from here) by the link @in (0: from
 * here). Negative errno: it goes nowhere, and why (-ENETUNREACH, -EXDEV for a source that does not
 * belong there ...). */
struct ip_route {
	int out;
	uint8_t type; /* RTN_LOCAL: it is for us; RTN_UNICAST ... */
	struct ip gateway, source;
};
int ip_route_find(struct netlink *nl, const struct ip *to, const struct ip *from, int in,
		  struct ip_route *ret);

/** "02:42:ac:11:00:02", and back. */
const char *mac_print(const uint8_t mac[static MAC_SIZE], char buf[static MAC_TEXT_SIZE]);
bool mac_parse(const char *text, uint8_t ret[static MAC_SIZE]);
