/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules are the same whatever runs: networks and ports are elements of sets and maps that they
 * look into. So a container adds elements, and ten thousand published ports cost a lookup.
 *
 * Order of what a packet meets, and the priorities (see nft(8)): mangle -150 when its flow is
 * known, dstnat -100 where published ports are led in, filter 0 in forward, srcnat 100 on the way
 * out.
 */
#include "network/firewall.h"

#include "linux/conntrack.h"
#include "linux/nftables.h"

#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/id.h"
#include "network/network.h"

#define IFNAME_LEN IFNAMSIZ

/* ---- what rules are made of ---- */

#define IPV4 NFT_META(R(0), NFT_META_NFPROTO), NFT_COMPARE(R(0), NFT_CMP_EQ, 1, NFPROTO_IPV4)
#define IPV6 NFT_META(R(0), NFT_META_NFPROTO), NFT_COMPARE(R(0), NFT_CMP_EQ, 1, NFPROTO_IPV6)
#define SOURCE4(reg) NFT_PAYLOAD(reg, NFT_PAYLOAD_NETWORK_HEADER, 12, 4)
#define SOURCE6(reg) NFT_PAYLOAD(reg, NFT_PAYLOAD_NETWORK_HEADER, 8, 16)
#define TARGET4(reg) NFT_PAYLOAD(reg, NFT_PAYLOAD_NETWORK_HEADER, 16, 4)
#define TARGET6(reg) NFT_PAYLOAD(reg, NFT_PAYLOAD_NETWORK_HEADER, 24, 16)
#define PROTOCOL(reg) NFT_META(reg, NFT_META_L4PROTO)
#define PORT(reg) NFT_PAYLOAD(reg, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2)
#define NOT_FROM_HOST                                                                              \
	NFT_META(R(0), NFT_META_IIFNAME), NFT_COMPARE(R(0), NFT_CMP_NEQ, IFNAME_LEN, 'l', 'o')
