/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published ports: what the config asks for, which of them a start gets, and how they are shown. A
 * port is taken by its row as long as its container runs; and must be free on the host, which is
 * tried by binding to it. Read network.h first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "engine/internal.h"
#include "engine/network.h"
#include "network/network.h"

enum { PORT_MAX = 65535, EPHEMERAL_FIRST = 32768, EPHEMERAL_LAST = 60999, REQUESTS_MAX = 70000 };

static const struct {
	const char *name;
	uint8_t number;
	int type;
} protocols[] = {{"tcp", IPPROTO_TCP, SOCK_STREAM},
		 {"udp", IPPROTO_UDP, SOCK_DGRAM},
		 {"sctp", IPPROTO_SCTP, SOCK_SEQPACKET}};

const char *protocol_name(uint8_t protocol)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (protocols[i].number == protocol)
			return protocols[i].name;
	return NULL;
}

/* 0 for one that there is not. */
static size_t protocol_index(uint8_t protocol)
{
	size_t i = ARRAY_LEN(protocols) - 1;
	while (i > 0 && protocols[i].number != protocol)
		i--;
	return i;
}

uint8_t protocol_parse(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (!strcasecmp(protocols[i].name, name))
			return protocols[i].number;
	return 0;
}

/* ---- what is asked for ---- */

/* "80/tcp", "53/udp", "80". */
static int read_port(const char *text, uint16_t *ret, uint8_t *ret_protocol, struct err *e)
{
	char number[8];
	uint64_t port;
	size_t len = strcspn(text, "/");
	snprintf(number, sizeof(number), "%.*s", (int)(len < 7 ? len : 7), text);
	*ret_protocol = text[len] ? protocol_parse(text + len + 1) : IPPROTO_TCP;
	if (!*ret_protocol || uint_parse(number, PORT_MAX, &port) < 0 || port == 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       "invalid port %s: it should be 1 to 65535, "
			       "with /tcp, /udp or /sctp",
			       text);
	*ret = (uint16_t)port;
	return 0;
}

/* "8080", "8000-8010", "" for any. */
static int read_range(const char *text, struct port_request *p, struct err *e)
{
	uint64_t from = 0, until = 0;
	char first[8];
	const char *dash = text ? strchr(text, '-') : NULL;
	if (!text || !*text)
		return 0;
	snprintf(first, sizeof(first), "%.*s", dash && dash - text < 7 ? (int)(dash - text) : 7,
		 text);
	int r = uint_parse(first, PORT_MAX, &from);
	until = from;
	if (r == 0 && dash)
		r = uint_parse(dash + 1, PORT_MAX, &until);
	if (r < 0 || until < from)
		return err_set(e, EINVAL, ERR_INVALID, "invalid host port %s", text);
	p->from = (uint16_t)from;
	p->until = (uint16_t)until;
	return 0;
}

static int read_binding(struct json_object *o, struct port_request *p, struct arena *a,
			struct err *e)
{
	struct docker_port_binding b = {0};
	int r = shape_read(&docker_port_binding_shape, o, &b, a, e);
	if (r == 0)
		r = read_range(b.host_port, p, e);
	if (r < 0)
		return r;
	if (b.host_ip && *b.host_ip && !ip_parse(b.host_ip, &p->host))
		return err_set(e, EINVAL, ERR_INVALID, "invalid IP address %s", b.host_ip);
	return 0;
}

struct requests {
	struct arena *a;
	struct port_request *list;
	size_t count, room;
};

static struct port_request *push(struct requests *r)
{
	r->list = arena_grow(r->a, r->list, r->count, &r->room, sizeof(*r->list));
	return &r->list[r->count++];
}

static int read_bindings(const char *key, struct json_object *list, struct requests *to,
			 struct err *e)
{
	struct port_request p = {0};
	int r = read_port(key, &p.port, &p.protocol, e);
	size_t count =
		json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct port_request one = p;
		r = read_binding(json_object_array_get_idx(list, i), &one, to->a, e);
		if (r == 0 && to->count == REQUESTS_MAX)
			r = err_set(e, E2BIG, ERR_INVALID, "too many published ports");
		if (r == 0)
			*push(to) = one;
	}
	return r;
}

static bool is_requested(const struct requests *to, const struct port_request *p)
{
	for (size_t i = 0; i < to->count; i++)
		if (to->list[i].port == p->port && to->list[i].protocol == p->protocol)
			return true;
	return false;
}

