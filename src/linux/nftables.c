/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes as <linux/netfilter/nf_tables.h> names them; all numbers are big-endian. */
#include "linux/nftables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* An attribute's length has 16 bits: so many elements go into one message. */
enum { ELEMENTS_PER_MESSAGE = 400 };

static void begin(struct netlink *nl, unsigned message, uint16_t flags)
{
	const struct nfgenmsg head = {.nfgen_family = NFPROTO_INET};
	netlink_begin(nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags, &head,
		      sizeof(head));
}

static void batch(struct netlink *nl, uint16_t type)
{
	const struct nfgenmsg head = {.nfgen_family = AF_UNSPEC,
				      .res_id = htons(NFNL_SUBSYS_NFTABLES)};
	netlink_begin(nl, type, 0, &head, sizeof(head));
}

void nft_begin(struct netlink *nl)
{
	batch(nl, NFNL_MSG_BATCH_BEGIN);
}

int nft_commit(struct netlink *nl)
{
	batch(nl, NFNL_MSG_BATCH_END);
	return netlink_send(nl);
}

void nft_table_add(struct netlink *nl, const char *table)
{
	begin(nl, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	netlink_put_text(nl, NFTA_TABLE_NAME, table);
}

void nft_table_add_owned(struct netlink *nl, const char *table)
{
	nft_table_add(nl, table);
	netlink_put_be32(nl, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
}

void nft_table_delete(struct netlink *nl, const char *table)
{
	begin(nl, NFT_MSG_DELTABLE, 0);
	netlink_put_text(nl, NFTA_TABLE_NAME, table);
}

void nft_chain_add(struct netlink *nl, const char *table, const struct nft_chain *c)
{
	begin(nl, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	netlink_put_text(nl, NFTA_CHAIN_TABLE, table);
	netlink_put_text(nl, NFTA_CHAIN_NAME, c->name);
	if (!c->type)
		return;
	netlink_put_text(nl, NFTA_CHAIN_TYPE, c->type);
	size_t hook = netlink_nest(nl, NFTA_CHAIN_HOOK);
	netlink_put_be32(nl, NFTA_HOOK_HOOKNUM, c->hook);
	netlink_put_be32(nl, NFTA_HOOK_PRIORITY, (uint32_t)c->priority);
	netlink_nest_end(nl, hook);
}

/* libnftnl's NFTNL_UDATA_SET_KEYBYTEORDER: type, length, value. */
static const uint8_t host_order[] = {0, 4, 1, 0, 0, 0};

void nft_set_add(struct netlink *nl, const char *table, const struct nft_set *s)
{
	begin(nl, NFT_MSG_NEWSET, NLM_F_CREATE);
	netlink_put_text(nl, NFTA_SET_TABLE, table);
	netlink_put_text(nl, NFTA_SET_NAME, s->name);
	netlink_put_be32(nl, NFTA_SET_FLAGS, s->flags);
	netlink_put_be32(nl, NFTA_SET_KEY_TYPE, s->key_type);
	netlink_put_be32(nl, NFTA_SET_KEY_LEN, s->key_len);
	netlink_put_be32(nl, NFTA_SET_ID, nl->seq);
	/* For nft(8) alone: names are in the host's order, whatever that means for them. */
	if ((s->key_type & 0x3f) == NFT_T_IFNAME)
		netlink_put(nl, NFTA_SET_USERDATA, host_order, sizeof(host_order));
	if (s->flags & NFT_SET_MAP) {
		netlink_put_be32(nl, NFTA_SET_DATA_TYPE, s->data_type);
		netlink_put_be32(nl, NFTA_SET_DATA_LEN, s->data_len);
	}
}

static void put_value(struct netlink *nl, uint16_t type, const void *bytes, size_t len)
{
	size_t value = netlink_nest(nl, type);
	netlink_put(nl, NFTA_DATA_VALUE, bytes, len);
	netlink_nest_end(nl, value);
}

static void put_verdict(struct netlink *nl, uint32_t code)
{
	size_t data = netlink_nest(nl, NFTA_IMMEDIATE_DATA);
	size_t verdict = netlink_nest(nl, NFTA_DATA_VERDICT);
	netlink_put_be32(nl, NFTA_VERDICT_CODE, code);
	netlink_nest_end(nl, verdict);
	netlink_nest_end(nl, data);
}

static void put_mask(struct netlink *nl, const struct nft_op *op)
{
	static const uint8_t none[NFT_BYTES_MAX];
	netlink_put_be32(nl, NFTA_BITWISE_LEN, op->c);
	put_value(nl, NFTA_BITWISE_MASK, op->bytes, op->c);
	put_value(nl, NFTA_BITWISE_XOR, none, op->c);
}

/* The numbers of an expression, by attribute: register as destination or source, a, b, c. */
static const struct {
	const char *name;
	uint16_t dreg, sreg, a, b, c;
} forms[] = {
	[NFT_DO_META] = {"meta", .dreg = NFTA_META_DREG, .a = NFTA_META_KEY},
	[NFT_DO_PAYLOAD] = {"payload", .dreg = NFTA_PAYLOAD_DREG, .a = NFTA_PAYLOAD_BASE,
			    .b = NFTA_PAYLOAD_OFFSET, .c = NFTA_PAYLOAD_LEN},
	[NFT_DO_CT] = {"ct", .dreg = NFTA_CT_DREG, .a = NFTA_CT_KEY},
	[NFT_DO_FIB_TYPE] = {"fib", .dreg = NFTA_FIB_DREG},
	[NFT_DO_COMPARE] = {"cmp", .sreg = NFTA_CMP_SREG, .a = NFTA_CMP_OP},
	[NFT_DO_MASK] = {"bitwise", .dreg = NFTA_BITWISE_DREG, .sreg = NFTA_BITWISE_SREG},
	[NFT_DO_LOOKUP] = {"lookup", .sreg = NFTA_LOOKUP_SREG, .a = NFTA_LOOKUP_FLAGS},
	[NFT_DO_MAP] = {"lookup", .sreg = NFTA_LOOKUP_SREG, .a = NFTA_LOOKUP_DREG},
	[NFT_DO_DNAT] = {"nat", .sreg = NFTA_NAT_REG_ADDR_MIN, .a = NFTA_NAT_FAMILY},
	[NFT_DO_MASQUERADE] = {"masq"},
	[NFT_DO_VERDICT] = {"immediate", .dreg = NFTA_IMMEDIATE_DREG},
	[NFT_DO_LOAD] = {"immediate", .dreg = NFTA_IMMEDIATE_DREG},
	[NFT_DO_SET_META] = {"meta", .sreg = NFTA_META_SREG, .a = NFTA_META_KEY},
};

static void put_numbers(struct netlink *nl, const struct nft_op *op)
{
	const uint16_t types[] = {forms[op->what].dreg, forms[op->what].sreg, forms[op->what].a,
				  forms[op->what].b, forms[op->what].c};
	const uint32_t values[] = {op->reg, op->reg, op->a, op->b, op->c};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i])
			netlink_put_be32(nl, types[i], values[i]);
}

static void put_op(struct netlink *nl, const struct nft_op *op)
{
	size_t element = netlink_nest(nl, NFTA_LIST_ELEM);
	netlink_put_text(nl, NFTA_EXPR_NAME, forms[op->what].name);
	size_t data = netlink_nest(nl, NFTA_EXPR_DATA);
	put_numbers(nl, op);
	if (op->set)
		netlink_put_text(nl, NFTA_LOOKUP_SET, op->set);
	if (op->what == NFT_DO_COMPARE)
		put_value(nl, NFTA_CMP_DATA, op->bytes, op->c);
	if (op->what == NFT_DO_LOAD)
		put_value(nl, NFTA_IMMEDIATE_DATA, op->bytes, op->c);
	if (op->what == NFT_DO_MASK)
		put_mask(nl, op);
	if (op->what == NFT_DO_VERDICT)
		put_verdict(nl, op->a);
	if (op->what == NFT_DO_FIB_TYPE) {
		netlink_put_be32(nl, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		netlink_put_be32(nl, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
	}
	if (op->what == NFT_DO_DNAT) {
		/* The port lies in the register after the address. */
		netlink_put_be32(nl, NFTA_NAT_TYPE, NFT_NAT_DNAT);
		netlink_put_be32(nl, NFTA_NAT_REG_PROTO_MIN,
				 op->reg + (op->a == NFPROTO_IPV6 ? 4 : 1));
	}
	netlink_nest_end(nl, data);
	netlink_nest_end(nl, element);
}

void nft_rule_add(struct netlink *nl, const char *table, const char *chain,
		  const struct nft_op *ops, size_t count)
{
	begin(nl, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	netlink_put_text(nl, NFTA_RULE_TABLE, table);
	netlink_put_text(nl, NFTA_RULE_CHAIN, chain);
	size_t list = netlink_nest(nl, NFTA_RULE_EXPRESSIONS);
	for (size_t i = 0; i < count; i++)
		put_op(nl, &ops[i]);
	netlink_nest_end(nl, list);
}

static void put_element(struct netlink *nl, const void *key, size_t len, const void *data,
			size_t data_len, uint32_t flags)
{
	size_t element = netlink_nest(nl, NFTA_LIST_ELEM);
	if (flags)
		netlink_put_be32(nl, NFTA_SET_ELEM_FLAGS, flags);
	put_value(nl, NFTA_SET_ELEM_KEY, key, len);
	if (data)
		put_value(nl, NFTA_SET_ELEM_DATA, data, data_len);
	netlink_nest_end(nl, element);
}

static void elements(struct netlink *nl, unsigned message, uint16_t flags, const char *table,
		     const char *set, const struct nft_element *list, size_t count)
{
	for (size_t done = 0; done < count;) {
		size_t end =
			count - done > ELEMENTS_PER_MESSAGE ? done + ELEMENTS_PER_MESSAGE : count;
		begin(nl, message, flags);
		netlink_put_text(nl, NFTA_SET_ELEM_LIST_TABLE, table);
		netlink_put_text(nl, NFTA_SET_ELEM_LIST_SET, set);
		size_t nest = netlink_nest(nl, NFTA_SET_ELEM_LIST_ELEMENTS);
		for (; done < end; done++) {
			const struct nft_element *l = &list[done];
			put_element(nl, l->key, l->key_len, l->data, l->data_len, 0);
			if (l->end)
				put_element(nl, l->end, l->key_len, NULL, 0,
					    NFT_SET_ELEM_INTERVAL_END);
		}
		netlink_nest_end(nl, nest);
	}
}

void nft_elements_add(struct netlink *nl, const char *table, const char *set,
		      const struct nft_element *list, size_t count)
{
	elements(nl, NFT_MSG_NEWSETELEM, NLM_F_CREATE, table, set, list, count);
}

void nft_elements_delete(struct netlink *nl, const char *table, const char *set,
			 const struct nft_element *list, size_t count)
{
	elements(nl, NFT_MSG_DELSETELEM, 0, table, set, list, count);
}

struct chain_answers {
	unsigned *rules;
	size_t count, heard;
};

/* Answers come in the order of the questions. */
static int count_rules(void *ctx, const struct nlmsghdr *m)
{
	struct chain_answers *x = ctx;
	const uint32_t *use = netlink_data(
		netlink_attribute(m, sizeof(struct nfgenmsg), NFTA_CHAIN_USE), sizeof(*use));
	if (x->heard == x->count)
		return -EBADMSG;
	x->rules[x->heard++] = use ? ntohl(*use) : 0;
	return 0;
}

int nft_chain_rules(struct netlink *nl, const char *table, const char *const *chains, size_t count,
		    unsigned *ret)
{
	struct chain_answers x = {ret, count, 0};
	for (size_t i = 0; i < count; i++) {
		begin(nl, NFT_MSG_GETCHAIN, 0);
		netlink_put_text(nl, NFTA_CHAIN_TABLE, table);
		netlink_put_text(nl, NFTA_CHAIN_NAME, chains[i]);
	}
	int r = netlink_ask(nl, count_rules, &x);
	return r < 0 ? r : x.heard < count ? -ENOENT : 0;
}

int nft_watch(struct netlink *nl)
{
	/* A socket without an address of its own is told nothing. */
	const struct sockaddr_nl own = {.nl_family = AF_NETLINK,
					.nl_groups = 1u << (NFNLGRP_NFTABLES - 1)};
	int r = netlink_open(nl, NETLINK_NETFILTER, -1);
	return r < 0 ? r : bind(nl->fd, (const void *)&own, sizeof(own)) < 0 ? -errno : 0;
}

struct removals {
	const char *prefix;
	bool any;
};

static int see_removal(void *ctx, const struct nlmsghdr *m)
{
	/* In all three the first attribute is the table's name. */
	_Static_assert(NFTA_TABLE_NAME == (int)NFTA_CHAIN_TABLE &&
			       NFTA_TABLE_NAME == (int)NFTA_RULE_TABLE,
		       "the table's name");
	struct removals *x = ctx;
	unsigned what = m->nlmsg_type & 0xff;
	const char *table =
		netlink_text(netlink_attribute(m, sizeof(struct nfgenmsg), NFTA_TABLE_NAME));
	if (m->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES && table &&
	    (what == NFT_MSG_DELTABLE || what == NFT_MSG_DELCHAIN || what == NFT_MSG_DELRULE))
		x->any |= !strncmp(table, x->prefix, strlen(x->prefix));
	return 0;
}

bool nft_watch_read(struct netlink *nl, const char *prefix)
{
	struct removals x = {.prefix = prefix};
	return netlink_events(nl, see_removal, &x) == -ENOBUFS || x.any;
}
