/* SPDX-License-Identifier: Apache-2.0 */
/* Each function is one batch of messages, or one question first: an index is needed where addresses
 * are given. See rtnetlink(7), <linux/if_link.h>. */
#include "linux/link.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Worse than whatever the kernel makes by itself. */
enum { LAST_METRIC = 4096 };

static void read_link(const struct nlmsghdr *m, struct link_info *ret)
{
	const struct ifinfomsg *i = NLMSG_DATA(m);
	const struct nlattr *info = netlink_attribute(m, sizeof(*i), IFLA_LINKINFO);
	const uint32_t *master =
		netlink_data(netlink_attribute(m, sizeof(*i), IFLA_MASTER), sizeof(*master));
	const uint32_t *peer =
		netlink_data(netlink_attribute(m, sizeof(*i), IFLA_LINK), sizeof(*peer));
	const uint32_t *group =
		netlink_data(netlink_attribute(m, sizeof(*i), IFLA_GROUP), sizeof(*group));
	const char *kind = netlink_text(netlink_inner(info, IFLA_INFO_KIND));
	const char *alias = netlink_text(netlink_attribute(m, sizeof(*i), IFLA_IFALIAS));
	*ret = (struct link_info){.index = i->ifi_index,
				  .up = i->ifi_flags & IFF_UP,
				  .master = master ? (int)*master : 0,
				  .peer = peer ? (int)*peer : 0,
				  .group = group ? *group : 0};
	snprintf(ret->kind, sizeof(ret->kind), "%s", kind ? kind : "");
	snprintf(ret->alias, sizeof(ret->alias), "%s", alias ? alias : "");
}

static int found(void *ctx, const struct nlmsghdr *m)
{
	if (m->nlmsg_type != RTM_NEWLINK || m->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
		return -EBADMSG;
	read_link(m, ctx);
	return 0;
}

int link_find(struct netlink *nl, const char *name, struct link_info *ret)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	*ret = (struct link_info){0};
	netlink_begin(nl, RTM_GETLINK, 0, &any, sizeof(any));
	netlink_put_text(nl, IFLA_IFNAME, name);
	int r = netlink_ask(nl, found, ret);
	return r < 0 ? r : ret->index > 0 ? 0 : -ENODEV;
}

struct listing_links {
	link_fn each;
	void *ctx;
};

static int listed(void *ctx, const struct nlmsghdr *m)
{
	const struct listing_links *l = ctx;
	struct link_info info;
	if (m->nlmsg_type != RTM_NEWLINK || m->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
		return 0;
	const char *name =
		netlink_text(netlink_attribute(m, sizeof(struct ifinfomsg), IFLA_IFNAME));
	read_link(m, &info);
	if (name)
		l->each(l->ctx, name, &info);
	return 0;
}

int link_list(struct netlink *nl, link_fn each, void *ctx)
{
	const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
	struct listing_links l = {each, ctx};
	netlink_begin(nl, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	return netlink_ask(nl, listed, &l);
}

int link_remove(struct netlink *nl, int index)
{
	const struct ifinfomsg link = {.ifi_index = index};
	netlink_begin(nl, RTM_DELLINK, 0, &link, sizeof(link));
	return netlink_send(nl);
}

static void put_address(struct netlink *nl, int index, const struct subnet *s)
{
	const size_t size = ip_size(&s->ip);
	struct ifaddrmsg head = {.ifa_family = s->ip.family,
				 .ifa_prefixlen = s->prefix,
				 .ifa_scope = RT_SCOPE_UNIVERSE,
				 .ifa_index = (unsigned)index};
	netlink_begin(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &head, sizeof(head));
	netlink_put(nl, IFA_LOCAL, s->ip.bytes, size);
	netlink_put(nl, IFA_ADDRESS, s->ip.bytes, size);
	if (s->ip.family == AF_INET) {
		struct ip broadcast = subnet_last(s);
		netlink_put(nl, IFA_BROADCAST, broadcast.bytes, size);
	} else {
		/* It is ours to give; nobody need be asked for a second whether he has it. */
		netlink_put_u32(nl, IFA_FLAGS, IFA_F_NODAD | IFA_F_PERMANENT);
	}
}

static void put_up(struct netlink *nl, int index)
{
	const struct ifinfomsg up = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	netlink_begin(nl, RTM_NEWLINK, 0, &up, sizeof(up));
}

int bridge_make(struct netlink *nl, const struct bridge *b)
{
	struct link_info made;
	const struct ifinfomsg new = {.ifi_family = AF_UNSPEC};
	netlink_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &new, sizeof(new));
	netlink_put_text(nl, IFLA_IFNAME, b->name);
	netlink_put(nl, IFLA_ADDRESS, b->mac, MAC_SIZE);
	/* A link is born with a group, but not with an alias. */
	netlink_put_u32(nl, IFLA_GROUP, b->mark);
	if (b->mtu)
		netlink_put_u32(nl, IFLA_MTU, b->mtu);
	size_t info = netlink_nest(nl, IFLA_LINKINFO);
	netlink_put_text(nl, IFLA_INFO_KIND, "bridge");
	netlink_nest_end(nl, info);
	int r = netlink_send(nl);
	if (r == 0 || r == -EEXIST)
		r = link_find(nl, b->name, &made);
	if (r == 0 && strcmp(made.kind, "bridge") != 0)
		r = -EEXIST;
	if (r < 0)
		return r;
	for (size_t i = 0; i < b->address_count; i++)
		put_address(nl, made.index, &b->addresses[i]);
	put_up(nl, made.index);
	netlink_put_text(nl, IFLA_IFALIAS, b->alias);
	netlink_put_u32(nl, IFLA_GROUP, 0);
	return netlink_send(nl);
}

int veth_make(struct netlink *nl, const struct veth *v)
{
	const struct ifinfomsg up = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP}, inner = {0};
	netlink_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &up, sizeof(up));
	netlink_put_text(nl, IFLA_IFNAME, v->name);
	netlink_put_u32(nl, IFLA_MASTER, (uint32_t)v->bridge);
	if (v->mtu)
		netlink_put_u32(nl, IFLA_MTU, v->mtu);
	size_t info = netlink_nest(nl, IFLA_LINKINFO);
	netlink_put_text(nl, IFLA_INFO_KIND, "veth");
	size_t data = netlink_nest(nl, IFLA_INFO_DATA);
	size_t peer = netlink_nest_with(nl, VETH_INFO_PEER, &inner, sizeof(inner));
	netlink_put_text(nl, IFLA_IFNAME, v->inner);
	netlink_put(nl, IFLA_ADDRESS, v->mac, MAC_SIZE);
	if (v->mtu)
		netlink_put_u32(nl, IFLA_MTU, v->mtu);
	netlink_put_u32(nl, IFLA_NET_NS_FD, (uint32_t)v->netns);
	netlink_nest_end(nl, peer);
	netlink_nest_end(nl, data);
	netlink_nest_end(nl, info);
	return netlink_send(nl);
}

