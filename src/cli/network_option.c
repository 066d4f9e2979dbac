/* SPDX-License-Identifier: Apache-2.0 */
/* Read network_option.h first. */
#include "cli/network_option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/units.h"
#include "engine/network.h"
#include "linux/ip_address.h"

/* ---- networks ---- */

static int set_priority(struct docker_endpoint *p, const char *value, struct err *e)
{
	char *end;
	errno = 0;
	p->gw_priority = strtoll(value, &end, 10);
	if (end == value || *end || errno)
		return err_set(e, EINVAL, ERR_INVALID, "invalid gw-priority: %s", value);
	return 0;
}

static int set_field(struct docker_endpoint *p, char *key, char *value, struct arena *a,
		     struct err *e)
{
	if (!p->ipam)
		p->ipam = arena_new(a, struct docker_endpoint_ipam);
	if (!strcmp(key, "name"))
		p->network = value;
	else if (!strcmp(key, "ip"))
		p->ipam->ipv4 = value;
	else if (!strcmp(key, "ip6"))
		p->ipam->ipv6 = value;
	else if (!strcmp(key, "alias"))
		strv_push(a, &p->aliases, value);
	else if (!strcmp(key, "mac-address"))
		p->mac_address = value;
	else if (!strcmp(key, "driver-opt"))
		kvs_set_pair(a, &p->driver_options, value);
	else if (!strcmp(key, "link-local-ip"))
		strv_push(a, &p->ipam->link_local, value);
	else if (!strcmp(key, "gw-priority"))
		return set_priority(p, value, e);
	else
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid field for --network: %s (it has name, ip, ip6, "
			       "link-local-ip, alias, mac-address, driver-opt, gw-priority)",
			       key);
	return 0;
}

int network_option_parse(const char *text, struct docker_endpoint *ret, struct arena *a,
			 struct err *e)
{
	*ret = (struct docker_endpoint){.network = arena_strdup(a, text)};
	if (!strchr(text, '='))
		return 0;
	ret->network = NULL;
	for (char *field = arena_strdup(a, text), *next; field; field = next) {
		next = strchr(field, ',');
		if (next)
			*next++ = '\0';
		char *value = strchr(field, '=');
		if (!value)
			return err_set(e, EINVAL, ERR_INVALID,
				       "invalid field %s: it should be KEY=VALUE", field);
		*value++ = '\0';
		int r = set_field(ret, field, value, a, e);
		if (r < 0)
			return r;
	}
	if (!ret->network)
		return err_set(e, EINVAL, ERR_INVALID, "network name/id is not specified");
	return 0;
}

/* Docker: --ip and the like belong to the one network that is named by --network. */
static int add_single(struct create_options *o, struct arena *a, struct err *e)
{
	struct docker_endpoint *p = o->create.networks;
	bool any = o->ip || o->ip6 || o->mac_address || o->network_aliases.count ||
		   o->link_local.count;
	if (!any)
		return 0;
	if (o->create.network_count > 1)
		return err_set(
			e, EINVAL, ERR_INVALID,
			"conflicting options: --ip, --ip6, --link-local-ip, --mac-address and "
			"--network-alias go with one --network; with several use --network "
			"name=NAME,ip=ADDRESS");
	if (!p->ipam)
		p->ipam = arena_new(a, struct docker_endpoint_ipam);
	if (o->ip)
		p->ipam->ipv4 = o->ip;
	if (o->ip6)
		p->ipam->ipv6 = o->ip6;
	if (o->mac_address)
		p->mac_address = o->mac_address;
	strv_push_all(a, &p->ipam->link_local, &o->link_local);
	strv_push_all(a, &p->aliases, &o->network_aliases);
	return 0;
}

static int build_networks(struct create_options *o, const char *fallback, struct arena *a,
			  struct err *e)
{
	struct strv *names = &o->networks;
	struct docker_host_config *h = &o->create.config.host;
	if (!names->count)
		strv_push(a, names, fallback && *fallback ? fallback : "bridge");
	o->create.networks = arena_array(a, names->count, sizeof(*o->create.networks));
	for (size_t i = 0; i < names->count; i++) {
		int r = network_option_parse(names->items[i], &o->create.networks[i], a, e);
		if (r < 0)
			return r;
	}
	o->create.network_count = names->count;
	h->network_mode = o->create.networks[0].network;
	const char *owner = docker_mode_container(h->network_mode);
	if (owner && !*owner)
		return err_set(e, EINVAL, ERR_INVALID,
			       "--network: invalid container format container:<name|id>");
	return add_single(o, a, e);
}

/* ---- ports ---- */

struct range {
	uint64_t from, until;
};

