/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of a network, and the pair of devices that leads into a container. Everything may
 * be there already, or half: a killed command, a reboot, another hull at the same time.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/qdisc.h"
#include "network/network.h"

/* 1, 0, or negative errno: it cannot be read. */
static int knob_has(const char *path, const char *value)
{
	char now[16], full[128];
	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	ssize_t n = file_read_small(AT_FDCWD, full, now, sizeof(now));
	return n < 0 ? (int)n : !strcmp(now, value);
}

static bool knob_is(const char *path, const char *value)
{
	return knob_has(path, value) > 0;
}

/* Write a knob of /proc/sys/net that is not as it should be. */
static int knob(const char *path, const char *value)
{
	char full[128];
	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	return knob_is(path, value) ? 0 : file_write_small(AT_FDCWD, full, value);
}

static const char *forwarding(int family)
{
	return family == AF_INET6 ? "ipv6/conf/all/forwarding" : "ipv4/ip_forward";
}

int host_forwards(int family)
{
	return knob_has(forwarding(family), "1");
}

int host_forward(int family)
{
	return knob(forwarding(family), "1");
}

bool bridge_answers_loopback6(void)
{
	int r = knob_has("bridge/bridge-nf-call-ip6tables", "1");
	return r == 0 || r == -ENOENT;
}

/* For published ports used from the host's own loopback: a route for its address out of this
 * bridge, and for IPv6, which has no route_localnet, one by which answers to ::1 may come in. The
 * firewall keeps containers from using that the other way round. */
static int open_ways(struct netlink *nl, const struct bridge *b, int index, struct err *e)
{
	char path[96];
	snprintf(path, sizeof(path), "ipv4/conf/%s/route_localnet", b->name);
	int r = knob(path, "1");
	if (r < 0)
		return err_errno(e, r, "bridge %s: cannot set /proc/sys/net/%s", b->name, path);
	bool six = false;
	for (size_t i = 0; i < b->address_count; i++)
		six |= b->addresses[i].ip.family == AF_INET6;
	r = six ? link_take_loopback6(nl, index) : 0;
	return r < 0 ? netlink_problem(nl, r, e, "bridge %s: no route for answers to ::1", b->name)
		     : 0;
}

int bridge_ensure(struct netlink *nl, const struct bridge *b, bool anew, struct err *e)
{
	struct link_info link;
	int r = link_find(nl, b->name, &link);
	if (r == 0 && strcmp(link.alias, b->alias) != 0 && link.alias[0]) {
		err_set(e, EEXIST, ERR_CONFLICT,
			"there is a network device %s already, which is not this network's (%s)",
			b->name, link.alias);
		return err_hint(e, "remove it with: ip link delete %s", b->name);
	}
	if (r == 0 && link.up && link.alias[0] && !anew)
		return link.index;
	if (r == 0 || r == -ENODEV)
		r = bridge_make(nl, b);
	if (r == 0)
		r = link_find(nl, b->name, &link);
	if (r < 0)
		return netlink_problem(nl, r, e, "cannot make bridge %s", b->name);
	r = open_ways(nl, b, link.index, e);
	return r < 0 ? r : link.index;
}

int bridge_remove(struct netlink *nl, const char *name, const char *alias, struct err *e)
{
	struct link_info link;
	int r = link_find(nl, name, &link);
	if (r == 0 && !strcmp(link.alias, alias))
		r = link_remove(nl, link.index);
	return r < 0 && r != -ENODEV ? netlink_problem(nl, r, e, "cannot remove bridge %s", name)
				     : 0;
}

bool network_mode_of(const char *kind, const char *name, uint32_t *ret)
{
	static const struct {
		const char *kind, *name;
		uint32_t mode;
	} modes[] = {{"macvlan", "bridge", MACVLAN_MODE_BRIDGE},
		     {"macvlan", "private", MACVLAN_MODE_PRIVATE},
		     {"macvlan", "vepa", MACVLAN_MODE_VEPA},
		     {"macvlan", "passthru", MACVLAN_MODE_PASSTHRU},
		     {"ipvlan", "l2", IPVLAN_MODE_L2},
		     {"ipvlan", "l3", IPVLAN_MODE_L3},
		     {"ipvlan", "l3s", IPVLAN_MODE_L3S}};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (!strcmp(modes[i].kind, kind) && (!name || !strcmp(modes[i].name, name))) {
			*ret = modes[i].mode;
			return true;
		}
	return false;
}

static void remove_by_name(struct netlink *nl, const char *name)
{
	struct link_info link;
	if (link_find(nl, name, &link) == 0)
		link_remove(nl, link.index);
}

static int make_pair(struct netlink *nl, const struct attachment *at, int netns, struct err *e)
{
	struct veth pair = {.name = at->outer,
			    .bridge = at->bridge,
			    .inner = at->inner,
			    .netns = netns,
			    .mtu = at->mtu};
	memcpy(pair.mac, at->mac, sizeof(pair.mac));
	int r = veth_make(nl, &pair);
	if (r == -EEXIST) { /* what a kill left, of a container that is gone */
		remove_by_name(nl, at->outer);
		r = veth_make(nl, &pair);
	}
	if (r == 0)
		return 0;
	netlink_problem(nl, r, e, "cannot make the veth pair %s and %s", at->outer, at->inner);
	if (r == -EXFULL || r == -ENOSPC)
		err_hint(e, "a bridge has 1023 ports; use a second network");
	return r;
}

