/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink: messages put together in a buffer, sent in one go, and their answers. Serves
 * rtnetlink(7) (links, addresses, routes) and nfnetlink (nftables); see netlink(7). (libmnl would
 * do the first half, but Debian has no archive of it to link with, and hull starts without dynamic
 * loading.)
 *
 *   netlink_begin(&nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
 *   netlink_put_text(&nl, IFLA_IFNAME, "eth0");
 *   size_t at = netlink_nest(&nl, IFLA_LINKINFO); ... netlink_nest_end(&nl, at);
 *   r = netlink_send(&nl);
 */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

struct netlink {
	int fd;
	uint32_t seq;        /* of the last message in the buffer */
	size_t head;         /* where that begins */
	bool batch;          /* the first one begins an nfnetlink batch */
	struct strbuf buf;   /* what is to be sent */
	uint32_t failed_seq; /* of the first message that failed, counted from 1 in its buffer */
	char why[128];       /* the kernel's own words about that, or "" */
};
#define NETLINK_CLOSED                                                                             \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/** A socket of @protocol (NETLINK_ROUTE, NETLINK_NETFILTER) in our network namespace, or in that of
 * @netns, a descriptor of one or of a process (pidfd); -1: ours. 0, or negative errno. */
int netlink_open(struct netlink *nl, int protocol, int netns);
void netlink_close(struct netlink *nl);
#define CLEANUP_NETLINK __attribute__((cleanup(netlink_close)))

/** Begin the next message, with the header that its type wants. */
void netlink_begin(struct netlink *nl, uint16_t type, uint16_t flags, const void *head,
		   size_t size);
/** Add an attribute to it. */
void netlink_put(struct netlink *nl, uint16_t type, const void *data, size_t len);
void netlink_put_u32(struct netlink *nl, uint16_t type, uint32_t value);
/** Most significant byte first, as nfnetlink wants its numbers. */
void netlink_put_be32(struct netlink *nl, uint16_t type, uint32_t value);
/** With its NUL. */
void netlink_put_text(struct netlink *nl, uint16_t type, const char *text);
/** Begin an attribute that holds attributes; what it returns ends it. */
size_t netlink_nest(struct netlink *nl, uint16_t type);
/** The same where a header of its own comes first. */
size_t netlink_nest_with(struct netlink *nl, uint16_t type, const void *head, size_t size);
void netlink_nest_end(struct netlink *nl, size_t at);

/** Send what was begun, and hear what became of it; the buffer is empty then. The kernel goes on
 * after a message that failed, except within an nfnetlink batch, which is done whole or not at all.
 * 0, or what the first failure was: see `failed_seq` and `why`. */
int netlink_send(struct netlink *nl);
/** Fill @e from a failure @number of netlink_send(), with the kernel's words. */
int netlink_problem(const struct netlink *nl, int number, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** Called with each object of an answer; negative errno ends it. */
typedef int (*netlink_fn)(void *ctx, const struct nlmsghdr *m);
/** Send the question in the buffer (with NLM_F_DUMP, or not), or several of the other kind, and
 * hand over what is answered. 0, or what the first failure was. */
int netlink_ask(struct netlink *nl, netlink_fn each, void *ctx);

/** Hand over what came unasked, from the groups of the socket; does not wait. -ENOBUFS: there was
 * more than it could hold. */
int netlink_events(struct netlink *nl, netlink_fn each, void *ctx);

/** Attributes of an answer: the first of @type after a header of @head bytes, or NULL. */
const struct nlattr *netlink_attribute(const struct nlmsghdr *m, size_t head, uint16_t type);
/** The same among those that another one holds. */
const struct nlattr *netlink_inner(const struct nlattr *outer, uint16_t type);
/** Its payload; @len bytes at least, or NULL. (Text is NUL-ended: NULL otherwise.) */
const void *netlink_data(const struct nlattr *a, size_t len);
const char *netlink_text(const struct nlattr *a);
