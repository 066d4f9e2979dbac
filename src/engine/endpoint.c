/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places of containers on networks: made in the kernel when its first process is there, and
 * changed while it runs. See endpoint_plan.c for what is asked, endpoint_address.c for addresses.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/endpoint.h"
#include "engine/internal.h"
#include "engine/remove_behind.h"
#include "engine/spec.h"
#include "linux/namespaces.h"
#include "linux/pidfd.h"
#include "linux/rps.h"
#include "network/network.h"

/* Above what the kernel gives by itself in a namespace that is new. */
enum { CHILD_INDEX = 1000 };

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
		r = endpoint_plan_one(en, config, &p, &a, e);
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
		r = endpoint_insert(en, c.id, &p, db_int(s, 0), &a, e);
	if (r == 0)
		r = endpoints_load(en, c.id, &a, &net, e);
	bool runs = c.status == CONTAINER_RUNNING || c.status == CONTAINER_PAUSED;
	struct endpoint *new = r == 0 && runs &&net.count ? &net.endpoints[net.count - 1] : NULL;
	if (new)
		r = endpoint_give(en, &c, new, e);
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
	r = endpoint_check(n, &p->config, e);
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
