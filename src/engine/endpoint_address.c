/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places as they are in the store, and the address that each gets when its container starts. It is
 * kept as its distance from the beginning of the subnet, which is the same arithmetic for both
 * families.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/endpoint.h"
#include "engine/internal.h"
#include "engine/user_network.h"
#include "network/network.h"

/* BR_MAX_PORTS in the kernel's net/bridge/br_private.h, of which the first is none. */
enum { PORTS_MAX = 1023 };

static void set_mac(struct endpoint *p, const char *container)
{
	const char *own = p->config.mac_address;
	if (own && *own && mac_parse(own, p->mac))
		return;
	/* Of its address, so that neighbours need not forget it when it starts again. */
	memcpy(p->mac, (uint8_t[]){0x02, 0x42}, 2);
	if (p->address_count && p->addresses[0].family == AF_INET)
		memcpy(p->mac + 2, p->addresses[0].bytes, 4);
	else
		for (size_t i = 0; i < 4; i++)
			sscanf(container + 2 * i, "%2hhx", &p->mac[2 + i]);
}

/* A row of ENDPOINT_COLUMNS; addresses as they were last. */
#define ENDPOINT_COLUMNS                                                                           \
	NETWORK_COLUMNS                                                                            \
	", endpoint.position, endpoint.config, endpoint.host4, endpoint.host6, endpoint.name"
/* Many containers are on few networks, and ask for the same there: what was read. */
struct known {
	struct array networks;
	struct shape_last config;
};
static int read_network(struct engine *en, sqlite3_stmt *s, struct array *known, struct arena *a,
			struct network *ret, struct err *e)
{
	const struct network *list = known->items;
	for (size_t i = 0; i < known->count; i++)
		if (!strcmp(list[i].id, db_text(s, 0))) {
			*ret = list[i];
			return 0;
		}
	int r = network_row(en, s, 0, a, ret, e);
	if (r == 0)
		*(struct network *)array_push(a, known, sizeof(*ret)) = *ret;
	return r;
}

static int read_row(struct engine *en, sqlite3_stmt *s, const char *container, struct known *known,
		    struct arena *a, struct endpoint *ret, struct err *e)
{
	*ret = (struct endpoint){.position = db_int(s, 4)};
	int r = read_network(en, s, &known->networks, a, &ret->network, e);
	if (r == 0)
		r = shape_parse_next(&docker_endpoint_shape, db_text(s, 5), &known->config,
				     &ret->config, a, e);
	for (size_t i = 0; r == 0 && i < ret->network.subnet_count; i++) {
		struct ip base = subnet_base(&ret->network.subnets[i].subnet);
		int64_t host = db_int(s, base.family == AF_INET ? 6 : 7);
		ret->had[i] = host < 0 ? -host : host;
		if (host > 0)
			ret->addresses[ret->address_count++] = ip_add(base, host);
	}
	set_mac(ret, container);
	return r;
}

int endpoints_load(struct engine *en, const char *container, struct arena *a,
		   struct container_net *ret, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	struct array list = {0};
	struct known known = {0};
	*ret = (struct container_net){0};
	int r = db_query(&en->db, &s, e,
			 "SELECT " ENDPOINT_COLUMNS
			 " FROM endpoint LEFT JOIN network ON network.id = endpoint.network WHERE "
			 "container = ?1 ORDER BY position",
			 "s", container);
	while (r == 0 && (r = db_next(s, e)) == 1)
		if (db_text(s, 0))
			r = read_row(en, s, container, &known, a,
				     array_push(a, &list, sizeof(struct endpoint)), e);
		else
			r = !(ret->missing = arena_strdup(a, db_text(s, 8)));
	ret->endpoints = list.items;
	ret->count = list.count;
	return r;
}

static struct container *find_in(struct container *list, size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i].id, id))
			return &list[i];
	return NULL;
}

