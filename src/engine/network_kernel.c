/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks as the kernel has them, brought in line with the rows: whoever needs one makes what is
 * missing, whoever took it away. The firewall's table is written from the rows while their lock is
 * held, so that nothing falls between a row and its element. Read network/firewall.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/option_value.h"
#include "base/units.h"
#include "engine/internal.h"
#include "engine/network.h"
#include "network/network.h"

/* Roots do not meet: each but the usual one has a table of its own. */
static void name_ours(const struct engine *en, struct network_kernel *k)
{
	uint32_t hash = hash_add(HASH_BEGIN, en->root, strlen(en->root));
	k->mark = hash | 1; /* no 0 */
	if (!strcmp(en->root, "/var/lib/hull"))
		snprintf(k->table, sizeof(k->table), NETWORK_TABLE_PREFIX);
	else
		snprintf(k->table, sizeof(k->table), NETWORK_TABLE_PREFIX "-%08x", hash);
}

int network_kernel_open(struct engine *en, struct network_kernel *k, struct err *e)
{
	name_ours(en, k);
	int r = netlink_open(&k->links, NETLINK_ROUTE, -1);
	if (r == 0)
		r = netlink_open(&k->nft, NETLINK_NETFILTER, -1);
	return r < 0 ? err_errno(e, r, "cannot speak to the kernel about networks (netlink)") : 0;
}

void network_kernel_close(struct network_kernel *k)
{
	netlink_close(&k->links);
	netlink_close(&k->nft);
}

const char *network_alias(const struct network_kernel *k, const struct network *n, struct arena *a)
{
	return arena_printf(a, "%s:%s", k->table, n->name);
}

uint32_t network_mtu(const struct network *n)
{
	const char *text = kvs_get(&n->config.options, "com.docker.network.driver.mtu");
	uint64_t mtu;
	return text && uint_parse(text, 65535, &mtu) == 0 ? (uint32_t)mtu : 0;
}

/* A driver option that is true or false, checked when the network was made; by default true. */
static bool is_on(const struct network *n, const char *option)
{
	const char *text = kvs_get(&n->config.options, option);
	bool on = true;
	if (text)
		option_set_bool(&on, text, NULL, ERR_IGNORED);
	return on;
}

bool network_is_open(const struct network *n)
{
	return is_on(n, NETWORK_ICC);
}

int network_ensure(struct engine *en, struct network_kernel *k, const struct network *n, bool anew,
		   struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	/* Of its gateway, so that it stays the same when the bridge is made again. */
	struct bridge b = {.name = n->bridge,
			   .alias = network_alias(k, n, &a),
			   .mark = k->mark,
			   .mac = {0x02, 0x42},
			   .mtu = network_mtu(n)};
	for (size_t i = 0; i < n->subnet_count; i++) {
		const struct network_subnet *s = &n->subnets[i];
		b.addresses[b.address_count++] = (struct subnet){s->gateway, s->subnet.prefix};
		if (i == 0)
			memcpy(b.mac + 2, s->gateway.bytes + ip_size(&s->gateway) - 4, 4);
	}
	int r = bridge_ensure(&k->links, &b, anew, e);
	return r < 0 ? err_context(e, "network %s", n->name) : r;
}

bool network_has_places(const struct network *n)
{
	return strcmp(n->config.driver, "host") && strcmp(n->config.driver, "null");
}

int network_parent(struct network_kernel *k, const struct network *n, uint32_t *ret_mode,
		   struct err *e)
{
	const char *parent = kvs_get(&n->config.options, "parent");
	const char *driver = n->config.driver;
	const char *mode = kvs_get(&n->config.options,
				   !strcmp(driver, "macvlan") ? "macvlan_mode" : "ipvlan_mode");
	struct link_info link;
	if (!network_mode_of(driver, mode, ret_mode))
		return err_set(e, EINVAL, ERR_INVALID, "network %s: unknown mode %s of %s", n->name,
			       mode ? mode : "", driver);
	if (!parent || strlen(parent) >= IFNAMSIZ) {
		err_set(e, EINVAL, ERR_INVALID, "network %s: %s lies on a device of this host",
			n->name, driver);
		return err_hint(e, "name it: -o parent=eth0");
	}
	int r = link_find(&k->links, parent, &link);
	if (r == 0)
		return link.index;
	netlink_problem(&k->links, r, e, "network %s: parent %s", n->name, parent);
	err_hint(e, "ip link shows the devices of this host; a VLAN has to be made first: ip link "
		    "add link eth0 name eth0.10 type vlan id 10");
	return r;
}