#define NOT_FROM_BRIDGE NOT_FROM_HOST, NFT_NOT_IN(R(0), "bridges")
#define TO_BRIDGE NFT_META(R(0), NFT_META_OIFNAME), NFT_IN(R(0), "bridges")
#define NOT_TO_BRIDGE NFT_META(R(0), NFT_META_OIFNAME), NFT_NOT_IN(R(0), "bridges")
#define LOOPBACK6(load)                                                                            \
	load(R(0)),                                                                                \
		NFT_COMPARE(R(0), NFT_CMP_EQ, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
#define LOOPBACK4(load) load(R(0)), NFT_MASK(R(0), 4, 0xff), NFT_COMPARE(R(0), NFT_CMP_EQ, 4, 127)
/* The host byte order of the kernel's own numbers: registers hold them as they are in memory. */
#define BITS32(n) (n) & 0xff, (n) >> 8 & 0xff, (n) >> 16 & 0xff, (n) >> 24 & 0xff
#define IS_LOCAL NFT_FIB_TYPE(R(0)), NFT_COMPARE(R(0), NFT_CMP_EQ, 4, BITS32(RTN_LOCAL))
#define CT_BITS(key, bits, compare)                                                                \
	NFT_CT(R(0), key), NFT_MASK(R(0), 4, BITS32(bits)), NFT_COMPARE(R(0), compare, 4, BITS32(0))
#define KNOWN_STATES (1 << (IP_CT_ESTABLISHED + 1)) | (1 << (IP_CT_RELATED + 1))
#define KNOWN_FLOW CT_BITS(NFT_CT_STATE, KNOWN_STATES, NFT_CMP_NEQ)
#define NO_KNOWN_FLOW CT_BITS(NFT_CT_STATE, KNOWN_STATES, NFT_CMP_EQ)
#define PUBLISHED_FLOW CT_BITS(NFT_CT_STATUS, IPS_DST_NAT, NFT_CMP_NEQ)

#define RULE(chain_, ...)                                                                          \
	{                                                                                          \
		.chain = (chain_), .ops = (const struct nft_op[]){__VA_ARGS__},                    \
		.count = sizeof((const struct nft_op[]){__VA_ARGS__}) / sizeof(struct nft_op)      \
	}

/* Both hooks where a connection to one of our addresses begins: from outside, and from here. */
#define LEAD_IN(chain)                                                                             \
	RULE(chain, IPV4, IS_LOCAL, TARGET4(R(0)), PROTOCOL(R(1)), PORT(R(2)),                     \
	     NFT_MAP(R(0), "ports4", R(0)), NFT_DNAT(R(0), NFPROTO_IPV4)),                         \
		RULE(chain, IPV4, IS_LOCAL, PROTOCOL(R(0)), PORT(R(1)),                            \
		     NFT_MAP(R(0), "anywhere4", R(0)), NFT_DNAT(R(0), NFPROTO_IPV4)),              \
		RULE(chain, IPV6, IS_LOCAL, TARGET6(R(0)), PROTOCOL(R(4)), PORT(R(5)),             \
		     NFT_MAP(R(0), "ports6", R(0)), NFT_DNAT(R(0), NFPROTO_IPV6)),                 \
		RULE(chain, IPV6, IS_LOCAL, PROTOCOL(R(0)), PORT(R(1)),                            \
		     NFT_MAP(R(0), "anywhere6", R(0)), NFT_DNAT(R(0), NFPROTO_IPV6))

static const struct nft_chain chains[] = {
	{"guard", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE},
	{"lead-in", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST},
	{"lead-in-local", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST},
	{"forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER},
	{"masquerade", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC},
};

static const struct {
	const char *chain;
	const struct nft_op *ops;
	size_t count;
} rules[] = {
	/* The loopback of the host is for the host: bridges may route to it (bridge.c), and a port
	 * that is published on it would be led in before the kernel looks where it came from. */
	RULE("guard", NOT_FROM_HOST, IPV4, LOOPBACK4(TARGET4), NFT_VERDICT(NF_DROP)),
	RULE("guard", NOT_FROM_HOST, IPV6, LOOPBACK6(TARGET6), NFT_VERDICT(NF_DROP)),
	/* Containers are reached by published ports, not by their own addresses from outside; but
	 * what they began without masquerade is answered so. */
	RULE("guard", NOT_FROM_BRIDGE, IPV4, TARGET4(R(0)), NFT_IN(R(0), "subnets4"), NO_KNOWN_FLOW,
	     NFT_VERDICT(NF_DROP)),
	RULE("guard", NOT_FROM_BRIDGE, IPV6, TARGET6(R(0)), NFT_IN(R(0), "subnets6"), NO_KNOWN_FLOW,
	     NFT_VERDICT(NF_DROP)),
	LEAD_IN("lead-in"),
	/* Where an answer to ::1 would not come back it is not led in, so that a client is refused
	 * at once and takes 127.0.0.1. */
	RULE("lead-in-local", IPV6, LOOPBACK6(TARGET6), NFT_META(R(0), NFT_META_NFPROTO),
	     NFT_NOT_IN(R(0), "loopback"), NFT_VERDICT(NF_ACCEPT)),
	LEAD_IN("lead-in-local"),
	RULE("forward", KNOWN_FLOW, NFT_VERDICT(NF_ACCEPT)),
	RULE("forward", NFT_META(R(0), NFT_META_IIFNAME), NFT_META(R(4), NFT_META_OIFNAME),
	     NFT_IN(R(0), "inside"), NFT_VERDICT(NF_ACCEPT)),
	RULE("forward", NFT_META(R(0), NFT_META_IIFNAME), NFT_IN(R(0), "internal"),
	     NFT_VERDICT(NF_DROP)),
	RULE("forward", NFT_META(R(0), NFT_META_OIFNAME), NFT_IN(R(0), "internal"),
	     NFT_VERDICT(NF_DROP)),
	RULE("forward", TO_BRIDGE, PUBLISHED_FLOW, NFT_VERDICT(NF_ACCEPT)),
	RULE("forward", TO_BRIDGE, NFT_VERDICT(NF_DROP)),
	/* What is none of our business, where nobody but us has this host forward at all. */
	RULE("forward", NFT_META(R(0), NFT_META_NFPROTO), NFT_IN(R(0), "closed"), NOT_FROM_BRIDGE,
	     NOT_TO_BRIDGE, NFT_VERDICT(NF_DROP)),
	RULE("masquerade", NOT_TO_BRIDGE, IPV4, SOURCE4(R(0)), NFT_IN(R(0), "leaving4"),
	     NFT_MASQUERADE),
	RULE("masquerade", NOT_TO_BRIDGE, IPV6, SOURCE6(R(0)), NFT_IN(R(0), "leaving6"),
	     NFT_MASQUERADE),
	/* A published port used from a container of the same network, and from the host's loopback:
	 * the answer has to come back through here. */
	RULE("masquerade", TO_BRIDGE, PUBLISHED_FLOW, IPV4, SOURCE4(R(0)), NFT_IN(R(0), "subnets4"),
	     NFT_MASQUERADE),
	RULE("masquerade", TO_BRIDGE, PUBLISHED_FLOW, IPV6, SOURCE6(R(0)), NFT_IN(R(0), "subnets6"),
	     NFT_MASQUERADE),
	RULE("masquerade", TO_BRIDGE, PUBLISHED_FLOW, IPV4, LOOPBACK4(SOURCE4), NFT_MASQUERADE),
	RULE("masquerade", TO_BRIDGE, PUBLISHED_FLOW, IPV6, LOOPBACK6(SOURCE6), NFT_MASQUERADE),
};

#define PORT_KEY(address) NFT_T_AND(NFT_T_AND(address, NFT_T_PROTOCOL), NFT_T_SERVICE)
static const struct nft_set sets[] = {
	{"closed", 0, NFT_T_NFPROTO, 1},
	{"loopback", 0, NFT_T_NFPROTO, 1},
	{"bridges", 0, NFT_T_IFNAME, IFNAME_LEN},
	{"internal", 0, NFT_T_IFNAME, IFNAME_LEN},
	{"inside", 0, NFT_T_AND(NFT_T_IFNAME, NFT_T_IFNAME), 2 * IFNAME_LEN},
	{"subnets4", NFT_SET_INTERVAL, NFT_T_IPV4, 4},
	{"subnets6", NFT_SET_INTERVAL, NFT_T_IPV6, 16},
	{"leaving4", NFT_SET_INTERVAL, NFT_T_IPV4, 4},
	{"leaving6", NFT_SET_INTERVAL, NFT_T_IPV6, 16},
	{"ports4", NFT_SET_MAP, PORT_KEY(NFT_T_IPV4), 12, NFT_T_AND(NFT_T_IPV4, NFT_T_SERVICE), 8},
	{"ports6", NFT_SET_MAP, PORT_KEY(NFT_T_IPV6), 24, NFT_T_AND(NFT_T_IPV6, NFT_T_SERVICE), 20},
	{"anywhere4", NFT_SET_MAP, PORT_KEY(0), 8, NFT_T_AND(NFT_T_IPV4, NFT_T_SERVICE), 8},
	{"anywhere6", NFT_SET_MAP, PORT_KEY(0), 8, NFT_T_AND(NFT_T_IPV6, NFT_T_SERVICE), 20},
};

/* ---- which version of them it is ---- */

/* What put_network() does with them is not seen by name_version(): raise it with that. */
enum { ELEMENTS_VERSION = 1, VERSION_NAME_MAX = 32 };

static uint32_t hash_text(uint32_t hash, const char *text)
{
	return text ? hash_add(hash, text, strlen(text) + 1) : hash;
}

/* Of an empty chain, that tells a table of these chains, sets and rules from that of another
 * version of hull, which may have as many. */
static void name_version(char ret[static VERSION_NAME_MAX])
{
	static const int elements = ELEMENTS_VERSION;
	uint32_t hash = hash_add(HASH_BEGIN, &elements, sizeof(elements));
	for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
		const uint32_t numbers[] = {chains[i].hook, (uint32_t)chains[i].priority};
		hash = hash_text(hash_text(hash, chains[i].name), chains[i].type);
		hash = hash_add(hash, numbers, sizeof(numbers));
	}
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		const struct nft_set *s = &sets[i];
		const uint32_t numbers[] = {s->flags, s->key_type, s->key_len, s->data_type,
					    s->data_len};
		hash = hash_add(hash_text(hash, s->name), numbers, sizeof(numbers));
	}
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		hash = hash_text(hash, rules[i].chain);
		for (size_t k = 0; k < rules[i].count; k++) {
			const struct nft_op *op = &rules[i].ops[k];
			const uint32_t numbers[] = {op->what, op->reg, op->a, op->b, op->c};
			hash = hash_add(hash, numbers, sizeof(numbers));
			hash = hash_add(hash, op->bytes, sizeof(op->bytes));
			hash = hash_text(hash, op->set);
		}
	}
	snprintf(ret, VERSION_NAME_MAX, "version-%08x", hash);
}

