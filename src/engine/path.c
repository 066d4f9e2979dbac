/* SPDX-License-Identifier: Apache-2.0 */
/* The way is drawn from the routes first, and from what was seen where the firewall leads elsewhere
 * (published ports). Nothing is left behind: sockets, and a table that ends with one. */
#include "engine/path.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "engine/internal.h"
#include "linux/pidfd.h"

enum { AGAIN_MS = 400, LATER_MS = 20, SEEN_MAX = 64 };

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- the names of devices ---- */

struct name_of {
	int index;
	struct arena *a;
	const char *name;
};

static void match_name(void *ctx, const char *name, const struct link_info *link)
{
	struct name_of *n = ctx;
	if (link->index == n->index)
		n->name = arena_strdup(n->a, name);
}

static const char *device_name(struct path_look *l, bool inside, int index)
{
	struct name_of n = {.index = index, .a = l->a};
	link_list(inside ? &l->inside : &l->k.links, match_name, &n);
	return n.name ? n.name : arena_printf(l->a, "device %d", index);
}

static struct path_hop *add_hop(struct path_look *l, struct path *p, bool inside, int index,
				bool back, bool out)
{
	static struct path_hop none;
	if (p->count == PATH_HOPS_MAX)
		return &none;
	struct path_hop *h = &p->hops[p->count++];
	*h = (struct path_hop){.name = device_name(l, inside, index),
			       .inside = inside,
			       .back = back,
			       .out = out,
			       .index = index,
			       .seen = "",
			       .filter = ""};
	return h;
}

/* ---- what is told of it ---- */

static void filter_step(void *ctx, const struct trace_step *s)
{
	struct path_look *l = ctx;
	const char *table = arena_printf(l->a, "%s %s", s->family, s->table);
	if (!s->dropped && !strstr(l->passed[s->back], table))
		l->passed[s->back] = arena_printf(l->a, "%s%s%s", l->passed[s->back],
						  *l->passed[s->back] ? ", " : "passed ", table);
	if (!s->dropped || l->dropped)
		return;
	l->dropped = true;
	l->dropped_back = s->back;
	l->handle = s->handle;
	memcpy(l->table, s->table, sizeof(l->table));
	memcpy(l->chain, s->chain, sizeof(l->chain));
	memcpy(l->family, s->family, sizeof(l->family));
}

/* ---- what is seen ---- */

struct seen {
	struct sighting list[SEEN_MAX];
	bool inside[SEEN_MAX];
	size_t count;
	int64_t began, answered;
};

static void watch(struct path_look *l, const struct path *p, struct seen *s, int fd, bool inside)
{
	struct sighting x;
	while (probe_next(&p->probe, fd, &x)) {
		if (inside && !x.out && x.kind != PROBE_GOES && !s->answered) {
			s->answered = now_us();
			l->failed = x.kind == PROBE_ERROR;
			l->error = x;
			l->reset = x.reset;
		}
		if (x.kind == PROBE_ERROR && !l->failed) {
			l->failed = true;
			l->error = x;
		}
		if (s->count < SEEN_MAX) {
			s->inside[s->count] = inside;
			s->list[s->count++] = x;
		}
	}
}

static bool over(const struct path_look *l, const struct seen *s)
{
	return s->answered || l->send_error || l->failed || l->dropped;
}

static int send_and_watch(struct path_look *l, struct path *p, struct seen *s, struct err *e)
{
	CLEANUP_FD int inside = probe_watch(&p->probe, l->pidfd);
	CLEANUP_FD int host = inside < 0 ? inside : probe_watch(&p->probe, -1);
	if (host < 0)
		return err_errno(e, host, "cannot watch for packets");
	l->traced = trace_begin(&l->trace, &p->probe) == 0;
	s->began = now_us();
	bool again = false;
	for (int64_t now = 0; now < PATH_TIMEOUT_MS && !over(l, s);) {
		if (now == 0 || (now >= AGAIN_MS && !again)) {
			l->send_error = probe_send(&p->probe);
			again = now > 0;
		}
		struct pollfd fds[] = {{.fd = inside, .events = POLLIN},
				       {.fd = host, .events = POLLIN}};
		poll(fds, ARRAY_LEN(fds), AGAIN_MS / 20);
		watch(l, p, s, host, false);
		watch(l, p, s, inside, true);
		if (l->traced)
			trace_read(&l->trace, &p->probe, filter_step, l);
		now = (now_us() - s->began) / 1000 + 1;
	}
	/* The last device may tell of it before the first. */
	poll(NULL, 0, LATER_MS);
	watch(l, p, s, host, false);
	if (l->traced)
		trace_read(&l->trace, &p->probe, filter_step, l);
	return 0;
}

