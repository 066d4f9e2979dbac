/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of networks: making them with subnets of their own, finding, listing, removing. What
 * they are to the kernel is brought about in network_kernel.c; read network.h first.
 */
#include "engine/network.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/option_value.h"
#include "base/path.h"
#include "base/units.h"
#include "base/utf8.h"
#include "engine/internal.h"
#include "engine/user_network.h"
#include "linux/namespaces.h"
#include "linux/qdisc.h"
#include "linux/rps.h"
#include "network/network.h"

enum { NETWORK_NAME_MAX = 128, PREFIX4_MAX = 30, PREFIX6_MAX = 126, MTU_MIN = 68, MTU_MAX = 65535 };

#define BRIDGE_OPTION "com.docker.network.bridge."

static const char *const builtin[] = {"bridge", "host", "none"};
static const char *const builtin_drivers[] = {"bridge", "host", "null"};

bool network_is_builtin(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(builtin); i++)
		if (!strcmp(name, builtin[i]))
			return true;
	return false;
}

bool network_mode_is_network(const char *mode)
{
	return mode && *mode && strcmp(mode, "none") && docker_mode_is_own(mode) &&
	       !user_network_is_mode(mode);
}

int network_allowed(struct err *e)
{
	if (namespace_owns_network())
		return 0;
	err_set(e, EPERM, ERR_DENIED,
		"bridges and ports are made in the machine's network, over which a user has no "
		"rights");
	return err_hint(e, "run it as root, or use --network pasta, host or none");
}

/* ---- reading ---- */

static bool read_subnet(const struct docker_ipam_config *c, struct network_subnet *ret)
{
	*ret = (struct network_subnet){.reserved = c->auxiliary};
	if (!c->subnet || !subnet_parse(c->subnet, &ret->subnet))
		return false;
	ret->range = ret->subnet;
	if (c->ip_range && *c->ip_range && !subnet_parse(c->ip_range, &ret->range))
		return false;
	return !c->gateway || !*c->gateway || ip_parse(c->gateway, &ret->gateway);
}

static void name_bridge(const struct engine *en, struct network *n)
{
	const char *own = kvs_get(&n->config.options, "com.docker.network.bridge.name");
	bool first = !strcmp(n->name, "bridge") && !strcmp(en->root, "/var/lib/hull");
	if (own)
		snprintf(n->bridge, sizeof(n->bridge), "%s", own);
	else if (first)
		snprintf(n->bridge, sizeof(n->bridge), "hull0");
	else
		snprintf(n->bridge, sizeof(n->bridge), "br-%.12s", n->id);
}

int network_row(struct engine *en, sqlite3_stmt *s, int column, struct arena *a,
		struct network *ret, struct err *e)
{
	const char *config = db_text(s, column + 3);
	*ret = (struct network){.name = arena_strdup(a, db_text(s, column + 1)),
				.created = db_int(s, column + 2)};
	snprintf(ret->id, sizeof(ret->id), "%s", db_text(s, column));
	int r = shape_parse(&docker_network_shape, config, strlen(config), &ret->config, a, e);
	const struct docker_ipam_config *list = ret->config.ipam.config.items;
	/* Subnets that are only written down are nobody's yet. */
	size_t subnets = ret->config.config_only ? 0 : ret->config.ipam.config.count;
	for (size_t i = 0; r == 0 && i < subnets; i++) {
		if (ret->subnet_count == ARRAY_LEN(ret->subnets) ||
		    !read_subnet(&list[i], &ret->subnets[ret->subnet_count++]))
			r = err_set(e, EBADMSG, ERR_INTERNAL, "its subnets are damaged");
	}
	if (r == 0 && !strcmp(ret->config.driver, "bridge"))
		name_bridge(en, ret);
	return r < 0 ? err_context(e, "network %s", ret->name) : 0;
}

static int add_builtin(struct engine *en, struct arena *a, struct err *e);

/* The three are made when they are first looked for; a store may be older than networks. */
static int settle(struct engine *en, struct arena *a, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&en->db, &s, e, "SELECT 1 FROM network WHERE name = 'none'", "");
	bool make = r == 0 && !en->db.refused.number;
	return make ? add_builtin(en, a, e) : r < 0 ? r : 0;
}

