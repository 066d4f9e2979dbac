/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A packet that is known wherever it goes, and whoever rewrites its addresses: by a number that
 * stands in it and in what answers it (the sequence number of a TCP SYN, the payload of an ICMP
 * echo). It is seen by packet(7) sockets, one in each network namespace; what the packet filter
 * decides about it is told by nftables' trace. Of both families;
 * IPv6 without extension headers.
 */
#pragma once

#include <linux/if_packet.h>

#include "linux/ip_address.h"
#include "linux/netlink.h"

struct probe {
	struct ip to, from; /* from: as the route gives it */
	uint16_t port;      /* 0: an ICMP echo */
	uint16_t from_port;
	uint16_t size; /* of the whole packet, which may not be cut; 0: as small as it can be */
	uint32_t mark;
	int sockets[2]; /* what sends; what keeps the port from others */
};
void probe_close(struct probe *p);

/** Make ready to send from the network namespace of @netns (-1: ours) to p->to. Negative errno: of
 * connect(2), which looks for a route. */
int probe_open(struct probe *p, int netns);
/** Send it; again is fine. */
int probe_send(const struct probe *p);

enum probe_kind { PROBE_GOES, PROBE_ANSWER, PROBE_ERROR };
struct sighting {
	enum probe_kind kind;
	int index; /* of the device */
	bool out;  /* it is sent by this one */
	struct ip from, to;
	uint16_t from_port, to_port;
	bool reset;         /* of an answer: nobody listens */
	uint8_t type, code; /* of an ICMP error, as IPv4 has them */
	uint16_t mtu;       /* that this one tells */
};
/** Is this packet it, or what answers it? Fills all but the device. */
bool probe_read(const struct probe *p, const uint8_t *packet, size_t size, struct sighting *ret);
/** A socket that sees every device of the namespace; or negative errno. */
int probe_watch(const struct probe *p, int netns);
/** The next time it is seen; false: nothing (more) came. */
bool probe_next(const struct probe *p, int watch, struct sighting *ret);

/** What a chain of nftables did with it. */
struct trace_step {
	bool back;
	char table[32], chain[64], family[8];
	uint64_t handle; /* of the rule; 0: the chain's policy */
	bool dropped;
};
/** Have it traced in our namespace, by a table that ends with the socket. */
int trace_begin(struct netlink *nl, const struct probe *p);
typedef void (*trace_fn)(void *ctx, const struct trace_step *s);
/** Hand over what came until now. */
int trace_read(struct netlink *nl, const struct probe *p, trace_fn each, void *ctx);