static const char *print_seen(const struct sighting *x, struct arena *a)
{
	char from[IP_TEXT_SIZE], to[IP_TEXT_SIZE];
	ip_print(&x->from, from);
	ip_print(&x->to, to);
	if (!x->from_port && !x->to_port)
		return arena_printf(a, "%s > %s", from, to);
	return arena_printf(a, x->from.family == AF_INET6 ? "[%s]:%u > [%s]:%u" : "%s:%u > %s:%u",
			    from, x->from_port, to, x->to_port);
}

static void count_hops(struct path_look *l, struct path *p, const struct seen *s)
{
	for (size_t h = 0; h < p->count; h++)
		for (size_t i = 0; i < s->count; i++) {
			struct path_hop *hop = &p->hops[h];
			const struct sighting *x = &s->list[i];
			if (s->inside[i] != hop->inside || x->index != hop->index ||
			    x->out != hop->out || (x->kind != PROBE_GOES) != hop->back)
				continue;
			hop->packets++;
			hop->seen = print_seen(x, l->a);
		}
}

/* ---- the way ---- */

/* Devices of the host by which it left: those that saw it go out, or where the route leads. */
static size_t find_exits(struct path_look *l, const struct path *p, const struct seen *s,
			 int exits[static PATH_HOPS_MAX])
{
	struct ip_route r;
	size_t count = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct sighting *x = &s->list[i];
		bool known =
			x->index == l->outer || x->kind != PROBE_GOES || !x->out || s->inside[i];
		for (size_t k = 0; !known && k < count; k++)
			known = exits[k] == x->index;
		if (!known && count < PATH_HOPS_MAX / 4)
			exits[count++] = x->index;
	}
	if (count || !l->bridge)
		return count;
	if (!l->outer) {
		exits[count++] = l->bridge;
	} else if (l->route.gateway.family &&
		   ip_route_find(&l->k.links, &p->probe.to, NULL, 0, &r) == 0 &&
		   r.type != RTN_LOCAL && r.out) {
		exits[count++] = r.out;
	}
	return count;
}

static void plan_way(struct path_look *l, struct path *p, const struct seen *s)
{
	int exits[PATH_HOPS_MAX];
	size_t count = find_exits(l, p, s, exits);
	bool routed = l->outer && (l->route.gateway.family || count == 0);
	add_hop(l, p, true, l->route.out, false, true);
	if (l->outer)
		add_hop(l, p, false, l->outer, false, false);
	if (routed)
		add_hop(l, p, false, l->bridge, false, false);
	for (size_t i = 0; i < count; i++)
		if (exits[i] != l->bridge || !l->outer)
			add_hop(l, p, false, exits[i], false, true);
	for (size_t i = count; i > 0; i--)
		if (exits[i - 1] != l->bridge || !l->outer)
			add_hop(l, p, false, exits[i - 1], true, false);
	if (routed)
		add_hop(l, p, false, l->bridge, true, true);
	if (l->outer)
		add_hop(l, p, false, l->outer, true, true);
	add_hop(l, p, true, l->route.out, true, false);
}

static void tell_filter(struct path_look *l, struct path *p)
{
	for (int back = 0; back < 2; back++) {
		struct path_hop *last = NULL;
		/* It is asked behind the last device of the host by which the packet came in. */
		for (size_t i = 0; i < p->count; i++)
			if (!p->hops[i].inside && p->hops[i].back == back && !p->hops[i].out)
				last = &p->hops[i];
		if (last)
			last->filter =
				l->dropped && l->dropped_back == back ? "DROPPED" : l->passed[back];
	}
}

/* ---- the whole ---- */

