/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's table of connections: what it has seen of a flow decides where the flow's next
 * packets go, whatever the firewall says by then. TCP begins anew by itself; a client of UDP that
 * goes on sending keeps its entry alive. See conntrack(8),
 * <linux/netfilter/nfnetlink_conntrack.h>.
 */
#pragma once

#include <stdbool.h>

#include "linux/ip_address.h"
#include "linux/netlink.h"

struct flow {
	uint8_t protocol;
	struct ip to, from; /* where its first packet was sent to; who answers (after NAT) */
	uint16_t port;      /* of `to` */
	bool answered;
};
/** Is it to be forgotten? */
typedef bool (*flow_fn)(const void *ctx, const struct flow *f);
/** Forget flows, by a socket of NETLINK_NETFILTER. 0, or negative errno. */
int conntrack_forget(struct netlink *nl, flow_fn which, const void *ctx);