int ports_read(const struct container_config *c, struct arena *a, struct port_request **ret,
	       size_t *ret_count, struct err *e)
{
	CLEANUP_JSON struct json_object *bindings = NULL;
	const char *text = c->host.port_bindings;
	struct requests to = {.a = a};
	int r = text ? json_parse(text, strlen(text), &bindings, e) : 0;
	if (r == 0 && bindings && !json_object_is_type(bindings, json_type_object))
		r = err_set(e, EINVAL, ERR_INVALID, "PortBindings: expected an object");
	if (r == 0 && bindings) {
		json_object_object_foreach(bindings, key, list)
		{
			r = read_bindings(key, list, &to, e);
			if (r < 0)
				break;
		}
	}
	for (size_t i = 0; r == 0 && c->host.publish_all_ports && i < c->config.exposed_ports.count;
	     i++) {
		struct port_request p = {0};
		r = read_port(c->config.exposed_ports.items[i], &p.port, &p.protocol, e);
		if (r == 0 && !is_requested(&to, &p))
			*push(&to) = p;
	}
	*ret = to.list;
	*ret_count = to.count;
	return r;
}

/* ---- taking them ---- */

/* A container that runs has it, for this family. To wish for the same twice is fine. */
#define TAKEN                                                                                      \
	"FROM port JOIN container ON container.id = port.container WHERE protocol = ?1 AND "       \
	"host_port = ?2 AND status = 'running' AND (host_ip = ?3 OR host_ip = '' OR ?3 = '') AND " \
	"(instr(address, ':') > 0) = ?5 AND (container.id <> ?4 OR host_ip <> ?3 OR port <> ?6)"

/* Does a program of the host have it? 0, or the error of bind(2). */
static int try_bind(const struct firewall_port *p, int family)
{
	struct sockaddr_storage at = {.ss_family = (sa_family_t)family};
	const bool six = family == AF_INET6;
	int type = SOCK_STREAM, one = 1;
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (protocols[i].number == p->protocol)
			type = protocols[i].type;
	CLEANUP_FD int fd = socket(family, type | SOCK_CLOEXEC, p->protocol);
	if (fd < 0)
		return 0;        /* a host without it cannot have it in use */
	if (type == SOCK_STREAM) /* connections that are over do not hold it */
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (six) {
		struct sockaddr_in6 *in = (void *)&at;
		in->sin6_port = htons(p->host_port);
		memcpy(&in->sin6_addr, p->host.bytes, p->host.family ? 16 : 0);
		setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	} else {
		struct sockaddr_in *in = (void *)&at;
		in->sin_port = htons(p->host_port);
		memcpy(&in->sin_addr, p->host.bytes, p->host.family ? 4 : 0);
	}
	return bind(fd, (void *)&at,
		    six ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in)) < 0
		       ? -errno
		       : 0;
}

static const char *host_text(const struct firewall_port *p, char buf[static IP_TEXT_SIZE])
{
	return p->host.family ? ip_print(&p->host, buf) : "";
}

/* docker's words. */
static int not_free(const struct container *c, const struct firewall_port *p, const char *by, int r,
		    struct err *e)
{
	char host[IP_TEXT_SIZE];
	const char *at = p->host.family ? ip_print(&p->host, host) : "0.0.0.0";
	err_set(e, r == 1 ? EADDRINUSE : -r, ERR_CONFLICT,
		"driver failed programming external connectivity on endpoint %s: Bind for %s:%u "
		"failed: %s",
		c->name, at, p->host_port,
		r == 1 || r == -EADDRINUSE ? "port is already allocated" : err_errno_text(-r));
	if (r == 1)
		err_hint(e, "container %s has it: hull port %s", by, by);
	else if (r == -EADDRINUSE)
		err_hint(e, "a program of this host has it: ss -lntup 'sport = %u'", p->host_port);
	else if (r == -EADDRNOTAVAIL)
		err_hint(e, "%s is no address of this host: ip address", at);
	return -e->number;
}

static int give_back(struct engine *en, const char *id, const struct firewall_port *p,
		     struct err *e)
{
	char text[IP_TEXT_SIZE], to[IP_TEXT_SIZE];
	return db_run(&en->db, e,
		      "DELETE FROM port WHERE protocol = ?1 AND host_port = ?2 AND host_ip = ?3 "
		      "AND container = ?4 AND address = ?5",
		      "iisss", (int64_t)p->protocol, (int64_t)p->host_port, host_text(p, text), id,
		      ip_print(&p->to, to));
}

