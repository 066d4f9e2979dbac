/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places that a new container asks for on networks: what of it cannot be, and its rows.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "engine/endpoint.h"
#include "engine/internal.h"
#include "engine/spec.h"
#include "engine/user_network.h"
#include "linux/namespaces.h"
#include "network/network.h"

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

int endpoint_check(const struct network *n, const struct docker_endpoint *p, struct err *e)
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

int endpoint_plan_one(struct engine *en, const struct docker_endpoint *wish,
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
	return r < 0 ? r : endpoint_check(&ret->network, wish, e);
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
		r = endpoint_plan_one(en, &wishes[i], &(*ret)[i], a, e);
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

int endpoint_insert(struct engine *en, const char *container, const struct endpoint_plan *p,
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
		r = endpoint_insert(en, container, &list[i], (int64_t)i, a, e);
	return r;
}

const char *endpoint_id(const char *container, const struct network *n, char ret[static ID_LEN + 1])
{
	snprintf(ret, ID_LEN + 1, "%.32s%.32s", container, n->id);
	return ret;
}
