/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hull network path`: a packet is sent from a container, and seen at each device on its way and on
 * the way of its answer; where it is seen no more, what the kernel says about that place is the
 * reason. Read network/probe.h first.
 */
#pragma once

#include "engine/engine.h"
#include "engine/network.h"
#include "network/probe.h"

/** A device on the way. */
struct path_hop {
	const char *name;
	bool inside; /* in the container; else on the host */
	bool back;   /* of the answer's way */
	unsigned packets;
	const char *seen;   /* "172.17.0.2:41000 > 203.0.113.2:80"; "": it was not */
	const char *filter; /* what nftables did with it behind that device; "" */
	int index;
	bool out;
};
enum { PATH_HOPS_MAX = 32, PATH_TIMEOUT_MS = 1200 };

struct path {
	const char *container, *address;
	struct probe probe;
	struct path_hop hops[PATH_HOPS_MAX];
	size_t count;
	bool reached;
	double ms;           /* until the answer was back */
	const char *answer;  /* "SYN-ACK", "RST", "echo reply"; NULL: none */
	const char *died;    /* the first hop that it did not get to; NULL: none */
	const char *reason;  /* why */
	const char *command; /* that tells more; NULL: none */
};

/** @to: an address, or a name that the container asks for. @size: of the packet; 0: the least. */
int network_path(struct engine *en, const char *container, const char *to, uint16_t port,
		 uint16_t size, struct arena *a, struct path *ret, struct err *e);

/* ---- for path*.c ---- */

/** Both ends of the way, while it is looked at. */
struct path_look {
	struct engine *en;
	struct arena *a;
	struct container c;
	struct container_net net;
	const struct endpoint *endpoint; /* by which it leaves the container; NULL: none of ours */
	struct network_kernel k;
	int pidfd, send_error;
	struct netlink inside, trace;
	struct ip_route route; /* inside */
	int bridge, outer;     /* indices on the host; of a macvlan network: the parent's, 0 */
	char table[32], chain[64], family[8];
	uint64_t handle;
	bool dropped, dropped_back, traced;
	const char *passed[2]; /* tables that let it through, on the way and back */
	struct sighting error; /* an ICMP error that came */
	bool failed;           /* one did */
	bool reset;
};
/** Say why it died, from what was seen. */
void path_explain(const struct path_look *l, struct path *p);
/** The address of @name as the container would find it: its hosts file, its name server. False:
 * @p->reason says why there is none. */
bool path_resolve(const struct path_look *l, const char *name, struct ip *ret, struct path *p);