/* 1: taken by a container, 0: it is ours now, negative errno: the host has it, or the store failed
 * (@e is filled then). */
static int take(struct engine *en, const struct container *c, const struct firewall_port *p,
		struct arena *a, char **ret_by, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	char text[IP_TEXT_SIZE], to[IP_TEXT_SIZE];
	const char *host = host_text(p, text);
	const int64_t protocol = p->protocol, number = p->host_port, port = p->port,
		      six = p->to.family == AF_INET6;
	int r = db_run(&en->db, e,
		       "INSERT OR REPLACE INTO port (protocol, host_port, host_ip, container, "
		       "port, address) SELECT ?1,?2,?3,?4,?6,?7 WHERE NOT EXISTS (SELECT "
		       "1 " TAKEN ")",
		       "iissiis", protocol, number, host, c->id, six, port, ip_print(&p->to, to));
	if (r == 0) {
		r = db_first(&en->db, &s, e, "SELECT container.name " TAKEN, "iissii", protocol,
			     number, host, c->id, six, port);
		if (r == 1)
			*ret_by = arena_strdup(a, db_text(s, 0));
		return r < 0 ? r : 1;
	}
	int bound = r < 0 ? r : try_bind(p, p->to.family);
	if (r >= 0 && bound < 0)
		r = give_back(en, c->id, p, e);
	return r < 0 ? r : bound;
}

/* The first of the range that is free; of any, beginning where others seldom are. */
static int choose(struct engine *en, const struct container *c, const struct port_request *q,
		  struct firewall_port *p, struct arena *a, struct err *e)
{
	bool any = !q->from;
	unsigned first = any ? EPHEMERAL_FIRST : q->from, last = any ? EPHEMERAL_LAST : q->until;
	unsigned count = last - first + 1, begin = any ? (unsigned)c->created / 1000 % count : 0;
	char *by = NULL;
	int r = -EADDRINUSE;
	for (unsigned i = 0; r != 0 && i < count; i++) {
		p->host_port = (uint16_t)(first + (begin + i) % count);
		r = take(en, c, p, a, &by, e);
		if (r < 0 && r != -EADDRINUSE)
			break;
	}
	return r ? not_free(c, p, by, r, e) : 0;
}

/* On which address a port is published that names none: the network's, or hull.conf's. Family 0:
 * on each. */
static struct ip default_host(const struct container *c, const struct endpoint *to)
{
	static const uint8_t any[16] = {0};
	const char *text = kvs_get(&to->network.config.options, NETWORK_HOST_BINDING);
	struct ip ip = {0};
	if (!text)
		text = c->config.hull.publish_on;
	if (!text || !ip_parse(text, &ip) || !memcmp(ip.bytes, any, ip_size(&ip)))
		ip = (struct ip){0};
	return ip;
}

/* A port is published for each address of the container that the wish fits. */
static int take_one(struct engine *en, const struct container *c, struct port_request *q,
		    struct container_net *net, const struct endpoint *to, struct arena *a,
		    struct err *e)
{
	if (!q->host.family)
		q->host = default_host(c, to);
	struct port_request wish = *q;
	bool any4 = q->host.family == AF_INET && !memcmp(q->host.bytes, (uint8_t[4]){0}, 4);
	bool any6 = q->host.family == AF_INET6 && !memcmp(q->host.bytes, (uint8_t[16]){0}, 16);
	bool done = false;
	for (size_t i = 0; i < to->address_count; i++) {
		const struct ip *address = &to->addresses[i];
		struct firewall_port *p = &net->ports[net->port_count];
		if (q->host.family && q->host.family != address->family)
			continue;
		*p = (struct firewall_port){
			.to = *address, .protocol = q->protocol, .port = q->port};
		if (!any4 && !any6)
			p->host = q->host;
		int r = choose(en, c, &wish, p, a, e);
		if (r < 0)
			return r;
		/* The same for the other family. */
		wish.from = wish.until = p->host_port;
		net->port_count++;
		done = true;
	}
	if (done)
		return 0;
	const bool six = q->host.family == AF_INET6;
	char host[IP_TEXT_SIZE];
	err_set(e, EINVAL, ERR_INVALID,
		"port %u/%s cannot be published on %s: the container has no IPv%c address", q->port,
		protocol_name(q->protocol), ip_print(&q->host, host), six ? '6' : '4');
	return err_hint(
		e, six ? "packets are led to it as they are, by no proxy: use a network with "
			 "IPv6 (hull network create --ipv6 NAME), or publish on an IPv4 address"
		       : "publish on an IPv6 address, or use a network with IPv4");
}

