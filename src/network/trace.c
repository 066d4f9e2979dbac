/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nftables tells of each rule that a packet meets once a rule has marked it for that. Ours stand in
 * a table that belongs to its socket (Linux 5.12), so a killed command leaves none. With the first
 * thing that is told in a chain come the packet's headers; its id may be another in the next. See
 * NFT_MSG_TRACE in <linux/netfilter/nf_tables.h>.
 */
#include "network/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/nftables.h"

enum { PACKETS_MAX = 64, BEFORE_ALL = NF_IP_PRI_RAW - 10 };
/* Offsets in headers of TCP and ICMP. */
enum { SEQUENCE = 4, ACKNOWLEDGED = 8, PAYLOAD = 8 };

static const struct nft_chain chains[] = {
	{"from-devices", "filter", NF_INET_PRE_ROUTING, BEFORE_ALL},
	{"from-here", "filter", NF_INET_LOCAL_OUT, BEFORE_ALL},
};

/* Packets of @protocol with @number at @offset of their transport header, which begins with @first
 * under @mask. */
static void put_rule(struct netlink *nl, const char *table, const char *chain, uint8_t protocol,
		     uint32_t offset, uint32_t number, uint8_t first, uint8_t mask)
{
	const struct nft_op ops[] = {
		NFT_META(R(0), NFT_META_L4PROTO),
		NFT_COMPARE(R(0), NFT_CMP_EQ, 1, protocol),
		NFT_PAYLOAD(R(0), NFT_PAYLOAD_TRANSPORT_HEADER, offset, 4),
		NFT_COMPARE(R(0), NFT_CMP_EQ, 4, (uint8_t)(number >> 24), (uint8_t)(number >> 16),
			    (uint8_t)(number >> 8), (uint8_t)number),
		NFT_PAYLOAD(R(0), NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1),
		NFT_MASK(R(0), 1, mask),
		NFT_COMPARE(R(0), NFT_CMP_EQ, 1, first),
		NFT_LOAD(R(0), 1, 1),
		NFT_META_SET(R(0), NFT_META_NFTRACE),
	};
	nft_rule_add(nl, table, chain, ops, ARRAY_LEN(ops));
}

/* The type of an echo, and of its reply. */
static uint8_t echo(const struct probe *p, bool reply)
{
	if (p->to.family == AF_INET6)
		return reply ? ICMP6_ECHO_REPLY : ICMP6_ECHO_REQUEST;
	return reply ? ICMP_ECHOREPLY : ICMP_ECHO;
}

static void put_rules(struct netlink *nl, const char *table, const char *chain,
		      const struct probe *p)
{
	for (uint8_t back = 0; back < 2; back++)
		if (p->port)
			put_rule(nl, table, chain, IPPROTO_TCP, back ? ACKNOWLEDGED : SEQUENCE,
				 p->mark + back, 0, 0);
		else
			put_rule(nl, table, chain,
				 p->to.family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, PAYLOAD,
				 p->mark, echo(p, back), 0xff);
}

static void table_name(char buf[static 32])
{
	snprintf(buf, 32, "hull-path-%d", (int)getpid());
}