int network_find(struct engine *en, const char *ref, struct arena *a, struct network *ret,
		 struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = settle(en, a, e);
	if (r == 0)
		r = db_first(
			&en->db, &s, e,
			"SELECT " NETWORK_COLUMNS
			" FROM network WHERE name = ?1 OR id = ?1 OR substr(id, 1, length(?1)) "
			"= ?1 ORDER BY name = ?1 DESC, id = ?1 DESC LIMIT 2",
			"s", ref);
	if (r <= 0)
		return r < 0 ? r : err_set(e, ENOENT, ERR_NOT_FOUND, "network %s not found", ref);
	r = network_row(en, s, 0, a, ret, e);
	bool exact = !strcmp(ret->name, ref) || !strcmp(ret->id, ref);
	if (r == 0 && !exact && db_next(s, e) == 1)
		return err_set(e, EINVAL, ERR_INVALID,
			       "network %s is ambiguous: several ids begin "
			       "with it",
			       ref);
	return r;
}

int network_list(struct engine *en, struct arena *a, struct network **ret, size_t *ret_count,
		 struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	struct network *list = NULL;
	size_t count = 0, room = 0;
	int r = settle(en, a, e);
	if (r == 0)
		r = db_query(&en->db, &s, e,
			     "SELECT " NETWORK_COLUMNS " FROM network ORDER BY name", "");
	while (r == 0 && (r = db_next(s, e)) == 1) {
		list = arena_grow(a, list, count, &room, sizeof(*list));
		r = network_row(en, s, 0, a, &list[count++], e);
	}
	*ret = list;
	*ret_count = count;
	return r;
}

int network_uses(struct engine *en, const struct network *n, int64_t *ret, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&en->db, &s, e, "SELECT count(*) FROM endpoint WHERE network = ?1", "s",
			 n->id);
	*ret = r == 1 ? db_int(s, 0) : 0;
	return r < 0 ? r : 0;
}

char *networks_text(struct engine *en, const struct container *c, struct arena *a)
{
	struct strv names = {0};
	char *text = "";
	db_list(&en->db, a, &names, ERR_IGNORED,
		"SELECT name FROM endpoint WHERE container = ?1 ORDER BY name", "s", c->id);
	for (size_t i = 0; i < names.count; i++)
		text = arena_printf(a, "%s%s%s", text, i ? "," : "", names.items[i]);
	return names.count ? text : c->config.host.network_mode;
}

/* ---- making ---- */

static int invalid(struct err *e, const char *what, const char *value)
{
	return err_set(e, EINVAL, ERR_INVALID, "invalid %s %s", what, value);
}

/* What one --subnet with its range, gateway and reserved addresses says; completes the gateway. */
static int check_subnet(struct docker_ipam_config *c, struct arena *a, struct err *e)
{
	struct network_subnet n;
	char text[SUBNET_TEXT_SIZE];
	if (!c->subnet || !subnet_parse(c->subnet, &n.subnet))
		return invalid(e, "subnet", c->subnet ? c->subnet : "(none)");
	if (!read_subnet(c, &n))
		return invalid(e, "range or gateway of subnet", c->subnet);
	struct ip base = subnet_base(&n.subnet);
	if (ip_compare(&base, &n.subnet.ip) != 0) {
		n.subnet.ip = base;
		err_set(e, EINVAL, ERR_INVALID, "invalid subnet %s: it should be %s", c->subnet,
			subnet_print(&n.subnet, text));
		return -EINVAL;
	}
	if (base.family == AF_INET &&
	    (base.bytes[0] == 0 || base.bytes[0] == 127 || base.bytes[0] >= 224))
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid subnet %s: these addresses belong to no network",
			       c->subnet);
	if (n.subnet.prefix > (base.family == AF_INET ? PREFIX4_MAX : PREFIX6_MAX))
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid subnet %s: there is no room for a gateway and a container",
			       c->subnet);
	if (!subnet_has(&n.subnet, &n.range.ip) || n.range.prefix < n.subnet.prefix)
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid subnet %s: it does not contain the "
			       "range %s",
			       c->subnet, c->ip_range);
	if (n.gateway.family && !subnet_has(&n.subnet, &n.gateway))
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid subnet %s: it does not contain the "
			       "gateway %s",
			       c->subnet, c->gateway);
	for (size_t i = 0; i < n.reserved.count; i++) {
		struct ip ip;
		if (!ip_parse(n.reserved.items[i].value, &ip) || !subnet_has(&n.subnet, &ip))
			return invalid(e, "auxiliary address", n.reserved.items[i].value);
	}
	base = ip_add(base, 1);
	if (!n.gateway.family)
		c->gateway = arena_strdup(a, ip_print(&base, text));
	return 0;
}