bool firewall_is_whole(struct netlink *nl, const char *table)
{
	enum { CHAINS = ARRAY_LEN(chains) + 1 };
	char version[VERSION_NAME_MAX];
	const char *names[CHAINS] = {version};
	unsigned wanted[CHAINS] = {0}, found[CHAINS];
	name_version(version);
	for (size_t c = 1; c < CHAINS; c++) {
		names[c] = chains[c - 1].name;
		for (size_t i = 0; i < ARRAY_LEN(rules); i++)
			wanted[c] += !strcmp(rules[i].chain, names[c]);
	}
	return nft_chain_rules(nl, table, names, CHAINS, found) == 0 &&
	       !memcmp(wanted, found, sizeof(found));
}

/* ---- elements ---- */

/* Key and data as the registers have them: each part begins a new one. */
struct port_element {
	const char *map;
	uint8_t key[24], data[20];
	struct nft_element element;
};

static size_t put_ip(uint8_t *at, const struct ip *ip)
{
	memcpy(at, ip->bytes, ip_size(ip));
	return ip_size(ip);
}

static size_t put_port(uint8_t *at, uint16_t port)
{
	at[0] = (uint8_t)(port >> 8);
	at[1] = (uint8_t)port;
	return 4;
}

static void port_element(const struct firewall_port *p, struct port_element *ret)
{
	bool six = p->to.family == AF_INET6;
	*ret = (struct port_element){.map = p->host.family ? six ? "ports6" : "ports4"
					    : six          ? "anywhere6"
							   : "anywhere4"};
	size_t n = put_ip(ret->key, &p->host);
	ret->key[n] = p->protocol;
	n += 4;
	n += put_port(ret->key + n, p->host_port);
	size_t to = put_ip(ret->data, &p->to);
	to += put_port(ret->data + to, p->port);
	ret->element = (struct nft_element){
		.key = ret->key, .key_len = n, .data = ret->data, .data_len = to};
}