const struct endpoint *ports_place(const struct container_net *net)
{
	for (size_t i = 0; i < net->count; i++) {
		const struct endpoint *p = &net->endpoints[i];
		if (!p->network.config.internal && p->network.bridge[0] && p->address_count)
			return p;
	}
	return NULL;
}

static void warn_of_loopback6(struct engine *en, const struct firewall_port *ports, size_t count)
{
	static const struct ip loopback = {.family = AF_INET6, .bytes = {[15] = 1}};
	for (size_t i = 0; i < count; i++)
		if (ports[i].host.family && ip_compare(&ports[i].host, &loopback) == 0 &&
		    !bridge_answers_loopback6()) {
			engine_warn(en,
				    "[::1]:%u is not reached: bridged frames pass this host's "
				    "firewall (br_netfilter), and the kernel drops answers to ::1 "
				    "then; publish on 127.0.0.1, or: sysctl "
				    "net.bridge.bridge-nf-call-ip6tables=0 and hull network reload",
				    ports[i].host_port);
			return;
		}
}

int ports_reserve(struct engine *en, const struct container *c, struct arena *a,
		  struct container_net *net, struct err *e)
{
	int r = ports_reserve_at(en, c, a, net, ports_place(net), e);
	if (r == 0)
		warn_of_loopback6(en, net->ports, net->port_count);
	return r;
}

int ports_reserve_at(struct engine *en, const struct container *c, struct arena *a,
		     struct container_net *net, const struct endpoint *to, struct err *e)
{
	struct port_request *list;
	size_t count;
	int r = ports_read(&c->config, a, &list, &count, e);
	if (r == 0)
		r = db_run(&en->db, e, "DELETE FROM port WHERE container = ?1", "s", c->id);
	if (r < 0 || count == 0)
		return r < 0 ? r : 0;
	net->ports = arena_array(a, 2 * count, sizeof(*net->ports));
	if (!to) {
		engine_warn(
			en,
			"Published ports are discarded: %s is on no network that goes through this "
			"host's firewall (internal, macvlan and ipvlan ones do not)",
			c->name);
		return 0;
	}
	r = 0;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = take_one(en, c, &list[i], net, to, a, e);
	return r;
}

int ports_keep_bound(struct engine *en, const char *id, const struct container_net *net,
		     struct err *e)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < net->port_count; i++) {
		const struct firewall_port *p = &net->ports[i];
		if (!p->host.family && try_bind(p, p->to.family) == 0)
			r = give_back(en, id, p, e);
	}
	return r < 0 ? r : 0;
}

int ports_drop(struct engine *en, struct network_kernel *k, const char *id, const struct network *n,
	       struct arena *a, struct err *e)
{
	struct firewall_port *list;
	size_t count, gone = 0;
	int r = ports_load(en, id, a, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		char to[IP_TEXT_SIZE];
		bool there = false;
		for (size_t s = 0; s < n->subnet_count; s++)
			there |= subnet_has(&n->subnets[s].subnet, &list[i].to);
		if (!there)
			continue;
		list[gone++] = list[i];
		r = db_run(&en->db, e, "DELETE FROM port WHERE container = ?1 AND address = ?2",
			   "ss", id, ip_print(&list[i].to, to));
		r = r < 0 ? r : 0;
	}
	return r == 0 && gone ? firewall_unpublish(&k->nft, k->table, list, gone, e) : r;
}

#define PORT_COLUMNS "protocol, host_port, host_ip, port, address"
#define PORT_ORDER "port, protocol, host_ip, host_port"
static bool read_port_row(sqlite3_stmt *s, struct firewall_port *p)
{
	*p = (struct firewall_port){.protocol = (uint8_t)db_int(s, 0),
				    .host_port = (uint16_t)db_int(s, 1),
				    .port = (uint16_t)db_int(s, 3)};
	return (!*db_text(s, 2) || ip_parse(db_text(s, 2), &p->host)) &&
	       ip_parse(db_text(s, 4), &p->to);
}