static int check_overlap(const struct docker_ipam_config *own, const struct network *others,
			 size_t count, struct err *e)
{
	struct subnet s;
	subnet_parse(own->subnet, &s);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < others[i].subnet_count; k++)
			if (others[i].subnets[k].subnet.ip.family == s.ip.family &&
			    subnets_overlap(&s, &others[i].subnets[k].subnet)) {
				err_set(e, EEXIST, ERR_DENIED,
					"Pool overlaps with other one on this address space: %s is "
					"in use by network %s",
					own->subnet, others[i].name);
				return err_hint(e, "choose another --subnet, or none");
			}
	return 0;
}

static bool has_family(const struct docker_network *c, int family)
{
	const struct docker_ipam_config *list = c->ipam.config.items;
	struct subnet s;
	for (size_t i = 0; i < c->ipam.config.count; i++)
		if (list[i].subnet && subnet_parse(list[i].subnet, &s) && s.ip.family == family)
			return true;
	return false;
}

static void add_subnet(struct docker_network *c, const struct subnet *s, struct arena *a)
{
	char text[SUBNET_TEXT_SIZE];
	struct docker_ipam_config *new =
		array_push(a, &c->ipam.config, sizeof(struct docker_ipam_config));
	new->subnet = arena_strdup(a, subnet_print(s, text));
}

/* Subnets that the user did not name; and all of them checked. */
static int complete(const char *name, struct docker_network *c, const struct network *others,
		    size_t count, struct arena *a, struct err *e)
{
	CLEANUP_NETLINK struct netlink nl = NETLINK_CLOSED;
	struct subnet s, *taken = arena_array(a, 2 * count + 1, sizeof(*taken));
	struct docker_ipam_config *own = c->ipam.config.items;
	size_t n = 0;
	if (c->config_only) {
		for (size_t i = 0; i < c->ipam.config.count; i++) {
			int wrong = check_subnet(&own[i], a, e);
			if (wrong < 0)
				return wrong;
		}
		return 0;
	}
	int r = netlink_open(&nl, NETLINK_ROUTE, -1);
	if (r < 0)
		return err_errno(e, r, "cannot ask the kernel for its routes");
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < others[i].subnet_count; k++)
			taken[n++] = others[i].subnets[k].subnet;
	if (c->enable_ipv4 && !has_family(c, AF_INET)) {
		r = pool_choose(&nl, !strcmp(name, "bridge"), taken, n, &s, e);
		if (r == 0)
			add_subnet(c, &s, a);
	}
	if (r == 0 && c->enable_ipv6 && !has_family(c, AF_INET6)) {
		s = pool_choose6();
		add_subnet(c, &s, a);
	}
	struct docker_ipam_config *list = c->ipam.config.items;
	if (r == 0 && c->ipam.config.count > 2)
		return err_set(e, EINVAL, ERR_INVALID,
			       "a network has one IPv4 and one IPv6 subnet at most");
	for (size_t i = 0; r == 0 && i < c->ipam.config.count; i++) {
		r = check_subnet(&list[i], a, e);
		if (r == 0)
			r = check_overlap(&list[i], others, count, e);
	}
	return r;
}

static int insert(struct engine *en, const char *id, const char *name,
		  const struct docker_network *c, struct arena *a, struct err *e)
{
	const char *config = shape_print(&docker_network_shape, c, false, a);
	int r = utf8_check_json(config, e);
	return r < 0 ? r
		     : db_run(&en->db, e,
			      "INSERT INTO network (id, name, created, config) VALUES "
			      "(?1,?2,?3,?4)",
			      "ssis", id, name, clock_real_ns(), config);
}

