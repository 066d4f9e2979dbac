/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places of containers on networks: asked for in `create`, given an address when the container
 * starts, made in the kernel when its first process is there. An address is kept as its distance
 * from the beginning of the subnet, which is the same arithmetic for both families.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "engine/internal.h"
#include "engine/network.h"
#include "engine/remove_behind.h"
#include "engine/spec.h"
#include "engine/user_network.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/rps.h"
#include "network/network.h"

/* CHILD_INDEX: above what the kernel gives by itself in a namespace that is new. PORTS_MAX: of a
 * bridge (BR_MAX_PORTS in the kernel's net/bridge/br_private.h, of which the first is none). */
enum { ENDPOINTS_MAX = 64, CHILD_INDEX = 1000, PORTS_MAX = 1023 };

/* ---- asking ---- */

static int check_address(const struct network *n, const char *text, struct err *e)
{
	struct ip ip;
	if (!text || !*text)
		return 0;
	if (network_is_builtin(n->name)) {
		err_set(e, EINVAL, ERR_INVALID,
			"user specified IP address is supported on user defined networks only");
		return err_hint(e, "make one: hull network create --subnet SUBNET NAME");
	}
	if (!ip_parse(text, &ip))
		return err_set(e, EINVAL, ERR_INVALID, "invalid IP address %s", text);
	for (size_t i = 0; i < n->subnet_count; i++) {
		const struct network_subnet *s = &n->subnets[i];
		if (!subnet_has(&s->subnet, &ip))
			continue;
		if (s->gateway.family == ip.family && ip_compare(&s->gateway, &ip) == 0)
			return err_set(e, EINVAL, ERR_CONFLICT,
				       "Address already in use: %s is the gateway of network %s",
				       text, n->name);
		return 0;
	}
	return err_set(e, EINVAL, ERR_INVALID,
		       "no configured subnet or ip-range of network %s contains the IP address %s",
		       n->name, text);
}

/* Addresses that hold on one link, and so need no place in the network's subnets. */
static int check_link_local(const struct network *n, const struct strv *list, struct err *e)
{
	struct subnet s;
	if (list->count > LINK_LOCAL_MAX)
		return err_set(e, E2BIG, ERR_INVALID,
			       "a container has %d link-local addresses on a network at most",
			       LINK_LOCAL_MAX);
	for (size_t i = 0; i < list->count; i++) {
		if (!subnet_of_link_local(list->items[i], &s)) {
			err_set(e, EINVAL, ERR_INVALID, "invalid link-local IP address: %s",
				list->items[i]);
			return err_hint(e, "those are of 169.254.0.0/16 and fe80::/64");
		}
		if (network_is_builtin(n->name))
			return err_set(e, EINVAL, ERR_INVALID,
				       "user specified IP address is supported on user defined "
				       "networks only");
	}
	return 0;
}

static int check_endpoint(const struct network *n, const struct docker_endpoint *p, struct err *e)
{
	uint8_t mac[MAC_SIZE];
	int r = p->ipam ? check_address(n, p->ipam->ipv4, e) : 0;
	if (r == 0 && p->ipam)
		r = check_address(n, p->ipam->ipv6, e);
	if (r == 0 && p->ipam)
		r = check_link_local(n, &p->ipam->link_local, e);
	if (r == 0 && p->aliases.count && network_is_builtin(n->name))
		r = err_set(e, EINVAL, ERR_INVALID,
			    "network-scoped alias is supported only for containers in user defined "
			    "networks");
	if (r == 0 && p->mac_address && *p->mac_address &&
	    (!mac_parse(p->mac_address, mac) || mac[0] & 1))
		r = err_set(e, EINVAL, ERR_INVALID, "%s is not a valid mac address",
			    p->mac_address);
	for (size_t i = 0; r == 0 && i < p->driver_options.count; i++) {
		const char *key = p->driver_options.items[i].key;
		if (strcmp(key, "rate-in") && strcmp(key, "rate-out"))
			r = err_set(e, ENOTSUP, ERR_INVALID,
				    "driver-opt %s: hull has rate-in and rate-out", key);
	}
	uint64_t in, out;
	return r < 0 ? r : network_rates(&p->driver_options, n->config.driver, &in, &out, e);
}

/* A link as its names are looked for: what it leads to by name, or by id where that is how it was
 * given; docker's own old form is "/NAME:/OWNER/ALIAS". */