/* ---- the firewall, from the rows ---- */

static void as_firewall(const struct network *n, struct firewall_network *ret)
{
	*ret = (struct firewall_network){.internal = n->config.internal,
					 .open = network_is_open(n),
					 .masquerade = is_on(n, NETWORK_MASQUERADE)};
	memcpy(ret->bridge, n->bridge, sizeof(ret->bridge));
	for (size_t i = 0; i < n->subnet_count; i++)
		ret->subnets[ret->subnet_count++] = n->subnets[i].subnet;
}

/* A host that forwards because of us is no router for others; whether it was one before is noted
 * below --runroot, which lasts as long as the setting. @ret: enum firewall_closed. */
static int note_closed(struct engine *en, const int families[2], size_t count, unsigned *ret,
		       struct err *e)
{
	*ret = 0;
	int r = dir_make(en->run_fd, "networks", 0711, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		char path[32];
		snprintf(path, sizeof(path), "networks/forwarding%d",
			 families[i] == AF_INET ? 4 : 6);
		int forwards = host_forwards(families[i]);
		if (forwards < 0)
			return err_errno(e, forwards, "cannot read whether this host is a router");
		if (!forwards) {
			CLEANUP_FD int fd =
				openat(en->run_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
			r = fd < 0 ? err_errno(e, errno, "cannot note that this host is no router")
				   : 0;
		}
		if (r == 0 && file_exists(en->run_fd, path))
			*ret |= families[i] == AF_INET ? FIREWALL_CLOSED4 : FIREWALL_CLOSED6;
	}
	return r;
}

static int forward(const int families[2], size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		int r = host_forward(families[i]);
		if (r == 0)
			continue;
		err_errno(e, r, "cannot let this host forward packets");
		return err_hint(e, "containers on a network need net.ipv4.ip_forward=1, with IPv6 "
				   "net.ipv6.conf.all.forwarding=1");
	}
	return 0;
}

int network_firewall(struct engine *en, struct network_kernel *k, bool anew, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct network *list;
	struct firewall_port *ports;
	size_t count, port_count, bridges = 0;
	if (!anew && firewall_is_whole(&k->nft, k->table))
		return 0;
	int r = network_list(en, &a, &list, &count, e);
	if (r == 0)
		r = ports_load(en, NULL, &a, &ports, &port_count, e);
	if (r < 0)
		return r;
	struct firewall_network *networks = arena_array(&a, count + 1, sizeof(*networks));
	for (size_t i = 0; i < count; i++)
		if (list[i].bridge[0])
			as_firewall(&list[i], &networks[bridges++]);
	struct firewall_port *all = arena_array(&a, port_count + 2 * count + 1, sizeof(*all));
	if (port_count)
		memcpy(all, ports, port_count * sizeof(*all));
	for (size_t i = 0; i < count; i++)
		port_count += network_names_ports(en, &list[i], all + port_count);
	static const int families[] = {AF_INET, AF_INET6};
	bool six = false;
	for (size_t i = 0; i < count; i++)
		six |= list[i].bridge[0] && list[i].config.enable_ipv6;
	unsigned closed;
	r = note_closed(en, families, six ? 2 : 1, &closed, e);
	/* The rules first: not for a moment is it a router. */
	if (r == 0)
		r = firewall_make(&k->nft, k->table, networks, bridges, all, port_count, closed, e);
	return r < 0 ? r : forward(families, six ? 2 : 1, e);
}

int networks_in_use(struct engine *en, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	return db_first(&en->db, &s, e,
			"SELECT 1 FROM endpoint JOIN container ON container.id = "
			"endpoint.container WHERE status = 'running'",
			"");
}

int network_mend(struct engine *en, struct err *e)
{
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	int r = networks_in_use(en, e);
	if (r <= 0)
		return r;
	r = network_kernel_open(en, &k, e);
	if (r < 0 || firewall_is_whole(&k.nft, k.table))
		return r;
	r = db_begin(&en->db, false, e);
	if (r < 0)
		return r;
	/* Another one may have been quicker. */
	bool whole = firewall_is_whole(&k.nft, k.table);
	r = db_end(&en->db, network_firewall(en, &k, false, e), e);
	return r < 0 ? r : !whole;
}
