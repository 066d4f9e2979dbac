/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nftables: one table of the inet family, its chains, rules, sets and maps, written as nfnetlink
 * batches that the kernel carries out whole or not at all. See nft(8),
 * <linux/netfilter/nf_tables.h>.
 *
 *   nft_begin(&nl); nft_table(&nl, "hull"); nft_set(...); nft_elements(...); nft_commit(&nl);
 *
 * Rules are const arrays of struct nft_op, most easily written with the macros below: what is
 * loaded goes to 32-bit registers R(0) to R(15), comparisons end the rule for a packet that does
 * not match.
 */
#pragma once

#include <netinet/in.h> /* before the kernel's, which give way to it */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "linux/netlink.h"

enum { NFT_BYTES_MAX = 16 };

struct nft_op {
	enum {
		NFT_DO_META,     /* a: enum nft_meta_keys */
		NFT_DO_PAYLOAD,  /* a: enum nft_payload_bases, b: offset, c: length */
		NFT_DO_CT,       /* a: enum nft_ct_keys */
		NFT_DO_FIB_TYPE, /* of the destination address: RTN_LOCAL ... */
		NFT_DO_COMPARE,  /* a: enum nft_cmp_ops, with `bytes` of length c */
		NFT_DO_MASK,     /* AND with `bytes` of length c */
		NFT_DO_LOOKUP,   /* in `set`; a: 1 = goes on if it is not there */
		NFT_DO_MAP,      /* `set` gives what goes to register a */
		NFT_DO_DNAT,     /* a: NFPROTO_*, from `reg` on: address, port */
		NFT_DO_MASQUERADE,
		NFT_DO_VERDICT,  /* a: NF_ACCEPT, NF_DROP */
		NFT_DO_LOAD,     /* `bytes` of length c */
		NFT_DO_SET_META, /* a: enum nft_meta_keys */
	} what;
	uint8_t reg;
	uint32_t a, b, c;
	uint8_t bytes[NFT_BYTES_MAX];
	const char *set;
};

#define R(n) (NFT_REG32_00 + (n))
#define NFT_META(register_, key_)                                                                  \
	{                                                                                          \
		.what = NFT_DO_META, .reg = (register_), .a = (key_)                               \
	}
#define NFT_PAYLOAD(register_, base_, offset_, length_)                                            \
	{                                                                                          \
		.what = NFT_DO_PAYLOAD, .reg = (register_), .a = (base_), .b = (offset_),          \
		.c = (length_)                                                                     \
	}
#define NFT_CT(register_, key_)                                                                    \
	{                                                                                          \
		.what = NFT_DO_CT, .reg = (register_), .a = (key_)                                 \
	}
#define NFT_FIB_TYPE(register_)                                                                    \
	{                                                                                          \
		.what = NFT_DO_FIB_TYPE, .reg = (register_)                                        \
	}
#define NFT_COMPARE(register_, op_, length_, ...)                                                  \
	{                                                                                          \
		.what = NFT_DO_COMPARE, .reg = (register_), .a = (op_), .c = (length_), .bytes = { \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define NFT_MASK(register_, length_, ...)                                                          \
	{                                                                                          \
		.what = NFT_DO_MASK, .reg = (register_), .c = (length_), .bytes = { __VA_ARGS__ }  \
	}
#define NFT_IN(register_, set_)                                                                    \
	{                                                                                          \
		.what = NFT_DO_LOOKUP, .reg = (register_), .set = (set_)                           \
	}
#define NFT_NOT_IN(register_, set_)                                                                \
	{                                                                                          \
		.what = NFT_DO_LOOKUP, .reg = (register_), .set = (set_), .a = 1                   \
	}
#define NFT_MAP(register_, set_, to_)                                                              \
	{                                                                                          \
		.what = NFT_DO_MAP, .reg = (register_), .set = (set_), .a = (to_)                  \
	}
#define NFT_DNAT(register_, family_)                                                               \
	{                                                                                          \
		.what = NFT_DO_DNAT, .reg = (register_), .a = (family_)                            \
	}
#define NFT_MASQUERADE                                                                             \
	{                                                                                          \
		.what = NFT_DO_MASQUERADE                                                          \
	}
#define NFT_VERDICT(code_)                                                                         \
	{                                                                                          \
		.what = NFT_DO_VERDICT, .a = (code_)                                               \
	}

#define NFT_LOAD(register_, length_, ...)                                                          \
	{                                                                                          \
		.what = NFT_DO_LOAD, .reg = (register_), .c = (length_), .bytes = { __VA_ARGS__ }  \
	}
#define NFT_META_SET(register_, key_)                                                              \
	{                                                                                          \
		.what = NFT_DO_SET_META, .reg = (register_), .a = (key_)                           \
	}

/* Types as nft(8) shows them; the kernel asks for lengths only. */
enum nft_type {
	NFT_T_NFPROTO = 2,
	NFT_T_IPV4 = 7,
	NFT_T_IPV6 = 8,
	NFT_T_PROTOCOL = 12,
	NFT_T_SERVICE = 13,
	NFT_T_IFNAME = 41,
};
#define NFT_T_AND(a, b) ((a) << 6 | (b))

struct nft_set {
	const char *name;
	uint32_t flags; /* NFT_SET_INTERVAL, NFT_SET_MAP */
	uint32_t key_type, key_len, data_type, data_len;
};
struct nft_chain {
	const char *name, *type; /* "filter", "nat"; NULL: no packet comes there by itself */
	uint32_t hook;           /* NF_INET_* */
	int32_t priority;
};

/** Begin a batch in the empty buffer of @nl (NETLINK_NETFILTER). */
void nft_begin(struct netlink *nl);
void nft_table_add(struct netlink *nl, const char *table);
/** One that the kernel removes with the socket (Linux 5.12). */
void nft_table_add_owned(struct netlink *nl, const char *table);
void nft_table_delete(struct netlink *nl, const char *table);
void nft_chain_add(struct netlink *nl, const char *table, const struct nft_chain *c);
void nft_set_add(struct netlink *nl, const char *table, const struct nft_set *s);
void nft_rule_add(struct netlink *nl, const char *table, const char *chain,
		  const struct nft_op *ops, size_t count);

/** An element: @data for maps, else NULL; @end (or NULL) of the interval that @key begins. */
struct nft_element {
	const void *key, *data, *end;
	size_t key_len, data_len;
};
/** Add them, or delete them (one that is not there fails the batch). */
void nft_elements_add(struct netlink *nl, const char *table, const char *set,
		      const struct nft_element *list, size_t count);
void nft_elements_delete(struct netlink *nl, const char *table, const char *set,
			 const struct nft_element *list, size_t count);
/** End the batch and send it. 0, or negative errno: nothing was changed. */
int nft_commit(struct netlink *nl);

/** How many rules each of the @count chains has, asked for in one message. 0; -ENOENT: no such
 * table, or a chain is not there. */
int nft_chain_rules(struct netlink *nl, const char *table, const char *const *chains, size_t count,
		    unsigned *ret);

/** Open @nl to hear of what is taken out of tables, by anybody, in our namespace. */
int nft_watch(struct netlink *nl);
/** Read what came: was a table, chain or rule removed from a table whose name begins with @prefix,
 * or was there more than could be heard? Does not wait. */
bool nft_watch_read(struct netlink *nl, const char *prefix);