static int read_link(struct engine *en, const char *link, struct arena *a, char **ret,
		     struct err *e)
{
	const char *name = link + (*link == '/');
	size_t len = strcspn(name, ":");
	const char *alias = name[len] ? name + len + 1 : NULL, *slash;
	char id[ID_LEN + 1];
	if (name != link && alias && (slash = strrchr(alias, '/')))
		alias = slash + 1;
	if (!len || (alias && (!*alias || strpbrk(alias, ": \t\r\n"))))
		return err_set(e, EINVAL, ERR_INVALID, "bad format for links: %s", link);
	char *to = arena_strndup(a, name, len);
	int r = container_resolve(en, to, id, e);
	if (r < 0)
		return err_context(e, "link %s", link);
	/* Of a shorter id another container may have the beginning, later. */
	const bool short_id = len < ID_SHORT_LEN && !strncmp(id, to, len);
	*ret = !short_id && !alias ? to
				   : arena_printf(a, "%.*s:%s", short_id ? ID_SHORT_LEN : (int)len,
						  short_id ? id : to, alias ? alias : to);
	return 0;
}

/* Links to containers that are there; what they are on is seen when a name is asked for. */
static int plan_links(struct engine *en, const struct network *n, struct strv *links,
		      struct arena *a, struct err *e)
{
	struct strv read = {0};
	for (size_t i = 0; i < links->count; i++) {
		char *link = links->items[i];
		if (!network_has_names(n)) {
			err_set(e, ENOTSUP, ERR_INVALID, "link %s: network %s has no names", link,
				n->name);
			return err_hint(
				e, "on one of your own containers know each other by name: hull "
				   "network create NAME");
		}
		int r = read_link(en, link, a, &link, e);
		if (r < 0)
			return r;
		strv_push(a, &read, link);
	}
	*links = read;
	return 0;
}

static bool is_default(const char *name)
{
	return !strcmp(name, "default") || !strcmp(name, "bridge");
}

static int plan_one(struct engine *en, const struct docker_endpoint *wish,
		    struct endpoint_plan *ret, struct arena *a, struct err *e)
{
	ret->config = *wish;
	int r = network_find(en, is_default(wish->network) ? "bridge" : wish->network, a,
			     &ret->network, e);
	if (r == 0 && ret->network.config.config_only)
		r = err_set(e, EPERM, ERR_DENIED,
			    "network %s: cannot create endpoint on configuration-only network",
			    ret->network.name);
	if (r == 0 && !network_has_places(&ret->network))
		r = err_set(e, EINVAL, ERR_INVALID,
			    "conflicting options: network %s cannot be combined with others",
			    ret->network.name);
	if (r == 0)
		r = plan_links(en, &ret->network, &ret->config.links, a, e);
	return r < 0 ? r : check_endpoint(&ret->network, wish, e);
}

static int check_user_network(const struct container_create *c, const struct port_request *ports,
			      size_t port_count, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < c->network_count; i++) {
		const struct docker_endpoint *p = &c->networks[i];
		if (i > 0 || p->aliases.count || (p->mac_address && *p->mac_address) ||
		    p->driver_options.count || p->gw_priority ||
		    (p->ipam && ((p->ipam->ipv4 && *p->ipam->ipv4) ||
				 (p->ipam->ipv6 && *p->ipam->ipv6) || p->ipam->link_local.count)))
			return err_set(e, EINVAL, ERR_INVALID,
				       "conflicting options: a user's container has the addresses "
				       "that %s gives it, no own ones, no aliases, no driver-opt, "
				       "and no other network",
				       c->config.host.network_mode);
	}
	for (size_t i = 0; r == 0 && i < port_count; i++)
		r = user_network_check_port(c->config.host.network_mode, &ports[i], e);
	return r < 0 ? r : user_network_allowed(c->config.host.network_mode, e);
}