static int add_builtin(struct engine *en, struct arena *a, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_begin(&en->db, true, e);
	if (r < 0)
		return r;
	r = db_first(&en->db, &s, e, "SELECT 1 FROM network WHERE name = 'none'", "");
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(builtin); i++) {
		struct docker_network c = {.driver = (char *)builtin_drivers[i],
					   .enable_ipv4 = true,
					   .ipam.driver = "default"};
		char id[ID_LEN + 1];
		id_new(id);
		r = i ? 0 : complete(builtin[i], &c, NULL, 0, a, e);
		if (r == 0)
			r = insert(en, id, builtin[i], &c, a, e);
		r = r > 0 ? 0 : r;
	}
	return db_end(&en->db, r < 0 ? r : 0, e);
}

int network_rates(const struct kvs *options, const char *driver, uint64_t *ret_in,
		  uint64_t *ret_out, struct err *e)
{
	const char *in = kvs_get(options, "rate-in"), *out = kvs_get(options, "rate-out");
	if ((in && !rate_parse(in, ret_in)) || (out && !rate_parse(out, ret_out)))
		return invalid(e, "rate (bits a second, 8k or more: 10m, 1.5gbit):",
			       in && !rate_parse(in, ret_in) ? in : out);
	if (in && strcmp(driver, "bridge") != 0) {
		err_set(e, ENOTSUP, ERR_INVALID,
			"rate-in: the driver %s has no device on the host that could limit what a "
			"container receives",
			driver);
		return err_hint(e, "rate-out works; both do on a bridge");
	}
	return 0;
}

/* docker's words. */
static int check_source(const struct docker_network *c, struct err *e)
{
	const char *from = c->config_from.network;
	bool own =
		c->enable_ipv6 || c->labels.count || c->ipam.options.count || c->ipam.config.count;
	const struct {
		bool wrong;
		const char *text;
	} rules[] = {
		{c->config_only && (c->internal || c->attachable),
		 "configuration network can only contain network specific fields. Network operator "
		 "fields like [ ingress | internal | attachable | scope ] are not supported."},
		{c->config_only && from && *from,
		 "a configuration network cannot have another configuration network as its source"},
		{from && *from && own,
		 "user specified configurations are not supported if the network depends on a "
		 "configuration network"},
		{from && *from && c->options.count,
		 "network driver options are not supported if the network depends on a "
		 "configuration network"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].wrong)
			return err_set(e, EPERM, ERR_DENIED, "%s", rules[i].text);
	if (c->scope && *c->scope && strcmp(c->scope, "local") != 0)
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "scope %s: hull has networks of this host only, which are local",
			       c->scope);
	return 0;
}

/* What another network has written down. */
static int take_config(struct engine *en, struct docker_network *c, struct arena *a, struct err *e)
{
	const char *from = c->config_from.network;
	struct network source;
	int r = check_source(c, e);
	if (r < 0 || !from || !*from)
		return r;
	r = network_find(en, from, a, &source, e);
	if (r == -ENOENT || (r == 0 && !source.config.config_only))
		return err_set(e, ENOENT, ERR_NOT_FOUND,
			       "configuration network \"%s\" does not exist", from);
	if (r < 0)
		return r;
	c->config_from.network = source.name;
	c->enable_ipv4 = source.config.enable_ipv4;
	c->enable_ipv6 = source.config.enable_ipv6;
	c->ipam = source.config.ipam;
	c->options = source.config.options;
	c->labels = source.config.labels;
	return 0;
}

/* Other drivers would do nothing with them. */
static int check_bridge_options(const struct docker_network *c, struct err *e)
{
	for (size_t i = 0; strcmp(c->driver, "bridge") && i < c->options.count; i++) {
		const char *key = c->options.items[i].key;
		if (strncmp(key, BRIDGE_OPTION, strlen(BRIDGE_OPTION)) != 0)
			continue;
		err_set(e, ENOTSUP, ERR_INVALID,
			"%s: a network of the driver %s has no bridge that could do that", key,
			c->driver);
		return err_hint(e, "leave it out, or use -d bridge");
	}
	return 0;
}