int endpoints_fill(struct engine *en, struct container *list, size_t count, struct arena *a,
		   struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	struct known known = {0};
	struct array places = {0};
	struct container *c = NULL;
	const char *text = NULL, *of = NULL;
	int r = db_query(&en->db, &s, e,
			 "SELECT " ENDPOINT_COLUMNS
			 ", container FROM endpoint JOIN network ON network.id = endpoint.network "
			 "ORDER BY container, position",
			 "");
	while (r == 0 && (r = db_next(s, e)) == 1) {
		const char *id = db_text(s, 9);
		if (!c || strcmp(c->id, id) != 0) {
			c = find_in(list, count, id);
			places = (struct array){0};
		}
		r = 0;
		if (!c)
			continue;
		struct container_net *net = arena_new(a, struct container_net);
		struct endpoint *p = array_push(a, &places, sizeof(*p));
		/* What is damaged must not hide the others. */
		if (read_row(en, s, id, &known, a, p, e) < 0) {
			engine_warn(en, "%s", e->text);
			places.count--;
		} else if (of != known.config.text) {
			text = shape_print(&docker_endpoint_shape, &p->config, false, a);
			of = known.config.text;
		}
		p->text = text;
		*net = (struct container_net){.endpoints = places.items, .count = places.count};
		c->net = net;
	}
	return r;
}

int endpoints_read(struct engine *en, const struct container *c, struct arena *a,
		   struct container_net *ret, struct err *e)
{
	int r = endpoints_load(en, c->id, a, ret, e);
	return r < 0 ? r : ports_load(en, c->id, a, &ret->ports, &ret->port_count, e);
}

struct choice {
	struct engine *en;
	const struct container *c;
	const struct endpoint *p;
	const struct network_subnet *s;
	bool six;
	int64_t first, last, wanted; /* wanted 0: any */
};

static bool is_reserved(const struct choice *x, int64_t host)
{
	struct ip ip = ip_add(subnet_base(&x->s->subnet), host), other;
	if (x->s->gateway.family && ip_compare(&ip, &x->s->gateway) == 0)
		return true;
	for (size_t i = 0; i < x->s->reserved.count; i++)
		if (ip_parse(x->s->reserved.items[i].value, &other) && other.family == ip.family &&
		    ip_compare(&ip, &other) == 0)
			return true;
	return false;
}

/* What may be given: the range, without the addresses of the network itself and of all. */
static void set_bounds(struct choice *x)
{
	struct ip base = subnet_base(&x->s->subnet), end = subnet_last(&x->s->subnet);
	struct ip from = subnet_base(&x->s->range), until = subnet_last(&x->s->range);
	int64_t all = ip_distance(&end, &base);
	x->first = ip_distance(&from, &base);
	x->last = ip_distance(&until, &base);
	if (x->first < 1)
		x->first = 1;
	if (!x->six && x->last >= all)
		x->last = all - 1;
}

static int too_many(struct err *e)
{
	err_set(e, EXFULL, ERR_CONFLICT,
		"%d containers run on it, and its bridge has no more ports", PORTS_MAX);
	return err_hint(e, "put others on a second network: hull network create NAME");
}

/* The one it had is given again if it is free; else the first that is. */
static int choose(const struct choice *x, int64_t had, int64_t *ret, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	const char *query =
		x->six ? "SELECT host6 FROM endpoint JOIN container ON container.id = "
			 "endpoint.container WHERE network = ?1 AND status = 'running' AND "
			 "container <> ?2 AND host6 > 0 ORDER BY host6"
		       : "SELECT host4 FROM endpoint JOIN container ON container.id = "
			 "endpoint.container WHERE network = ?1 AND status = 'running' AND "
			 "container <> ?2 AND host4 > 0 ORDER BY host4";
	int64_t free = x->first, others = 0;
	bool again = had >= x->first && had <= x->last && !is_reserved(x, had);
	int r = db_query(&x->en->db, &s, e, query, "ss", x->p->network.id, x->c->id);
	while (free <= x->last && is_reserved(x, free))
		free++;
	while (r == 0 && (r = db_next(s, e)) == 1) {
		int64_t used = db_int(s, 0);
		r = 0;
		if (used == x->wanted)
			return err_set(e, EADDRINUSE, ERR_CONFLICT, "Address already in use");
		if (x->p->network.bridge[0] && ++others == PORTS_MAX)
			return too_many(e);
		again &= used != had;
		while (free <= x->last && (free == used || is_reserved(x, free)))
			free++;
	}
	if (r < 0)
		return r;
	*ret = x->wanted ? x->wanted : again ? had : free;
	if (*ret > x->last && !x->wanted) {
		err_set(e, ENOSPC, ERR_CONFLICT, "no available IPv%c addresses on network %s",
			x->six ? '6' : '4', x->p->network.name);
		return err_hint(e, "its range is full; make a larger network");
	}
	return 0;
}