static int make_child(struct netlink *nl, const struct attachment *at, int netns, struct err *e)
{
	struct link_child child = {.kind = at->kind,
				   .name = at->inner,
				   .index = at->index,
				   .parent = at->bridge,
				   .mode = at->mode,
				   .netns = netns,
				   .mtu = at->mtu};
	memcpy(child.mac, at->mac, sizeof(child.mac));
	int r = link_child_make(nl, &child);
	if (r == 0)
		return 0;
	netlink_problem(nl, r, e, "cannot make a device of the kind %s", at->kind);
	if (r == -EOPNOTSUPP)
		err_hint(e, "this kernel does not have it: modprobe %s", at->kind);
	else if (r == -EBUSY)
		err_hint(e, "the parent is in use: a device is the parent of macvlan or of ipvlan "
			    "devices, or the port of a bridge, but not of both");
	return r;
}

static int open_inside(struct netlink *inside, int netns, struct err *e)
{
	int r = netlink_open(inside, NETLINK_ROUTE, netns);
	return r < 0 ? err_errno(e, r, "cannot reach the container's network namespace") : 0;
}

/* A device limits what it sends: the host's end what the container receives. */
static int limit(struct netlink *nl, const char *name, int index, uint64_t rate, struct err *e)
{
	int r = link_limit_rate(nl, index, rate);
	if (r == 0)
		return 0;
	netlink_problem(nl, r, e, "cannot limit the rate of %s", name);
	if (r == -ENOENT)
		err_hint(e, "this kernel does not have it: modprobe sch_tbf");
	return r;
}

int network_limit(struct netlink *nl, const struct attachment *at, int netns, struct err *e)
{
	CLEANUP_NETLINK struct netlink inside = NETLINK_CLOSED;
	struct link_info link = {.peer = at->index};
	int r = open_inside(&inside, netns, e);
	if (r == 0 && !at->kind && (r = link_find(nl, at->outer, &link)) < 0)
		netlink_problem(nl, r, e, "cannot find device %s", at->outer);
	if (r == 0 && !at->kind)
		r = limit(nl, at->outer, link.index, at->rate_in, e);
	return r < 0 ? r : limit(&inside, at->inner, link.peer, at->rate_out, e);
}

int network_attach(struct netlink *nl, const struct attachment *at, int netns, struct err *e)
{
	CLEANUP_NETLINK struct netlink inside = NETLINK_CLOSED;
	int r = open_inside(&inside, netns, e);
	if (r < 0)
		return r;
	r = at->kind ? make_child(nl, at, netns, e) : make_pair(nl, at, netns, e);
	if (r < 0)
		return r;
	/* Where the kernel lets bridged frames through the firewall, too (br_netfilter), a
	 * published port of its own turns round inside the bridge. */
	if (at->published && knob_is("bridge/bridge-nf-call-iptables", "1"))
		link_port_flag(nl, at->outer, IFLA_BRPORT_MODE);
	/* Before it has an address. */
	r = at->apart ? link_port_flag(nl, at->outer, IFLA_BRPORT_ISOLATED) : 0;
	if (r < 0)
		return netlink_problem(nl, r, e, "cannot keep %s apart from the bridge's others",
				       at->outer);
	r = link_configure(&inside, at->inner, at->addresses, at->address_count, at->gateways,
			   at->gateway_count);
	if (r < 0)
		return netlink_problem(&inside, r, e, "cannot configure %s in the container",
				       at->inner);
	return at->rate_in || at->rate_out ? network_limit(nl, at, netns, e) : 0;
}

int network_detach(struct netlink *nl, const struct attachment *at, int netns, struct err *e)
{
	CLEANUP_NETLINK struct netlink inside = NETLINK_CLOSED;
	struct link_info link = {.index = at->index};
	int r = at->kind ? open_inside(&inside, netns, e) : 0;
	if (r < 0)
		return r;
	if (!at->kind)
		r = link_find(nl, at->outer, &link);
	if (at->kind)
		nl = &inside;
	if (r == 0)
		r = link_remove(nl, link.index);
	return r < 0 && r != -ENODEV
		       ? netlink_problem(nl, r, e, "cannot remove device %s", at->inner)
		       : 0;
}

int network_lead_out(struct netlink *nl, const struct attachment *at, int netns, struct err *e)
{
	CLEANUP_NETLINK struct netlink inside = NETLINK_CLOSED;
	struct link_info link = {.peer = at->index};
	int r = open_inside(&inside, netns, e);
	if (r < 0)
		return r;
	if (!at->kind && (r = link_find(nl, at->outer, &link)) < 0)
		return netlink_problem(nl, r, e, "cannot find device %s", at->outer);
	r = link_lead_out(&inside, link.peer, at->gateways, at->gateway_count);
	return r < 0 ? netlink_problem(&inside, r, e, "cannot lead the default route to %s",
				       at->inner)
		     : 0;
}

bool network_is_attached(struct netlink *nl, const struct attachment *at)
{
	struct link_info link;
	return link_find(nl, at->outer, &link) != -ENODEV;
}