int link_child_make(struct netlink *nl, const struct link_child *c)
{
	const struct ifinfomsg new = {.ifi_index = c->index};
	const bool mac = !strcmp(c->kind, "macvlan");
	const uint16_t mode = (uint16_t)c->mode;
	netlink_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &new, sizeof(new));
	netlink_put_text(nl, IFLA_IFNAME, c->name);
	netlink_put_u32(nl, IFLA_LINK, (uint32_t)c->parent);
	netlink_put_u32(nl, IFLA_NET_NS_FD, (uint32_t)c->netns);
	if (mac)
		netlink_put(nl, IFLA_ADDRESS, c->mac, MAC_SIZE);
	if (c->mtu)
		netlink_put_u32(nl, IFLA_MTU, c->mtu);
	size_t info = netlink_nest(nl, IFLA_LINKINFO);
	netlink_put_text(nl, IFLA_INFO_KIND, c->kind);
	size_t data = netlink_nest(nl, IFLA_INFO_DATA);
	if (mac)
		netlink_put_u32(nl, IFLA_MACVLAN_MODE, c->mode);
	else
		netlink_put(nl, IFLA_IPVLAN_MODE, &mode, sizeof(mode));
	netlink_nest_end(nl, data);
	netlink_nest_end(nl, info);
	return netlink_send(nl);
}

int link_port_flag(struct netlink *nl, const char *port, uint16_t flag)
{
	const uint8_t on = 1;
	struct link_info link;
	int r = link_find(nl, port, &link);
	if (r < 0)
		return r;
	const struct ifinfomsg head = {.ifi_family = AF_BRIDGE, .ifi_index = link.index};
	netlink_begin(nl, RTM_SETLINK, 0, &head, sizeof(head));
	size_t info = netlink_nest(nl, IFLA_PROTINFO);
	netlink_put(nl, flag, &on, sizeof(on));
	netlink_nest_end(nl, info);
	return netlink_send(nl);
}

static void put_gateway(struct netlink *nl, int index, const struct ip *gateway)
{
	const struct rtmsg to = {.rtm_family = gateway->family,
				 .rtm_table = RT_TABLE_MAIN,
				 .rtm_protocol = RTPROT_BOOT,
				 .rtm_scope = RT_SCOPE_UNIVERSE,
				 .rtm_type = RTN_UNICAST};
	netlink_begin(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &to, sizeof(to));
	netlink_put(nl, RTA_GATEWAY, gateway->bytes, ip_size(gateway));
	netlink_put_u32(nl, RTA_OIF, (uint32_t)index);
}

int link_lead_out(struct netlink *nl, int index, const struct ip *gateways, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put_gateway(nl, index, &gateways[i]);
	return netlink_send(nl);
}