static int check_request(const char *name, struct docker_network *c, struct err *e)
{
	if (!name_is_valid(name, NETWORK_NAME_MAX)) {
		err_set(e, EINVAL, ERR_INVALID,
			"network name \"%s\" is invalid: only [a-zA-Z0-9][a-zA-Z0-9_.-] are "
			"allowed",
			name);
		return -EINVAL;
	}
	if (network_is_builtin(name) || !strcmp(name, "default"))
		return err_set(e, EPERM, ERR_DENIED,
			       "operation is not permitted on predefined %s network", name);
	if (strcmp(c->driver, "bridge") && strcmp(c->driver, "macvlan") &&
	    strcmp(c->driver, "ipvlan"))
		return err_set(e, ENOTSUP, ERR_NOT_FOUND,
			       "network driver %s not found: hull has bridge, macvlan and ipvlan",
			       c->driver);
	const char *bridge = kvs_get(&c->options, "com.docker.network.bridge.name");
	if (bridge && (!*bridge || strlen(bridge) >= IFNAMSIZ || strpbrk(bridge, "/: \t\n")))
		return invalid(e, "name of a network device:", bridge);
	const char *rps = kvs_get(&c->options, "rps");
	if (rps && !rps_is_valid(rps))
		return invalid(e, "rps (auto, or a mask of processors like ff):", rps);
	const char *mtu = kvs_get(&c->options, "com.docker.network.driver.mtu");
	uint64_t bytes, in, out;
	int r = network_rates(&c->options, c->driver, &in, &out, e);
	if (r < 0)
		return r;
	if (mtu && (uint_parse(mtu, MTU_MAX, &bytes) < 0 || bytes < MTU_MIN))
		return invalid(e, "com.docker.network.driver.mtu (68 to 65535):", mtu);
	if ((r = check_bridge_options(c, e)) < 0)
		return r;
	static const char *const switches[] = {NETWORK_ICC, NETWORK_MASQUERADE};
	bool on;
	for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
		const char *text = kvs_get(&c->options, switches[i]);
		if (text && option_set_bool(&on, text, NULL, e) < 0)
			return err_set(e, EINVAL, ERR_INVALID,
				       "invalid %s: %s is not true or false", switches[i], text);
	}
	const char *host = kvs_get(&c->options, NETWORK_HOST_BINDING);
	struct ip ip;
	return host && (!ip_parse(host, &ip) || ip.family != AF_INET)
		       ? invalid(e, NETWORK_HOST_BINDING ":", host)
		       : 0;
}

/* One of that name would become ours, and go with the network. A killed `create` may have left it.
 */
static int check_bridge(struct network_kernel *k, const struct network *n, struct arena *a,
			struct err *e)
{
	struct link_info link;
	if (link_find(&k->links, n->bridge, &link) < 0 ||
	    !strcmp(link.alias, network_alias(k, n, a)))
		return 0;
	err_set(e, EEXIST, ERR_CONFLICT, "network %s: there is a network device %s already",
		n->name, n->bridge);
	return err_hint(
		e, "choose another com.docker.network.bridge.name; hull does not take a bridge "
		   "over that it did not make");
}

/* docker says nothing; whoever named the subnet may not know what it hides. */
static void warn_of_routes(struct engine *en, struct network_kernel *k, const struct network *n)
{
	char text[SUBNET_TEXT_SIZE], own[SUBNET_TEXT_SIZE];
	struct subnet route;
	for (size_t i = 0; i < n->subnet_count; i++)
		if (pool_meets_route(&k->links, &n->subnets[i].subnet, &route))
			engine_warn(en,
				    "network %s: its subnet %s overlaps with a route of this host, "
				    "to %s: what is behind that may not be reached any more",
				    n->name, subnet_print(&n->subnets[i].subnet, own),
				    subnet_print(&route, text));
}

/* A network that has no row after all. */
static void undo_create(struct engine *en, struct network_kernel *k, const struct network *n,
			struct arena *a)
{
	struct err ignored;
	bridge_remove(&k->links, n->bridge, network_alias(k, n, a), &ignored);
	if (db_begin(&en->db, false, &ignored) == 0)
		db_end(&en->db, network_firewall(en, k, true, &ignored), &ignored);
}