int endpoints_plan(struct engine *en, struct container_create *c, struct arena *a,
		   struct endpoint_plan **ret, size_t *ret_count, struct err *e)
{
	struct docker_host_config *h = &c->config.host;
	struct docker_endpoint own = {.network = h->network_mode};
	struct port_request *ports;
	size_t port_count;
	*ret_count = 0;
	/* What a bridge is for root. */
	if (is_default(h->network_mode) && !namespace_owns_network())
		h->network_mode = (char *)user_network_default();
	int r = ports_read(&c->config, a, &ports, &port_count, e);
	if (r < 0)
		return r;
	if (h->links.count && !network_mode_is_network(h->network_mode))
		return err_set(e, EINVAL, ERR_INVALID,
			       "conflicting options: network %s can't be used with links. This "
			       "would result in undefined behavior",
			       h->network_mode);
	if (user_network_is_mode(h->network_mode))
		return check_user_network(c, ports, port_count, e);
	if (!network_mode_is_network(h->network_mode)) {
		if (port_count && docker_mode_container(h->network_mode))
			return err_set(
				e, EINVAL, ERR_INVALID,
				"conflicting options: port publishing and the container type "
				"network mode");
		if (port_count)
			engine_warn(en, "Published ports are discarded when using %s network mode",
				    h->network_mode);
		return 0;
	}
	r = network_allowed(e);
	if (r < 0)
		return err_context(e, "network %s", h->network_mode);
	size_t count = c->network_count ? c->network_count : 1;
	struct docker_endpoint *wishes = c->network_count ? c->networks : &own;
	if (!wishes[0].links.count)
		wishes[0].links = h->links;
	if (count > ENDPOINTS_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "a container has %d networks at most",
			       ENDPOINTS_MAX);
	*ret = arena_array(a, count, sizeof(**ret));
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = plan_one(en, &wishes[i], &(*ret)[i], a, e);
		for (size_t k = 0; r == 0 && k < i; k++)
			if (!strcmp((*ret)[k].network.id, (*ret)[i].network.id))
				r = err_set(e, EINVAL, ERR_INVALID,
					    "network %s is specified multiple times",
					    (*ret)[i].network.name);
	}
	if (r == 0 && is_default(h->network_mode))
		h->network_mode = "bridge";
	*ret_count = count;
	return r;
}

static int insert_one(struct engine *en, const char *container, const struct endpoint_plan *p,
		      int64_t position, struct arena *a, struct err *e)
{
	const char *config = shape_print(&docker_endpoint_shape, &p->config, false, a);
	int r = utf8_check_json(config, e);
	if (r == 0)
		r = db_run(&en->db, e,
			   "INSERT INTO endpoint (container, network, position, config, name) "
			   "SELECT ?1, id, ?3, ?4, name FROM network WHERE id = ?2",
			   "ssis", container, p->network.id, position, config);
	if (r == -EEXIST)
		return err_set(e, EEXIST, ERR_DENIED,
			       "endpoint already exists: the container is on network %s",
			       p->network.name);
	if (r == 0) /* it has just been removed */
		return err_set(e, ENOENT, ERR_NOT_FOUND, "network %s not found", p->network.name);
	return r < 0 ? r : 0;
}

int endpoints_insert(struct engine *en, const char *container, const struct endpoint_plan *list,
		     size_t count, struct arena *a, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = insert_one(en, container, &list[i], (int64_t)i, a, e);
	return r;
}

const char *endpoint_id(const char *container, const struct network *n, char ret[static ID_LEN + 1])
{
	snprintf(ret, ID_LEN + 1, "%.32s%.32s", container, n->id);
	return ret;
}

/* ---- addresses ---- */

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