struct port_list {
	struct firewall_port *items;
	size_t count, room;
};

static void add_port(struct port_list *l, const struct firewall_port *p, struct arena *a)
{
	l->items = arena_grow(a, l->items, l->count, &l->room, sizeof(*l->items));
	l->items[l->count++] = *p;
}

int ports_load(struct engine *en, const char *id, struct arena *a, struct firewall_port **ret,
	       size_t *ret_count, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	struct port_list list = {0};
	struct firewall_port p;
	int r = db_query(&en->db, &s, e,
			 "SELECT " PORT_COLUMNS
			 " FROM port JOIN container ON container.id = port.container WHERE (?1 IS "
			 "NULL OR container = ?1) AND status = 'running' ORDER BY " PORT_ORDER,
			 "s", id);
	while (r == 0 && (r = db_next(s, e)) == 1) {
		if (read_port_row(s, &p))
			add_port(&list, &p, a);
		r = 0;
	}
	*ret = list.items;
	*ret_count = list.count;
	return r;
}

int ports_fill(struct engine *en, struct container *list, size_t count, struct arena *a,
	       struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	struct container *c = NULL;
	struct port_list ports = {0};
	struct firewall_port p;
	int r = db_query(
		&en->db, &s, e,
		"SELECT " PORT_COLUMNS ", container FROM port ORDER BY container, " PORT_ORDER, "");
	while (r == 0 && (r = db_next(s, e)) == 1) {
		const char *id = db_text(s, 5);
		if (!c || strcmp(c->id, id) != 0) {
			c = NULL;
			ports = (struct port_list){0};
			for (size_t i = 0; !c && i < count; i++)
				if (!strcmp(list[i].id, id))
					c = &list[i];
		}
		if (c && read_port_row(s, &p)) {
			add_port(&ports, &p, a);
			c->ports = ports.items;
			c->port_count = ports.count;
		}
		r = 0;
	}
	return r;
}

/* Those that are not published. Of both there may be tens of thousands. */
static void put_exposed(struct strbuf *s, const struct firewall_port *list, size_t count,
			const struct strv *exposed)
{
	CLEANUP_ARENA struct arena a = {0};
	bool(*published)[PORT_MAX + 1] = arena_array(&a, ARRAY_LEN(protocols), sizeof(*published));
	for (size_t i = 0; i < count; i++)
		published[protocol_index(list[i].protocol)][list[i].port] = true;
	for (size_t i = 0; i < exposed->count; i++) {
		uint16_t port;
		uint8_t protocol;
		if (read_port(exposed->items[i], &port, &protocol, ERR_IGNORED) < 0 ||
		    !published[protocol_index(protocol)][port])
			strbuf_printf(s, "%s%s", s->len ? ", " : "", exposed->items[i]);
	}
}

char *ports_text(const struct firewall_port *list, size_t count, const struct strv *exposed,
		 struct arena *a)
{
	CLEANUP_STRBUF struct strbuf s = STRBUF_MAX(1 << 20);
	for (size_t i = 0; i < count; i++) {
		const struct firewall_port *p = &list[i];
		char host[IP_TEXT_SIZE];
		bool six = p->to.family == AF_INET6;
		const char *text = p->host.family ? ip_print(&p->host, host)
				   : six          ? "::"
						  : "0.0.0.0";
		/* Neighbours are shown as a range, as docker does. */
		size_t last = i;
		while (last + 1 < count && list[last + 1].protocol == p->protocol &&
		       list[last + 1].port == list[last].port + 1 &&
		       list[last + 1].host_port == list[last].host_port + 1 &&
		       list[last + 1].to.family == p->to.family &&
		       !memcmp(&list[last + 1].host, &p->host, sizeof(p->host)))
			last++;
		strbuf_printf(&s, "%s%s%s%s:%u", s.len ? ", " : "", six ? "[" : "", text,
			      six ? "]" : "", p->host_port);
		if (last > i)
			strbuf_printf(&s, "-%u", list[last].host_port);
		strbuf_printf(&s, "->%u", p->port);
		if (last > i)
			strbuf_printf(&s, "-%u", list[last].port);
		strbuf_printf(&s, "/%s", protocol_name(p->protocol));
		i = last;
	}
	if (exposed->count)
		put_exposed(&s, list, count, exposed);
	return arena_strdup(a, strbuf_text(&s));
}