int endpoint_give(struct engine *en, const struct container *c, struct endpoint *p, struct err *e)
{
	const struct network *n = &p->network;
	int64_t hosts[2] = {0, 0}; /* of IPv4, IPv6 */
	int r = 0;
	p->address_count = 0;
	/* The network may be another one of the same name by now. */
	r = endpoint_check(n, &p->config, e);
	for (size_t i = 0; r == 0 && i < n->subnet_count; i++) {
		struct ip base = subnet_base(&n->subnets[i].subnet), wanted;
		struct choice x = {.en = en,
				   .c = c,
				   .p = p,
				   .s = &n->subnets[i],
				   .six = base.family == AF_INET6};
		const struct docker_endpoint_ipam *own = p->config.ipam;
		const char *text = own ? x.six ? own->ipv6 : own->ipv4 : NULL;
		if (text && *text && ip_parse(text, &wanted))
			x.wanted = ip_distance(&wanted, &base);
		set_bounds(&x);
		r = choose(&x, p->had[i], &hosts[x.six], e);
		if (r == 0)
			p->addresses[p->address_count++] = ip_add(base, hosts[x.six]);
	}
	set_mac(p, c->id);
	if (r == 0)
		r = db_run(&en->db, e,
			   "UPDATE endpoint SET host4 = ?3, host6 = ?4 WHERE container = ?1 AND "
			   "network = ?2",
			   "ssii", c->id, n->id, hosts[0], hosts[1]);
	return r < 0 ? err_context(e, "container %s, network %s", c->name, n->name) : 0;
}

/* Networks that went while it did not run: another one of the same name is as good. */
static int find_missing(struct engine *en, const struct container *c, struct arena *a,
			struct container_net *ret, struct err *e)
{
	int r = db_run(&en->db, e,
		       "UPDATE OR REPLACE endpoint SET network = network.id FROM network WHERE "
		       "network.name = endpoint.name AND container = ?1 AND endpoint.network NOT "
		       "IN (SELECT id FROM network)",
		       "s", c->id);
	if (r >= 0)
		r = endpoints_load(en, c->id, a, ret, e);
	if (r < 0 || !ret->missing)
		return r;
	err_set(e, ENOENT, ERR_NOT_FOUND, "container %s: network %s not found", c->name,
		ret->missing);
	return err_hint(e,
			"make it again: hull network create %s; or: hull network disconnect %s %s",
			ret->missing, ret->missing, c->name);
}

int container_net_reserve(struct engine *en, const struct container *c, struct arena *a,
			  struct container_net *ret, struct err *e)
{
	const char *mode = c->config.host.network_mode;
	*ret = (struct container_net){0};
	if (!network_mode_is_network(mode) && !user_network_is_mode(mode))
		return 0;
	int r = db_begin(&en->db, false, e);
	if (r < 0)
		return r;
	if (user_network_is_mode(mode))
		return db_end(&en->db, user_network_reserve(en, c, a, ret, e), e);
	r = endpoints_load(en, c->id, a, ret, e);
	if (r == 0 && ret->missing)
		r = find_missing(en, c, a, ret, e);
	for (size_t i = 0; r == 0 && i < ret->count; i++)
		r = endpoint_give(en, c, &ret->endpoints[i], e);
	if (r == 0)
		r = ports_reserve(en, c, a, ret, e);
	if (r == 0)
		r = network_names_write(en, c->id, e);
	return db_end(&en->db, r, e);
}