static int endpoints_load(struct engine *en, const char *container, struct arena *a,
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

static int give(struct engine *en, const struct container *c, struct endpoint *p, struct err *e)
{
	const struct network *n = &p->network;
	int64_t hosts[2] = {0, 0}; /* of IPv4, IPv6 */
	int r = 0;
	p->address_count = 0;
	/* The network may be another one of the same name by now. */
	r = check_endpoint(n, &p->config, e);
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
		r = give(en, c, &ret->endpoints[i], e);
	if (r == 0)
		r = ports_reserve(en, c, a, ret, e);
	if (r == 0)
		r = network_names_write(en, c->id, e);
	return db_end(&en->db, r, e);
}

/* ---- in the kernel ---- */

void endpoint_outer(const char *container, const struct endpoint *p, char ret[static IFNAMSIZ])
{
	snprintf(ret, IFNAMSIZ, "ve%.10s.%lld", container, (long long)p->position);
}

int endpoint_index(const struct endpoint *p)
{
	return p->network.bridge[0] ? 0 : CHILD_INDEX + (int)p->position;
}

/* A place as the kernel has it. @leads_out: it has the default route. */
struct place {
	struct attachment at;
	char outer[IFNAMSIZ], inner[IFNAMSIZ];
};
static void plan_place(const struct container *c, const struct endpoint *p, bool leads_out,
		       struct place *ret)
{
	const struct network *n = &p->network;
	*ret = (struct place){.at = {.outer = ret->outer,
				     .inner = ret->inner,
				     .mtu = network_mtu(n),
				     .kind = n->bridge[0] ? NULL : n->config.driver,
				     .index = endpoint_index(p)}};
	struct attachment *at = &ret->at;
	endpoint_outer(c->id, p, ret->outer);
	snprintf(ret->inner, sizeof(ret->inner), "eth%lld", (long long)p->position);
	memcpy(at->mac, p->mac, sizeof(at->mac));
	for (size_t i = 0; i < p->address_count; i++) {
		at->addresses[at->address_count++] =
			(struct subnet){p->addresses[i], n->subnets[i].subnet.prefix};
		if (leads_out)
			at->gateways[at->gateway_count++] = n->subnets[i].gateway;
	}
	const struct docker_endpoint_ipam *own = p->config.ipam;
	for (size_t i = 0; own && i < own->link_local.count && i < LINK_LOCAL_MAX; i++)
		if (subnet_of_link_local(own->link_local.items[i],
					 &at->addresses[at->address_count]))
			at->address_count++;
}

/* Both were checked when they were asked for. */
static void set_rates(const struct endpoint *p, struct attachment *at)
{
	const struct network *n = &p->network;
	struct err ignored;
	network_rates(&n->config.options, n->config.driver, &at->rate_in, &at->rate_out, &ignored);
	network_rates(&p->config.driver_options, n->config.driver, &at->rate_in, &at->rate_out,
		      &ignored);
}

static int attach_one(struct engine *en, struct network_kernel *k, const struct container *c,
		      const struct endpoint *p, bool leads_out, bool published, int netns,
		      struct err *e)
{
	const struct network *n = &p->network;
	struct place place;
	struct attachment *at = &place.at;
	plan_place(c, p, leads_out, &place);
	at->published = published;
	at->apart = !at->kind && !network_is_open(n);
	set_rates(p, at);
	at->bridge =
		at->kind ? network_parent(k, n, &at->mode, e) : network_ensure(en, k, n, false, e);
	const char *rps = kvs_get(&n->config.options, "rps");
	int r = at->bridge < 0 ? at->bridge : network_attach(&k->links, at, netns, e);
	if (r == 0 && rps)
		r = rps_set(netns, at->inner, rps, e);
	if (r == 0 && rps && !at->kind)
		r = rps_set(-1, at->outer, rps, e);
	if (r == 0 && network_has_names(n))
		r = network_names_serve(en, k, n, e);
	return r < 0 ? err_context(e, "container %s, network %s", c->name, n->name) : 0;
}

/* The one of the highest priority that is not internal has the way to everywhere else; the first
 * of those. */
static const struct endpoint *way_out(const struct container_net *net)
{
	const struct endpoint *best = NULL;
	for (size_t i = 0; i < net->count; i++) {
		const struct endpoint *p = &net->endpoints[i];
		if (!p->network.config.internal &&
		    (!best || p->config.gw_priority > best->config.gw_priority))
			best = p;
	}
	return best;
}

static int add_ports(struct network_kernel *k, const struct container_net *net, struct err *e)
{
	return net->port_count ? firewall_publish(&k->nft, k->table, net->ports, net->port_count, e)
			       : 0;
}

/* Once the table is whole, from the rows, our ports are in it; else they are added. In a
 * transaction where the table is to be written. */
static int publish_locked(struct engine *en, struct network_kernel *k,
			  const struct container_net *net, struct err *e)
{
	return firewall_is_whole(&k->nft, k->table) ? add_ports(k, net, e)
						    : network_firewall(en, k, true, e);
}

static int publish(struct engine *en, struct network_kernel *k, const struct container_net *net,
		   struct err *e)
{
	if (firewall_is_whole(&k->nft, k->table))
		return add_ports(k, net, e);
	int r = db_begin(&en->db, false, e);
	return r < 0 ? r : db_end(&en->db, network_firewall(en, k, true, e), e);
}

int container_net_attach(struct engine *en, const struct container *c,
			 const struct container_net *net, pid_t pid, int pidfd, struct err *e)
{
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	if (!net->count)
		return 0;
	CLEANUP_FD int netns = namespace_of_process(pid, pidfd, "net");
	if (netns < 0)
		return err_errno(e, netns, "cannot reach the container's network namespace");
	const struct endpoint *out = way_out(net);
	int r = network_kernel_open(en, &k, e);
	for (size_t i = 0; r == 0 && i < net->count; i++)
		r = attach_one(en, &k, c, &net->endpoints[i], &net->endpoints[i] == out,
			       net->port_count != 0, netns, e);
	return r < 0 ? r : publish(en, &k, net, e);
}

int container_net_release(struct engine *en, const char *id, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	struct firewall_port *ports;
	size_t count;
	int r = db_begin(&en->db, false, e);
	if (r < 0)
		return r;
	r = ports_load(en, id, &a, &ports, &count, e);
	count = namespace_owns_network() ? count : 0;
	if (r == 0 && count)
		r = network_kernel_open(en, &k, e);
	if (r == 0 && count)
		r = firewall_unpublish(&k.nft, k.table, ports, count, e);
	remove_behind_close(en, &k.nft.fd);
	if (r == 0)
		r = db_run(&en->db, e, "DELETE FROM port WHERE container = ?1", "s", id);
	/* What it had it gets again, if nobody else has it then. */
	if (r >= 0)
		r = db_run(&en->db, e,
			   "UPDATE endpoint SET host4 = -abs(host4), host6 = -abs(host6) WHERE "
			   "container = ?1",
			   "s", id);
	if (r > 0)
		r = network_names_write(en, id, e);
	return db_end(&en->db, r < 0 ? r : 0, e);
}

static int open_netns(const struct container *c)
{
	CLEANUP_FD int pidfd = pidfd_of_started(c->pid, c->pid_start);
	return pidfd < 0 ? pidfd : namespace_of_process(c->pid, pidfd, "net");
}

/* ---- while it runs ---- */

static void count_veth(void *ctx, const char *name, const struct link_info *link)
{
	*(size_t *)ctx += !strcmp(link->kind, "veth");
}

/* Then the other ends are somewhere, if not in the network that we are in. */
static bool has_all_ends(const struct container_net *net, int netns)
{
	CLEANUP_NETLINK struct netlink inside = NETLINK_CLOSED;
	size_t wanted = 0, count = 0;
	for (size_t i = 0; i < net->count; i++)
		wanted += net->endpoints[i].network.bridge[0] != 0;
	return netlink_open(&inside, NETLINK_ROUTE, netns) < 0 ||
	       link_list(&inside, count_veth, &count) < 0 || count >= wanted;
}

static int mend_one(struct engine *en, struct network_kernel *k, const struct container *c,
		    const struct container_net *net, const struct endpoint *p, bool repair,
		    struct arena *a, struct strv *lost, struct err *e)
{
	struct place place;
	plan_place(c, p, way_out(net) == p, &place);
	if (place.at.kind || network_is_attached(&k->links, &place.at))
		return 0;
	CLEANUP_FD int netns = open_netns(c);
	if (netns < 0 || has_all_ends(net, netns))
		return 0;
	if (!repair)
		strv_push(a, lost,
			  arena_printf(a, "container %s lost its device on network %s", c->name,
				       p->network.name));
	return repair ? attach_one(en, k, c, p, way_out(net) == p, net->port_count != 0, netns, e)
		      : 0;
}

/* A change of places that failed when the kernel had it in part: as the rows say, again. */
static void put_back(struct engine *en, const struct container *c, const struct endpoint *added,
		     struct arena *a)
{
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	CLEANUP_FD int netns = open_netns(c);
	struct container_net net;
	struct place place;
	struct err ignored;
	if (netns < 0 || network_kernel_open(en, &k, &ignored) < 0)
		return;
	if (added) {
		plan_place(c, added, false, &place);
		network_detach(&k.links, &place.at, netns, &ignored);
	}
	int r = endpoints_read(en, c, a, &net, &ignored);
	for (size_t i = 0; r == 0 && i < net.count; i++)
		r = mend_one(en, &k, c, &net, &net.endpoints[i], true, a, NULL, &ignored);
	if (r < 0 || db_begin(&en->db, false, &ignored) < 0)
		return;
	r = network_names_write(en, c->id, &ignored);
	db_end(&en->db, r < 0 ? r : network_firewall(en, &k, true, &ignored), &ignored);
}

/* What it has in the kernel is not taken back for that. */
static void change_hosts(struct engine *en, const struct container *c, const struct endpoint *p,
			 bool add)
{
	struct err e;
	if (container_hosts_change(en, c, p, add, &e) < 0)
		engine_warn(en, "container %s, network %s: %s", c->name, p->network.name, e.text);
}

int network_connect(struct engine *en, const char *network, const char *container,
		    struct docker_endpoint *config, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_LOCK struct container_lock lock = {-1};
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	struct container c;
	struct container_net net;
	struct endpoint_plan p;
	config->network = (char *)network;
	int r = container_find_locked(en, container, &a, &lock, &c, e);
	if (r == 0 && !network_mode_is_network(c.config.host.network_mode) &&
	    strcmp(c.config.host.network_mode, "none"))
		r = err_set(e, EINVAL, ERR_CONFLICT,
			    "container sharing network namespace with another container or host "
			    "cannot be connected to any other network");
	if (r == 0)
		r = plan_one(en, config, &p, &a, e);
	if (r < 0 || (r = db_begin(&en->db, true, e)) < 0)
		return r;
	r = db_first(&en->db, &s, e,
		     "SELECT coalesce(max(position) + 1, 0) FROM endpoint WHERE "
		     "container = ?1",
		     "s", c.id);
	if (r == 1 && db_int(s, 0) >= ENDPOINTS_MAX)
		r = err_set(e, E2BIG, ERR_INVALID, "a container has %d networks at most",
			    ENDPOINTS_MAX);
	if (r == 1)
		r = insert_one(en, c.id, &p, db_int(s, 0), &a, e);
	if (r == 0)
		r = endpoints_load(en, c.id, &a, &net, e);
	bool runs = c.status == CONTAINER_RUNNING || c.status == CONTAINER_PAUSED;
	struct endpoint *new = r == 0 && runs &&net.count ? &net.endpoints[net.count - 1] : NULL;
	if (new)
		r = give(en, &c, new, e);
	if (r == 0)
		r = event_note(&en->db, e, "network", p.network.id, "connect", "container", c.id,
			       "name", p.network.name, "type", p.network.config.driver, NULL);
	if (r >= 0 && new)
		r = network_names_write(en, c.id, e);
	/* In the transaction, so that a failure takes the row back. */
	const struct endpoint *added = r >= 0 ? new : NULL;
	if (added) {
		CLEANUP_FD int netns = open_netns(&c);
		r = netns < 0 ? err_errno(e, netns, "container %s", c.name)
			      : network_kernel_open(en, &k, e);
		bool publishes = ports_place(&net) == new;
		if (r == 0 && publishes)
			r = ports_reserve(en, &c, &a, &net, e);
		if (r == 0)
			r = attach_one(en, &k, &c, new, way_out(&net) == new, net.port_count != 0,
				       netns, e);
		if (r == 0 && publishes)
			r = publish_locked(en, &k, &net, e);
	}
	r = db_end(&en->db, r < 0 ? r : 0, e);
	if (r < 0 && added)
		put_back(en, &c, added, &a);
	else if (added)
		change_hosts(en, &c, added, true);
	return r;
}

/* The next network of the container has the default route and the ports that this one had. */
static int take_over(struct engine *en, struct network_kernel *k, const struct container *c,
		     const struct endpoint *gone, const struct container_net *before, int netns,
		     struct arena *a, struct err *e)
{
	struct container_net net;
	struct place place;
	int r = endpoints_load(en, c->id, a, &net, e);
	const struct endpoint *out = r < 0 ? NULL : way_out(&net);
	if (out && way_out(before) == gone) {
		plan_place(c, out, true, &place);
		r = network_lead_out(&k->links, &place.at, netns, e);
	}
	if (r < 0 || ports_place(before) != gone)
		return r;
	r = ports_reserve(en, c, a, &net, e);
	return r < 0 ? r : publish_locked(en, k, &net, e);
}

/* What the container calls its own is its affair: a pair is taken away by the host's end, a child
 * by its index. */
static int detach(struct engine *en, const struct container *c, const struct endpoint *gone,
		  const struct container_net *before, struct arena *a, struct err *e)
{
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	struct place place;
	int r = network_kernel_open(en, &k, e);
	if (r == 0)
		r = ports_drop(en, &k, c->id, &gone->network, a, e);
	if (r < 0 || !c->pid)
		return r;
	CLEANUP_FD int netns = open_netns(c);
	if (netns < 0)
		return 0;
	plan_place(c, gone, false, &place);
	r = network_detach(&k.links, &place.at, netns, e);
	if (r == 0)
		change_hosts(en, c, gone, false);
	return r < 0 ? r : take_over(en, &k, c, gone, before, netns, a, e);
}

/* A place on a network that went before it. */
static int forget_place(struct engine *en, const struct container *c, const char *network,
			struct err *e)
{
	struct err why = *e;
	int r = db_run(&en->db, e,
		       "DELETE FROM endpoint WHERE container = ?1 AND name = ?2 AND network NOT IN "
		       "(SELECT id FROM network)",
		       "ss", c->id, network);
	if (r == 0)
		*e = why;
	return r < 0 ? r : r == 0 ? -ENOENT : 0;
}

/* The place of @c on @n, among all that it has. */
static int find_place(struct engine *en, const struct container *c, const struct network *n,
		      struct arena *a, struct container_net *ret_all, struct endpoint **ret,
		      struct err *e)
{
	int r = endpoints_load(en, c->id, a, ret_all, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ret_all->count; i++)
		if (!strcmp(ret_all->endpoints[i].network.id, n->id)) {
			*ret = &ret_all->endpoints[i];
			return 0;
		}
	return err_set(e, ENOENT, ERR_NOT_FOUND, "container %s is not connected to network %s",
		       c->name, n->name);
}

static int disconnect(struct engine *en, const struct container *c, const struct network *n,
		      struct arena *a, struct err *e)
{
	struct container_net before;
	struct endpoint *gone;
	int r = find_place(en, c, n, a, &before, &gone, e);
	/* Its neighbours hear of it while it can be seen who they are. */
	if (r == 0)
		r = db_run(&en->db, e,
			   "UPDATE endpoint SET host4 = 0, host6 = 0 WHERE container = ?1 AND "
			   "network = ?2",
			   "ss", c->id, n->id);
	if (r >= 0)
		r = network_names_write(en, c->id, e);
	if (r >= 0)
		r = db_run(&en->db, e, "DELETE FROM endpoint WHERE container = ?1 AND network = ?2",
			   "ss", c->id, n->id);
	if (r >= 0)
		r = event_note(&en->db, e, "network", n->id, "disconnect", "container", c->id,
			       "name", n->name, "type", n->config.driver, NULL);
	return r < 0 ? r : detach(en, c, gone, &before, a, e);
}

/* What is asked for, over what it had; an empty value is the network's again. */
static void change_options(struct kvs *options, const struct kvs *change, struct arena *a)
{
	struct kvs old = *options;
	*options = (struct kvs){0};
	for (size_t i = 0; i < old.count; i++)
		if (!kvs_get(change, old.items[i].key))
			kvs_set(a, options, old.items[i].key, old.items[i].value);
	for (size_t i = 0; i < change->count; i++)
		if (*change->items[i].value)
			kvs_set(a, options, change->items[i].key, change->items[i].value);
}

static int limit_live(struct engine *en, const struct container *c, const struct endpoint *p,
		      struct err *e)
{
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	CLEANUP_FD int netns = open_netns(c);
	struct place place;
	if (netns < 0)
		return err_errno(e, netns, "cannot reach the container's network namespace");
	plan_place(c, p, false, &place);
	set_rates(p, &place.at);
	int r = network_kernel_open(en, &k, e);
	return r < 0 ? r : network_limit(&k.links, &place.at, netns, e);
}

/* In a transaction: what the kernel refuses is not in the rows. */
static int change_place(struct engine *en, const struct container *c, const struct network *n,
			const struct kvs *options, struct arena *a, struct err *e)
{
	struct container_net net;
	struct endpoint *p;
	int r = find_place(en, c, n, a, &net, &p, e);
	if (r < 0)
		return r;
	struct endpoint before = *p;
	change_options(&p->config.driver_options, options, a);
	r = check_endpoint(n, &p->config, e);
	if (r == 0)
		r = db_run(&en->db, e,
			   "UPDATE endpoint SET config = ?3 WHERE container = ?1 AND network = ?2",
			   "sss", c->id, n->id,
			   shape_print(&docker_endpoint_shape, &p->config, false, a));
	if (r >= 0)
		r = event_note(&en->db, e, "network", n->id, "update", "container", c->id, "name",
			       n->name, "type", n->config.driver, NULL);
	if (r < 0 || !c->pid)
		return r;
	r = limit_live(en, c, p, e);
	if (r < 0)
		limit_live(en, c, &before, ERR_IGNORED);
	return r;
}

int network_update(struct engine *en, const char *network, const char *container,
		   const struct kvs *options, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container c;
	struct network n;
	int r = container_find_locked(en, container, &a, &lock, &c, e);
	if (r < 0 || (r = db_begin(&en->db, true, e)) < 0)
		return r;
	r = network_find(en, network, &a, &n, e);
	if (r == 0)
		r = change_place(en, &c, &n, options, &a, e);
	r = db_end(&en->db, r < 0 ? r : 0, e);
	return r < 0 ? err_context(e, "container %s, network %s", container, network) : 0;
}

int network_unlink(struct engine *en, const char *link, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container c;
	link += *link == '/';
	const char *alias = strrchr(link, '/');
	if (!alias || alias == link || !alias[1])
		return err_set(e, EINVAL, ERR_INVALID,
			       "bad format for a link that is to be removed: %s; it should be "
			       "CONTAINER/ALIAS",
			       link);
	int r = container_find_locked(en, arena_strndup(&a, link, (size_t)(alias++ - link)), &a,
				      &lock, &c, e);
	if (r < 0 || (r = db_begin(&en->db, true, e)) < 0)
		return r;
	r = db_run(&en->db, e,
		   "UPDATE endpoint SET config = json_set(config, '$.Links', (SELECT "
		   "json_group_array(value) FROM json_each(config, '$.Links') WHERE substr(value, "
		   "instr(value, ':') + 1) <> ?2)) WHERE container = ?1 AND EXISTS (SELECT 1 FROM "
		   "json_each(config, '$.Links') WHERE substr(value, instr(value, ':') + 1) = ?2)",
		   "ss", c.id, alias);
	if (r == 0)
		r = err_set(e, ENOENT, ERR_NOT_FOUND, "container %s has no link %s", c.name, alias);
	/* There as it was asked for, perhaps in docker's old form "/NAME:/OWNER/ALIAS". */
	if (r > 0)
		r = db_run(&en->db, e,
			   "UPDATE container SET config = json_set(config, '$.HostConfig.Links', "
			   "(SELECT json_group_array(value) FROM json_each(config, "
			   "'$.HostConfig.Links') WHERE substr('/' || substr(value, instr(value, "
			   "':') + 1), -1 - length(?2)) <> '/' || ?2)) WHERE id = ?1 AND "
			   "json_type(config, '$.HostConfig.Links') = 'array'",
			   "ss", c.id, alias);
	if (r >= 0)
		r = network_names_write(en, c.id, e);
	return db_end(&en->db, r, e);
}

int network_disconnect(struct engine *en, const char *network, const char *container, bool force,
		       struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_LOCK struct container_lock lock = {-1};
	struct container c;
	struct network n;
	int r = container_find_locked(en, container, &a, &lock, &c, e);
	if (r < 0 || (r = db_begin(&en->db, true, e)) < 0)
		return force && r == -ENOENT ? 0 : r;
	r = network_find(en, network, &a, &n, e);
	if (r == -ENOENT)
		r = forget_place(en, &c, network, e);
	else if (r == 0)
		r = disconnect(en, &c, &n, &a, e);
	bool undo = r != -ENOENT;
	r = db_end(&en->db, force && r == -ENOENT ? 0 : r, e);
	if (r < 0 && undo)
		put_back(en, &c, NULL, &a);
	return r;
}

int endpoints_mend(struct engine *en, bool repair, struct arena *a, struct strv *lost,
		   struct err *e)
{
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	struct strv ids = {0};
	int r = db_list(&en->db, a, &ids, e,
			"SELECT DISTINCT container FROM endpoint JOIN container ON container.id = "
			"container WHERE status = 'running'",
			"");
	if (r == 0 && ids.count)
		r = network_kernel_open(en, &k, e);
	for (size_t i = 0; r == 0 && i < ids.count; i++) {
		/* Who starts, or is connected, holds the lock until the devices are there; and
		 * whoever holds it sees to its container himself. */
		CLEANUP_LOCK struct container_lock lock = {-1};
		struct container c = {0};
		struct container_net net = {0};
		r = container_lock(en, ids.items[i], false, &lock, e);
		if (r == -EWOULDBLOCK || r == -ENOENT) {
			r = 0;
			continue;
		}
		if (r == 0)
			r = container_read(en, ids.items[i], a, &c, e);
		if (r == 0)
			r = container_probe(en, &c, e);
		if (r == 0 && c.pid)
			r = endpoints_read(en, &c, a, &net, e);
		for (size_t n = 0; r == 0 && n < net.count; n++)
			r = mend_one(en, &k, &c, &net, &net.endpoints[n], repair, a, lost, e);
		r = r == -ENOENT ? 0 : r;
	}
	return r < 0 ? r : 0;
}