int trace_begin(struct netlink *nl, const struct probe *p)
{
	const int group = NFNLGRP_NFTRACE;
	char table[32];
	table_name(table);
	int r = netlink_open(nl, NETLINK_NETFILTER, -1);
	if (r == 0 &&
	    setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		r = -errno;
	if (r < 0)
		return r;
	nft_begin(nl);
	nft_table_add_owned(nl, table);
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		nft_chain_add(nl, table, &chains[i]);
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		put_rules(nl, table, chains[i].name, p);
	return nft_commit(nl);
}

enum way { OTHERS, GOES, COMES };

struct reading {
	const struct probe *probe;
	trace_fn each;
	void *ctx;
	char own[32];
	struct {
		uint32_t id;
		enum way way;
	} packets[PACKETS_MAX];
	size_t count;
};

static const struct nlattr *of(const struct nlmsghdr *m, uint16_t type)
{
	return netlink_attribute(m, sizeof(struct nfgenmsg), type);
}

static uint32_t number_of(const struct nlattr *a)
{
	const uint32_t *n = netlink_data(a, sizeof(*n));
	return n ? ntohl(*n) : 0;
}

static const char *family_name(uint8_t family)
{
	static const char *const names[] = {
		[NFPROTO_INET] = "inet", [NFPROTO_IPV4] = "ip",       [NFPROTO_ARP] = "arp",
		[NFPROTO_IPV6] = "ip6",  [NFPROTO_BRIDGE] = "bridge", [NFPROTO_NETDEV] = "netdev"};
	return family < ARRAY_LEN(names) && names[family] ? names[family] : "?";
}

static uint32_t number_at(const uint8_t *header, size_t at)
{
	uint32_t n;
	memcpy(&n, header + at, sizeof(n));
	return ntohl(n);
}

static enum way way_of(const struct probe *p, const uint8_t *header)
{
	if (p->port)
		return number_at(header, SEQUENCE) == p->mark           ? GOES
		       : number_at(header, ACKNOWLEDGED) == p->mark + 1 ? COMES
									: OTHERS;
	return number_at(header, PAYLOAD) != p->mark ? OTHERS
	       : *header == echo(p, false)           ? GOES
						     : COMES;
}

/* Whose it is that is told of. */
static enum way know(struct reading *g, const struct nlmsghdr *m)
{
	uint32_t id = number_of(of(m, NFTA_TRACE_ID));
	const uint8_t *header = netlink_data(of(m, NFTA_TRACE_TRANSPORT_HEADER), PAYLOAD + 4);
	size_t i = 0;
	while (i < g->count && g->packets[i].id != id)
		i++;
	if (header && i < PACKETS_MAX) {
		g->packets[i].id = id;
		g->packets[i].way = way_of(g->probe, header);
		g->count = MAX(g->count, i + 1);
	}
	return i < g->count ? g->packets[i].way : OTHERS;
}

static int read_step(void *ctx, const struct nlmsghdr *m)
{
	struct reading *g = ctx;
	const struct nfgenmsg *head = NLMSG_DATA(m);
	const char *table = netlink_text(of(m, NFTA_TRACE_TABLE));
	const char *chain = netlink_text(of(m, NFTA_TRACE_CHAIN));
	const void *handle = netlink_data(of(m, NFTA_TRACE_RULE_HANDLE), sizeof(uint64_t));
	const struct nlattr *verdict = of(m, NFTA_TRACE_VERDICT),
			    *policy = of(m, NFTA_TRACE_POLICY);
	struct trace_step s = {0};
	if (m->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_TRACE) || !table || !chain)
		return 0;
	if (handle) { /* attributes lie at multiples of four */
		memcpy(&s.handle, handle, sizeof(s.handle));
		s.handle = __builtin_bswap64(s.handle);
	}
	snprintf(s.table, sizeof(s.table), "%s", table);
	snprintf(s.chain, sizeof(s.chain), "%s", chain);
	snprintf(s.family, sizeof(s.family), "%s", family_name(head->nfgen_family));
	if (policy)
		s.dropped = number_of(policy) == NF_DROP;
	else if (verdict && netlink_inner(verdict, NFTA_VERDICT_CODE))
		s.dropped = number_of(netlink_inner(verdict, NFTA_VERDICT_CODE)) == NF_DROP;
	enum way way = know(g, m);
	s.back = way == COMES;
	if (way != OTHERS && strcmp(table, g->own) != 0)
		g->each(g->ctx, &s);
	return 0;
}

int trace_read(struct netlink *nl, const struct probe *p, trace_fn each, void *ctx)
{
	struct reading g = {.probe = p, .each = each, .ctx = ctx};
	table_name(g.own);
	return netlink_events(nl, read_step, &g);
}