int link_configure(struct netlink *nl, const char *name, const struct subnet *addresses,
		   size_t address_count, const struct ip *gateways, size_t gateway_count)
{
	struct link_info link;
	int r = link_find(nl, name, &link);
	if (r < 0)
		return r;
	for (size_t i = 0; i < address_count; i++)
		put_address(nl, link.index, &addresses[i]);
	put_up(nl, link.index);
	return link_lead_out(nl, link.index, gateways, gateway_count);
}

int link_take_loopback6(struct netlink *nl, int index)
{
	static const uint8_t loopback[16] = {[15] = 1};
	const struct rtmsg to = {.rtm_family = AF_INET6,
				 .rtm_dst_len = 128,
				 .rtm_table = RT_TABLE_LOCAL,
				 .rtm_protocol = RTPROT_BOOT,
				 .rtm_scope = RT_SCOPE_HOST,
				 .rtm_type = RTN_LOCAL};
	netlink_begin(nl, RTM_NEWROUTE, NLM_F_CREATE, &to, sizeof(to));
	netlink_put(nl, RTA_DST, loopback, sizeof(loopback));
	netlink_put_u32(nl, RTA_OIF, (uint32_t)index);
	netlink_put_u32(nl, RTA_PRIORITY, LAST_METRIC);
	int r = netlink_send(nl);
	return r == -EEXIST ? 0 : r;
}

struct listing_routes {
	route_fn each;
	void *ctx;
};

static int route(void *ctx, const struct nlmsghdr *m)
{
	const struct listing_routes *l = ctx;
	const struct rtmsg *r = NLMSG_DATA(m);
	if (m->nlmsg_type != RTM_NEWROUTE || m->nlmsg_len < NLMSG_LENGTH(sizeof(*r)) ||
	    r->rtm_dst_len == 0 || (r->rtm_family != AF_INET && r->rtm_family != AF_INET6) ||
	    r->rtm_type != RTN_UNICAST)
		return 0;
	struct subnet to = {.ip = {.family = r->rtm_family}, .prefix = r->rtm_dst_len};
	const void *bytes =
		netlink_data(netlink_attribute(m, sizeof(*r), RTA_DST), ip_size(&to.ip));
	if (!bytes)
		return 0;
	memcpy(to.ip.bytes, bytes, ip_size(&to.ip));
	l->each(l->ctx, &to);
	return 0;
}

int route_list(struct netlink *nl, route_fn each, void *ctx)
{
	const struct rtmsg any = {.rtm_family = AF_UNSPEC};
	struct listing_routes l = {each, ctx};
	netlink_begin(nl, RTM_GETROUTE, NLM_F_DUMP, &any, sizeof(any));
	return netlink_ask(nl, route, &l);
}

static void read_address(const struct nlmsghdr *m, uint16_t type, uint8_t family, struct ip *ret)
{
	const struct ip any = {.family = family};
	const void *bytes =
		netlink_data(netlink_attribute(m, sizeof(struct rtmsg), type), ip_size(&any));
	*ret = (struct ip){0};
	if (!bytes)
		return;
	*ret = any;
	memcpy(ret->bytes, bytes, ip_size(&any));
}

static int route_found(void *ctx, const struct nlmsghdr *m)
{
	struct ip_route *ret = ctx;
	const struct rtmsg *r = NLMSG_DATA(m);
	const uint32_t *out = netlink_data(netlink_attribute(m, sizeof(*r), RTA_OIF), sizeof(*out));
	if (m->nlmsg_type != RTM_NEWROUTE || m->nlmsg_len < NLMSG_LENGTH(sizeof(*r)))
		return 0;
	ret->type = r->rtm_type;
	ret->out = out ? (int)*out : 0;
	read_address(m, RTA_GATEWAY, r->rtm_family, &ret->gateway);
	read_address(m, RTA_PREFSRC, r->rtm_family, &ret->source);
	return 0;
}

int ip_route_find(struct netlink *nl, const struct ip *to, const struct ip *from, int in,
		  struct ip_route *ret)
{
	const struct rtmsg head = {.rtm_family = to->family,
				   .rtm_dst_len = (uint8_t)ip_bits(to),
				   .rtm_src_len = from ? (uint8_t)ip_bits(from) : 0};
	*ret = (struct ip_route){0};
	netlink_begin(nl, RTM_GETROUTE, 0, &head, sizeof(head));
	netlink_put(nl, RTA_DST, to->bytes, ip_size(to));
	if (from)
		netlink_put(nl, RTA_SRC, from->bytes, ip_size(from));
	if (in)
		netlink_put_u32(nl, RTA_IIF, (uint32_t)in);
	return netlink_ask(nl, route_found, ret);
}

const char *mac_print(const uint8_t mac[static MAC_SIZE], char buf[static MAC_TEXT_SIZE])
{
	snprintf(buf, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return buf;
}

bool mac_parse(const char *text, uint8_t ret[static MAC_SIZE])
{
	int end = 0;
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &ret[0], &ret[1], &ret[2],
		      &ret[3], &ret[4], &ret[5], &end) == MAC_SIZE &&
	       end == MAC_TEXT_SIZE - 1 && !text[end];
}