static void put_ports(struct netlink *nl, const char *table, const struct firewall_port *ports,
		      size_t count, bool add)
{
	static const char *const maps[] = {"ports4", "ports6", "anywhere4", "anywhere6"};
	CLEANUP_ARENA struct arena a = {0};
	struct port_element *own = arena_array(&a, count + 1, sizeof(*own));
	struct nft_element *list = arena_array(&a, count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++)
		port_element(&ports[i], &own[i]);
	for (size_t m = 0; m < ARRAY_LEN(maps); m++) {
		size_t n = 0;
		for (size_t i = 0; i < count; i++)
			if (!strcmp(own[i].map, maps[m]))
				list[n++] = own[i].element;
		if (add)
			nft_elements_add(nl, table, maps[m], list, n);
		else
			nft_elements_delete(nl, table, maps[m], list, n);
	}
}

static void put_family(struct netlink *nl, const char *table, const char *set, uint8_t family)
{
	nft_elements_add(nl, table, set, &(struct nft_element){.key = &family, .key_len = 1}, 1);
}

static void put_name(struct netlink *nl, const char *table, const char *set, const char *name,
		     size_t times)
{
	char key[2 * IFNAME_LEN] = {0};
	for (size_t i = 0; i < times; i++)
		memcpy(key + i * IFNAME_LEN, name, strlen(name));
	nft_elements_add(nl, table, set,
			 &(struct nft_element){.key = key, .key_len = times * IFNAME_LEN}, 1);
}

static void put_subnet(struct netlink *nl, const char *table, const char *set4, const char *set6,
		       const struct subnet *s)
{
	struct ip from = subnet_base(s), last = subnet_last(s), end = ip_add(last, 1);
	size_t size = ip_size(&from);
	/* The last addresses of all have no end. */
	bool open = ip_compare(&end, &last) < 0;
	nft_elements_add(nl, table, size == 16 ? set6 : set4,
			 &(struct nft_element){.key = from.bytes,
					       .key_len = size,
					       .end = open ? NULL : end.bytes},
			 1);
}