int network_create(struct engine *en, const char *name, struct docker_network *config,
		   struct arena *a, char ret_id[ID_LEN + 1], struct err *e)
{
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	struct network *others, made;
	bool begun = false;
	size_t count;
	uint32_t mode;
	int r = network_allowed(e);
	if (r == 0)
		r = take_config(en, config, a, e);
	if (r == 0)
		r = check_request(name, config, e);
	if (config->config_only)
		config->driver = "null";
	if (r == 0)
		r = network_kernel_open(en, &k, e);
	if (r == 0)
		r = network_list(en, a, &others, &count, e);
	if (r < 0 || (r = db_begin_addition(&en->db, true, e)) < 0)
		return r;
	/* Again, now that nobody else makes one. */
	r = network_list(en, a, &others, &count, e);
	if (r == 0)
		r = complete(name, config, others, count, a, e);
	id_new(ret_id);
	if (r == 0 && (r = insert(en, ret_id, name, config, a, e)) == -EEXIST)
		r = err_set(e, EEXIST, ERR_CONFLICT, "network with name %s already exists", name);
	if (r >= 0)
		r = event_note(&en->db, e, "network", ret_id, "create", "name", name, "type",
			       config->driver, NULL);
	if (r >= 0)
		r = network_find(en, ret_id, a, &made, e);
	if (r == 0 && made.config.config_only) {
		r = 0; /* a row, and nothing else */
	} else if (r == 0 && !made.bridge[0]) {
		r = network_parent(&k, &made, &mode, e);
	} else if (r == 0) {
		r = check_bridge(&k, &made, a, e);
		begun = r == 0;
		if (r == 0)
			warn_of_routes(en, &k, &made);
		/* The bridge first: whoever finds it without a row makes the firewall anew. */
		if (r == 0)
			r = network_ensure(en, &k, &made, false, e);
		if (r >= 0)
			r = network_firewall(en, &k, true, e);
	}
	r = db_end(&en->db, r < 0 ? r : 0, e);
	if (r < 0 && begun)
		undo_create(en, &k, &made, a);
	return r;
}

/* ---- removing ---- */

/* Not for a network that took its configuration. */
static int check_unreferenced(struct engine *en, const struct network *n, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = n->config.config_only ? db_first(&en->db, &s, e,
						 "SELECT name FROM network WHERE config ->> "
						 "'$.ConfigFrom.Network' = ?1",
						 "s", n->name)
				      : 0;
	if (r <= 0)
		return r;
	err_set(e, EBUSY, ERR_CONFLICT, "configuration network \"%s\" is in use", n->name);
	return err_hint(e, "network %s took its configuration", db_text(s, 0));
}

static int check_unused(struct engine *en, const struct network *n, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&en->db, &s, e,
			 "SELECT container.name, count(*) FROM endpoint JOIN container ON "
			 "container.id = endpoint.container WHERE network = ?1 AND status = "
			 "'running'",
			 "s", n->id);
	if (r <= 0 || db_int(s, 1) == 0)
		return r < 0 ? r : check_unreferenced(en, n, e);
	err_set(e, EBUSY, ERR_CONFLICT,
		"error while removing network: network %s id %s has active endpoints (%lld, of "
		"container %s)",
		n->name, n->id, (long long)db_int(s, 1), db_text(s, 0));
	return err_hint(e, "hull network disconnect %s %s, or hull stop %s", n->name, db_text(s, 0),
			db_text(s, 0));
}

int network_remove(struct engine *en, const char *ref, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	struct network n;
	int r = network_kernel_open(en, &k, e);
	if (r == 0)
		r = engine_settle(en, e);
	if (r == 0)
		r = network_find(en, ref, &a, &n, e);
	if (r == 0 && network_is_builtin(n.name))
		r = err_set(e, EPERM, ERR_DENIED,
			    "%s is a pre-defined network and cannot be removed", n.name);
	if (r < 0 || (r = db_begin(&en->db, true, e)) < 0)
		return r;
	r = check_unused(en, &n, e);
	if (r == 0)
		r = db_run(&en->db, e, "DELETE FROM network WHERE id = ?1", "s", n.id);
	if (r >= 0)
		r = event_note(&en->db, e, "network", n.id, "destroy", "name", n.name, "type",
			       n.config.driver, NULL);
	if (r >= 0)
		r = network_firewall(en, &k, true, e);
	r = db_end(&en->db, r < 0 ? r : 0, e);
	/* Last: without a row a bridge is found by its alias (check.c). */
	if (r == 0 && n.bridge[0])
		bridge_remove(&k.links, n.bridge, network_alias(&k, &n, &a), ERR_IGNORED);
	if (r == 0)
		network_names_drop(en, &n);
	return r;
}

