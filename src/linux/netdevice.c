/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving a network device by rtnetlink: addresses are read, the device is moved and named in one
 * request, and a second socket, made in the other namespace, gives the addresses back. See
 * rtnetlink(7), netlink.h.
 */
#include "linux/netdevice.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "linux/link.h"

enum { ADDRESSES_MAX = 64 };

/* What it takes to make an address again, without its header. */
struct kept {
	struct ifaddrmsg head;
	struct {
		uint8_t bytes[16];
		size_t len; /* 0: it has none */
	} parts[3];
};
static const uint16_t part_types[] = {IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST};

struct addresses {
	int index; /* of the device */
	struct kept list[ADDRESSES_MAX];
	size_t count;
};

bool netdevice_name_is_valid(const char *name)
{
	size_t len = strlen(name);
	return len > 0 && len < IFNAMSIZ && strcspn(name, "/: \t\n\v\f\r") == len &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* What the kernel gave it itself comes by itself. */
static int keep(void *ctx, const struct nlmsghdr *m)
{
	struct addresses *a = ctx;
	const struct ifaddrmsg *from = NLMSG_DATA(m);
	if (m->nlmsg_type != RTM_NEWADDR || m->nlmsg_len < NLMSG_LENGTH(sizeof(*from)) ||
	    (int)from->ifa_index != a->index || !(from->ifa_flags & IFA_F_PERMANENT) ||
	    from->ifa_scope != RT_SCOPE_UNIVERSE)
		return 0;
	if (a->count == ADDRESSES_MAX)
		return -E2BIG;
	struct kept *k = &a->list[a->count++];
	*k = (struct kept){.head = {.ifa_family = from->ifa_family,
				    .ifa_prefixlen = from->ifa_prefixlen,
				    .ifa_scope = from->ifa_scope}};
	for (size_t i = 0; i < ARRAY_LEN(part_types); i++) {
		const struct nlattr *part = netlink_attribute(m, sizeof(*from), part_types[i]);
		size_t len = part ? part->nla_len - NLA_HDRLEN : 0;
		if (len > sizeof(k->parts[i].bytes))
			return -EMSGSIZE;
		if (len)
			memcpy(k->parts[i].bytes, netlink_data(part, len), len);
		k->parts[i].len = len;
	}
	return 0;
}

static int read_addresses(struct netlink *nl, int index, struct addresses *ret)
{
	const struct ifaddrmsg any = {.ifa_family = AF_UNSPEC};
	ret->index = index;
	netlink_begin(nl, RTM_GETADDR, NLM_F_DUMP, &any, sizeof(any));
	return netlink_ask(nl, keep, ret);
}

static int move(struct netlink *nl, int index, const char *name, int netns)
{
	const struct ifinfomsg link = {.ifi_index = index};
	netlink_begin(nl, RTM_NEWLINK, 0, &link, sizeof(link));
	netlink_put_u32(nl, IFLA_NET_NS_FD, (uint32_t)netns);
	netlink_put_text(nl, IFLA_IFNAME, name);
	return netlink_send(nl);
}

static int settle(struct netlink *nl, const char *name, const struct addresses *list)
{
	struct link_info link;
	int r = link_find(nl, name, &link);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list->count; i++) {
		const struct kept *k = &list->list[i];
		struct ifaddrmsg head = k->head;
		head.ifa_index = (unsigned)link.index;
		netlink_begin(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
		for (size_t p = 0; p < ARRAY_LEN(part_types); p++)
			if (k->parts[p].len)
				netlink_put(nl, part_types[p], k->parts[p].bytes, k->parts[p].len);
	}
	const struct ifinfomsg up = {
		.ifi_index = link.index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	netlink_begin(nl, RTM_NEWLINK, 0, &up, sizeof(up));
	return netlink_send(nl);
}

int netdevice_move(const char *name, const char *new_name, int netns, struct err *e)
{
	struct addresses list = {.count = 0};
	struct link_info link;
	CLEANUP_NETLINK struct netlink here = NETLINK_CLOSED;
	CLEANUP_NETLINK struct netlink there = NETLINK_CLOSED;
	int r = netlink_open(&here, NETLINK_ROUTE, -1);
	if (r == 0)
		r = netlink_open(&there, NETLINK_ROUTE, netns);
	if (r < 0)
		return err_errno(e, r, "cannot reach the network namespace");
	r = link_find(&here, name, &link);
	if (r < 0)
		return err_errno(e, r, "there is no network device %s here", name);
	r = read_addresses(&here, link.index, &list);
	if (r < 0)
		return err_errno(e, r, "cannot read the addresses of %s", name);
	r = move(&here, link.index, new_name, netns);
	if (r < 0)
		return netlink_problem(&here, r, e, "cannot move %s in as %s", name, new_name);
	r = settle(&there, new_name, &list);
	return r < 0 ? netlink_problem(&there, r, e, "cannot set %s up inside as %s", name,
				       new_name)
		     : 0;
}