static void put_network(struct netlink *nl, const char *table, const struct firewall_network *n)
{
	put_name(nl, table, "bridges", n->bridge, 1);
	if (n->open)
		put_name(nl, table, "inside", n->bridge, 2);
	if (n->internal)
		put_name(nl, table, "internal", n->bridge, 1);
	for (size_t i = 0; i < n->subnet_count; i++) {
		put_subnet(nl, table, "subnets4", "subnets6", &n->subnets[i]);
		if (n->masquerade && !n->internal)
			put_subnet(nl, table, "leaving4", "leaving6", &n->subnets[i]);
	}
}

/* ---- the table ---- */

static int problem(const struct netlink *nl, int r, const char *table, struct err *e)
{
	netlink_problem(nl, r, e, "firewall (nftables table inet %s)", table);
	if (r == -EOPNOTSUPP || r == -ENOENT || r == -EPROTONOSUPPORT)
		err_hint(e, "this kernel may lack nf_tables or one of its modules (nft_nat, "
			    "nft_masq, nft_fib_inet, nft_ct)");
	return r;
}

struct port_list {
	const struct firewall_port *ports;
	size_t count;
};

/* It was led to where the port leads no more, or came when it led nowhere yet: the flow would go on
 * so for as long as its client sends. */
static bool is_stale(const void *ctx, const struct flow *f)
{
	const struct port_list *l = ctx;
	for (size_t i = 0; f->protocol == IPPROTO_UDP && i < l->count; i++) {
		const struct firewall_port *p = &l->ports[i];
		if (p->protocol == f->protocol && p->host_port == f->port &&
		    p->to.family == f->to.family &&
		    (!p->host.family || ip_compare(&p->host, &f->to) == 0) &&
		    (!f->answered || ip_compare(&p->to, &f->from) == 0))
			return true;
	}
	return false;
}

/* That it fails (a kernel without the module) costs a client who does not begin anew. */
static void forget(struct netlink *nl, const struct firewall_port *ports, size_t count)
{
	bool udp = false;
	for (size_t i = 0; i < count; i++)
		udp |= ports[i].protocol == IPPROTO_UDP;
	if (udp)
		conntrack_forget(nl, is_stale, &(struct port_list){ports, count});
}

int firewall_make(struct netlink *nl, const char *table, const struct firewall_network *networks,
		  size_t network_count, const struct firewall_port *ports, size_t port_count,
		  unsigned closed, struct err *e)
{
	static const uint8_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};
	nft_begin(nl);
	/* To delete one that may not be there. */
	nft_table_add(nl, table);
	nft_table_delete(nl, table);
	nft_table_add(nl, table);
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		nft_set_add(nl, table, &sets[i]);
	char version[VERSION_NAME_MAX];
	name_version(version);
	nft_chain_add(nl, table, &(struct nft_chain){.name = version});
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		nft_chain_add(nl, table, &chains[i]);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		nft_rule_add(nl, table, rules[i].chain, rules[i].ops, rules[i].count);
	for (size_t i = 0; i < network_count; i++)
		put_network(nl, table, &networks[i]);
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (closed & 1u << i)
			put_family(nl, table, "closed", families[i]);
	if (bridge_answers_loopback6())
		put_family(nl, table, "loopback", NFPROTO_IPV6);
	put_ports(nl, table, ports, port_count, true);
	int r = nft_commit(nl);
	if (r < 0)
		return problem(nl, r, table, e);
	forget(nl, ports, port_count);
	return 0;
}

int firewall_publish(struct netlink *nl, const char *table, const struct firewall_port *ports,
		     size_t count, struct err *e)
{
	nft_begin(nl);
	put_ports(nl, table, ports, count, true);
	int r = nft_commit(nl);
	if (r < 0)
		return problem(nl, r, table, e);
	forget(nl, ports, count);
	return 0;
}

static int take_back(struct netlink *nl, const char *table, const struct firewall_port *ports,
		     size_t count)
{
	nft_begin(nl);
	put_ports(nl, table, ports, count, false);
	return nft_commit(nl);
}

int firewall_unpublish(struct netlink *nl, const char *table, const struct firewall_port *ports,
		       size_t count, struct err *e)
{
	int r = take_back(nl, table, ports, count);
	/* One of them was not there: then each by itself. */
	for (size_t i = 0; r == -ENOENT && count > 1 && i < count; i++)
		take_back(nl, table, &ports[i], 1);
	forget(nl, ports, count);
	return r < 0 && r != -ENOENT ? problem(nl, r, table, e) : 0;
}