int network_reload(struct engine *en, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_NETWORK_KERNEL struct network_kernel k = NETWORK_KERNEL_CLOSED;
	struct network *list;
	size_t count;
	if (!namespace_owns_network())
		return user_networks_mend(en, true, &a, NULL, e);
	int r = network_kernel_open(en, &k, e);
	if (r == 0)
		r = network_list(en, &a, &list, &count, e);
	if (r < 0 || (r = db_begin(&en->db, false, e)) < 0)
		return r;
	r = network_firewall(en, &k, true, e);
	for (size_t i = 0; r >= 0 && i < count; i++)
		r = list[i].bridge[0] ? network_ensure(en, &k, &list[i], true, e) : 0;
	r = db_end(&en->db, r < 0 ? r : 0, e);
	return r < 0 ? r : endpoints_mend(en, true, &a, NULL, e);
}

/* ---- showing ---- */

static int add_containers(struct engine *en, const struct network *n, struct json_object *to,
			  struct arena *a, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_query(&en->db, &s, e,
			 "SELECT container.id FROM endpoint JOIN container ON container.id = "
			 "endpoint.container WHERE network = ?1 AND status = 'running' ORDER BY 1",
			 "s", n->id);
	while (r == 0 && (r = db_next(s, e)) == 1) {
		struct container c;
		struct container_net net;
		char text[SUBNET_TEXT_SIZE], id[ID_LEN + 1];
		r = container_read(en, db_text(s, 0), a, &c, e);
		if (r == 0)
			r = endpoints_read(en, &c, a, &net, e);
		for (size_t i = 0; r == 0 && i < net.count; i++) {
			const struct endpoint *p = &net.endpoints[i];
			if (strcmp(p->network.id, n->id) != 0)
				continue;
			struct json_object *o = json_object_new_object();
			json_add_string(o, "Name", c.name);
			json_add_string(o, "EndpointID", endpoint_id(c.id, n, id));
			json_add_string(o, "MacAddress", mac_print(p->mac, text));
			json_add_string(o, "IPv4Address", "");
			json_add_string(o, "IPv6Address", "");
			for (size_t k = 0; k < p->address_count; k++) {
				struct subnet at = {p->addresses[k], n->subnets[k].subnet.prefix};
				const char *key =
					at.ip.family == AF_INET ? "IPv4Address" : "IPv6Address";
				json_object_object_add(o, key,
						       json_of_string(subnet_print(&at, text)));
			}
			json_object_object_add(to, c.id, o);
		}
	}
	return r;
}

int network_inspect(struct engine *en, const char *ref, struct json_object **ret, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct network n;
	int r = network_find(en, ref, &a, &n, e);
	if (r == 0)
		r = engine_settle(en, e);
	if (r < 0)
		return r;
	CLEANUP_JSON struct json_object *config = shape_write(&docker_network_shape, &n.config);
	struct json_object *o = json_object_new_object(), *containers = json_object_new_object();
	struct json_object *from = json_object_new_object();
	json_add_string(o, "Name", n.name);
	json_add_string(o, "Id", n.id);
	json_add_time(o, "Created", n.created);
	json_add_string(o, "Scope", "local");
	json_object_object_foreach(config, key, value)
		json_object_object_add(o, key, json_object_get(value));
	json_add_bool(o, "Ingress", false);
	/* Networks of older stores. */
	json_object_object_add(from, "Network",
			       json_object_new_string(n.config.config_from.network
							      ? n.config.config_from.network
							      : ""));
	json_object_object_add(o, "ConfigFrom", from);
	json_object_object_add(o, "Containers", containers);
	if (n.bridge[0])
		json_add_string(o, "Bridge", n.bridge);
	r = add_containers(en, &n, containers, &a, e);
	if (r < 0) {
		json_object_put(o);
		return r;
	}
	*ret = o;
	return 0;
}