static bool parse_range(const char *text, size_t len, struct range *ret)
{
	char copy[16], *dash;
	if (len == 0 || len >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	dash = strchr(copy, '-');
	if (dash)
		*dash++ = '\0';
	return uint_parse(copy, 65535, &ret->from) == 0 &&
	       uint_parse(dash ? dash : copy, 65535, &ret->until) == 0 && ret->until >= ret->from;
}

struct publish {
	char *ip;
	struct range host, port; /* host.until 0: any */
	const char *protocol;
};

/* [IP:][HOST[-END]:]PORT[-END][/PROTOCOL]; an IPv6 address stands in brackets. */
static int parse_publish(const char *text, struct publish *p, struct arena *a, struct err *e)
{
	const char *slash = strrchr(text, '/'), *colon;
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct ip ip;
	*p = (struct publish){.ip = "", .protocol = slash ? slash + 1 : "tcp"};
	if (strcasecmp(p->protocol, "tcp") && strcasecmp(p->protocol, "udp") &&
	    strcasecmp(p->protocol, "sctp"))
		return err_set(e, EINVAL, ERR_INVALID, "invalid proto: %s", p->protocol);
	colon = memrchr(text, ':', len);
	const char *port = colon ? colon + 1 : text;
	if (!parse_range(port, len - (size_t)(port - text), &p->port) || p->port.from == 0)
		return err_set(e, EINVAL, ERR_INVALID, "invalid containerPort: %.*s",
			       (int)(len - (size_t)(port - text)), port);
	if (!colon)
		return 0;
	const char *end = colon, *ip_from = text, *number = text;
	size_t ip_len = 0;
	if (*text == '[') {
		const char *close = memchr(text, ']', (size_t)(end - text));
		if (!close || (close + 1 < end && close[1] != ':'))
			return err_set(e, EINVAL, ERR_INVALID, "invalid IP address: %s", text);
		ip_from = text + 1;
		ip_len = (size_t)(close - ip_from);
		number = close + 1 < end ? close + 2 : end;
	} else if ((colon = memrchr(text, ':', (size_t)(end - text)))) {
		ip_len = (size_t)(colon - text);
		number = colon + 1;
	}
	size_t number_len = (size_t)(end - number);
	if (number_len && !parse_range(number, number_len, &p->host))
		return err_set(e, EINVAL, ERR_INVALID, "invalid hostPort: %.*s", (int)number_len,
			       number);
	if (!ip_len && *text != '[')
		return 0;
	p->ip = arena_strndup(a, ip_from, ip_len);
	return ip_parse(p->ip, &ip)
		       ? 0
		       : err_set(e, EINVAL, ERR_INVALID, "invalid IP address: %s", p->ip);
}

static void add_binding(struct json_object *to, const char *key, const char *ip, const char *port)
{
	struct json_object *list, *b = json_object_new_object();
	if (!json_object_object_get_ex(to, key, &list)) {
		list = json_object_new_array();
		json_object_object_add(to, key, list);
	}
	json_add_string(b, "HostIp", ip);
	json_add_string(b, "HostPort", port);
	json_object_array_add(list, b);
}

/* @known: the names of all exposed ports; a range has thousands. */
static int publish_one(struct create_options *o, const char *text, struct json_object *to,
		       struct json_object *known, struct arena *a, struct err *e)
{
	struct publish p;
	struct strv *exposed = &o->create.config.config.exposed_ports;
	int r = parse_publish(text, &p, a, e);
	if (r < 0)
		return r;
	uint64_t count = p.port.until - p.port.from + 1, hosts = p.host.until - p.host.from + 1;
	bool any = !p.host.until;
	if (!any && count > 1 && hosts != count)
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid ranges specified for container and host Ports: %s", text);
	for (uint64_t i = 0; i < count; i++) {
		char *key = arena_printf(a, "%llu/%s", (unsigned long long)(p.port.from + i),
					 p.protocol);
		char *port = "";
		if (!any && count == 1 && hosts > 1)
			port = arena_printf(a, "%llu-%llu", (unsigned long long)p.host.from,
					    (unsigned long long)p.host.until);
		else if (!any)
			port = arena_printf(a, "%llu", (unsigned long long)(p.host.from + i));
		for (char *c = key; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		add_binding(to, key, p.ip, port);
		if (json_object_object_get_ex(known, key, NULL))
			continue;
		json_object_object_add(known, key, NULL);
		strv_push(a, exposed, key);
	}
	return 0;
}

static int build_ports(struct create_options *o, struct arena *a, struct err *e)
{
	if (!o->publish.count)
		return 0;
	const struct strv *exposed = &o->create.config.config.exposed_ports;
	CLEANUP_JSON struct json_object *bindings = json_object_new_object();
	CLEANUP_JSON struct json_object *known = json_object_new_object();
	for (size_t i = 0; i < exposed->count; i++)
		json_object_object_add(known, exposed->items[i], NULL);
	for (size_t i = 0; i < o->publish.count; i++) {
		int r = publish_one(o, o->publish.items[i], bindings, known, a, e);
		if (r < 0)
			return r;
	}
	o->create.config.host.port_bindings =
		arena_strdup(a, json_object_to_json_string_ext(bindings, 0));
	return 0;
}

int network_options_build(struct create_options *o, const char *fallback, struct arena *a,
			  struct err *e)
{
	int r = build_networks(o, fallback, a, e);
	return r < 0 ? r : build_ports(o, a, e);
}

/* ---- names ---- */

int option_set_host(void *field, const char *value, struct arena *a, struct err *e)
{
	struct ip ip;
	size_t name = strcspn(value, value && strchr(value, '=') ? "=" : ":");
	char *address = arena_strdup(a, value[name] ? value + name + 1 : "");
	size_t len = strlen(address);
	if (len > 1 && address[0] == '[' && address[len - 1] == ']') {
		address[len - 1] = '\0';
		address++;
	}
	if (name == 0 || !value[name])
		return err_set(e, EINVAL, ERR_USAGE, "bad format for add-host: \"%s\"", value);
	if (strcmp(address, "host-gateway") && !ip_parse(address, &ip))
		return err_set(e, EINVAL, ERR_USAGE, "invalid IP address in add-host: \"%s\"",
			       address);
	strv_push(a, field, arena_printf(a, "%.*s:%s", (int)name, value, address));
	return 0;
}

int option_set_ip(void *field, const char *value, struct arena *a, struct err *e)
{
	struct ip ip;
	if (!ip_parse(value, &ip))
		return err_set(e, EINVAL, ERR_USAGE,
			       "ip address is not correctly formatted: \"%s\"", value);
	strv_push(a, field, value);
	return 0;
}
