/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The firewall of the networks: one nftables table (inet) of our own, which holds everything and is
 * written as a whole or by elements, never by rules of single containers. What it says is in
 * docs/network.md; the kernel's view: nft list table inet hull.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "linux/ip_address.h"
#include "linux/netlink.h"

/** Port @host_port of @host (family 0: of every address) leads to @to, port @port. */
struct firewall_port {
	struct ip host, to;
	uint8_t protocol; /* IPPROTO_TCP, _UDP, _SCTP */
	uint16_t host_port, port;
};
struct firewall_network {
	char bridge[IFNAMSIZ];
	struct subnet subnets[2];
	size_t subnet_count;
	bool internal;   /* nothing leads in or out */
	bool open;       /* its containers reach each other */
	bool masquerade; /* what leaves has the host's address */
};

/** Is the table there, as we would make it? A flush of others takes its rules or all of it; another
 * version of hull has other rules. */
bool firewall_is_whole(struct netlink *nl, const char *table);
/** Families in which this host forwards because of us alone: for others it is no router. */
enum firewall_closed { FIREWALL_CLOSED4 = 1, FIREWALL_CLOSED6 = 2 };
/** Make the table anew, with these networks and ports: one step, in which no packet is let through
 * that should not be. @closed: bits of enum firewall_closed. */
int firewall_make(struct netlink *nl, const char *table, const struct firewall_network *networks,
		  size_t network_count, const struct firewall_port *ports, size_t port_count,
		  unsigned closed, struct err *e);
/** Publish ports, or take them back; one that is not there is no failure. */
int firewall_publish(struct netlink *nl, const char *table, const struct firewall_port *ports,
		     size_t count, struct err *e);
int firewall_unpublish(struct netlink *nl, const char *table, const struct firewall_port *ports,
		       size_t count, struct err *e);