/* By which of its places does it leave? */
static int find_endpoint(struct path_look *l, struct err *e)
{
	for (size_t i = 0; i < l->net.count; i++) {
		const struct endpoint *p = &l->net.endpoints[i];
		struct link_info link;
		uint32_t mode;
		if (!p->network.bridge[0] && endpoint_index(p) == l->route.out) {
			l->endpoint = p;
			l->bridge = network_parent(&l->k, &p->network, &mode, e);
			return l->bridge < 0 ? l->bridge : 0;
		}
		char outer[IFNAMSIZ];
		endpoint_outer(l->c.id, p, outer);
		if (!p->network.bridge[0] || link_find(&l->k.links, outer, &link) < 0 ||
		    link.peer != l->route.out)
			continue;
		l->endpoint = p;
		l->outer = link.index;
		if (link_find(&l->k.links, p->network.bridge, &link) == 0)
			l->bridge = link.index;
	}
	return 0;
}

static int open_look(struct path_look *l, const char *container, struct err *e)
{
	int r = container_find(l->en, container, l->a, &l->c, e);
	if (r == 0 && !l->c.pid)
		r = err_set(e, EINVAL, ERR_CONFLICT, "container %s is not running", l->c.name);
	if (r == 0 && !network_mode_is_network(l->c.config.host.network_mode) &&
	    strcmp(l->c.config.host.network_mode, "none") != 0) {
		err_set(e, EINVAL, ERR_INVALID, "container %s has no network of its own (%s)",
			l->c.name, l->c.config.host.network_mode);
		err_hint(e, "ask for the container whose network it shares");
		r = -EINVAL;
	}
	if (r == 0)
		r = endpoints_read(l->en, &l->c, l->a, &l->net, e);
	if (r == 0)
		r = network_kernel_open(l->en, &l->k, e);
	if (r < 0)
		return r;
	l->pidfd = pidfd_of_started(l->c.pid, l->c.pid_start);
	r = l->pidfd < 0 ? l->pidfd : netlink_open(&l->inside, NETLINK_ROUTE, l->pidfd);
	return r < 0 ? err_errno(e, r, "container %s: cannot reach its network", l->c.name) : 0;
}

static void close_look(struct path_look *l)
{
	fd_drop(&l->pidfd);
	netlink_close(&l->inside);
	netlink_close(&l->trace);
	network_kernel_close(&l->k);
}

static int walk(struct path_look *l, const char *to, struct path *p, struct err *e)
{
	struct seen s = {0};
	if (!ip_parse(to, &p->probe.to) && !path_resolve(l, to, &p->probe.to, p)) {
		p->died = "DNS";
		return 0;
	}
	char text[IP_TEXT_SIZE];
	p->address = arena_strdup(l->a, ip_print(&p->probe.to, text));
	int r = ip_route_find(&l->inside, &p->probe.to, NULL, 0, &l->route);
	if (r < 0) {
		l->send_error = r;
		path_explain(l, p);
		return 0;
	}
	if (getrandom(&p->probe.mark, sizeof(p->probe.mark), 0) < 0)
		return err_errno(e, errno, "no random number");
	r = find_endpoint(l, e);
	if (r == 0 && (l->send_error = probe_open(&p->probe, l->pidfd)) == 0)
		r = send_and_watch(l, p, &s, e);
	if (r < 0)
		return r;
	plan_way(l, p, &s);
	count_hops(l, p, &s);
	tell_filter(l, p);
	if (s.answered)
		p->ms = (double)(s.answered - s.began) / 1e3;
	if (s.answered && !l->failed)
		p->answer = !p->probe.port ? "echo reply" : l->reset ? "RST" : "SYN-ACK";
	path_explain(l, p);
	return 0;
}

int network_path(struct engine *en, const char *container, const char *to, uint16_t port,
		 uint16_t size, struct arena *a, struct path *ret, struct err *e)
{
	struct path_look *l = arena_new(a, struct path_look);
	*l = (struct path_look){.en = en,
				.a = a,
				.k = NETWORK_KERNEL_CLOSED,
				.inside = NETLINK_CLOSED,
				.trace = NETLINK_CLOSED,
				.passed = {"", ""},
				.pidfd = -1};
	*ret = (struct path){.address = to,
			     .probe = {.port = port, .size = size, .sockets = {-1, -1}}};
	int r = open_look(l, container, e);
	ret->container = l->c.name;
	if (r == 0)
		r = walk(l, to, ret, e);
	probe_close(&ret->probe);
	close_look(l);
	return r;
}
