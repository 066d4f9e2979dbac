/* SPDX-License-Identifier: Apache-2.0 */
/* hull network connect, create, disconnect, ls, reload, rm, update. Read listing.h first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/resource_option.h"
#include "cli/text.h"
#include "engine/filters.h"
#include "engine/network.h"

/* ---- create ---- */

struct create_values {
	struct docker_network network;
	struct strv subnets, gateways, ranges, labels;
	struct kvs auxiliary;
	struct opt_bool ipv4;
};

/* Gateway, range and reserved addresses go to the subnet that they lie in. */
static struct docker_ipam_config *owner(struct docker_network *n, const char *address)
{
	struct docker_ipam_config *list = n->ipam.config.items;
	struct subnet s, range;
	struct ip ip;
	for (size_t i = 0; i < n->ipam.config.count; i++)
		if (subnet_parse(list[i].subnet, &s) &&
		    ((ip_parse(address, &ip) && subnet_has(&s, &ip)) ||
		     (subnet_parse(address, &range) && subnet_has(&s, &range.ip))))
			return &list[i];
	return NULL;
}

static int no_owner(const char *what, const char *value, struct err *e)
{
	return err_set(e, EINVAL, ERR_INVALID, "no matching subnet for %s %s", what, value);
}

static int build_ipam(struct create_values *v, struct arena *a, struct err *e)
{
	struct docker_network *n = &v->network;
	struct docker_ipam_config *c;
	for (size_t i = 0; i < v->subnets.count; i++) {
		c = array_push(a, &n->ipam.config, sizeof(*c));
		c->subnet = v->subnets.items[i];
		struct subnet s;
		if (!subnet_parse(c->subnet, &s))
			return err_set(e, EINVAL, ERR_INVALID, "invalid subnet %s", c->subnet);
	}
	for (size_t i = 0; i < v->ranges.count; i++) {
		if (!(c = owner(n, v->ranges.items[i])))
			return no_owner("range", v->ranges.items[i], e);
		c->ip_range = v->ranges.items[i];
	}
	for (size_t i = 0; i < v->gateways.count; i++) {
		if (!(c = owner(n, v->gateways.items[i])))
			return no_owner("gateway", v->gateways.items[i], e);
		c->gateway = v->gateways.items[i];
	}
	for (size_t i = 0; i < v->auxiliary.count; i++) {
		const struct kv *aux = &v->auxiliary.items[i];
		if (!(c = owner(n, aux->value)))
			return no_owner("aux-address", aux->value, e);
		kvs_set(a, &c->auxiliary, aux->key, aux->value);
	}
	return 0;
}

static int create_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct create_values *v = values;
	struct docker_network *n = &v->network;
	char id[ID_LEN + 1];
	n->enable_ipv4 = !v->ipv4.set || v->ipv4.value;
	if (strcmp(n->ipam.driver, "default"))
		return err_set(e, ENOTSUP, ERR_INVALID, "ipam driver %s: hull has the default one",
			       n->ipam.driver);
	for (size_t i = 0; i < v->labels.count; i++)
		kvs_set_pair(&cli->arena, &n->labels, v->labels.items[i]);
	int r = build_ipam(v, &cli->arena, e);
	if (r == 0)
		r = network_create(&cli->engine, args->items[0], n, &cli->arena, id, e);
	if (r == 0)
		puts(id);
	return r;
}

/* ---- ls ---- */

struct ls_values {
	bool quiet, no_trunc;
	char *format;
	struct strv filters;
};

static const char *get_id(const void *row, const struct listing_view *view)
{
	const struct network *n = row;
	return view->no_trunc ? n->id : arena_strndup(view->arena, n->id, ID_SHORT_LEN);
}

static const char *get_driver(const void *row, const struct listing_view *view)
{
	return ((const struct network *)row)->config.driver;
}

static const char *get_scope(const void *row, const struct listing_view *view)
{
	return "local";
}

static const char *truth(bool b)
{
	return b ? "true" : "false";
}

static const char *get_ipv4(const void *row, const struct listing_view *view)
{
	return truth(((const struct network *)row)->config.enable_ipv4);
}

static const char *get_ipv6(const void *row, const struct listing_view *view)
{
	return truth(((const struct network *)row)->config.enable_ipv6);
}

static const char *get_internal(const void *row, const struct listing_view *view)
{
	return truth(((const struct network *)row)->config.internal);
}

static const char *get_labels(const void *row, const struct listing_view *view)
{
	return text_labels(view->arena, &((const struct network *)row)->config.labels);
}

static const char *get_created(const void *row, const struct listing_view *view)
{
	return text_time(view->arena, ((const struct network *)row)->created);
}

static const struct listing_column columns[] = {
	{"CreatedAt", "CREATED AT", get_created},
	{"Driver", "DRIVER", get_driver},
	{"ID", "NETWORK ID", get_id},
	{"IPv4", "IPV4", get_ipv4},
	{"IPv6", "IPV6", get_ipv6},
	{"Internal", "INTERNAL", get_internal},
	{"Labels", "LABELS", get_labels},
	{"Name", "NAME", LISTING_MEMBER(struct network, name)},
	{"Scope", "SCOPE", get_scope},
};

static const struct kvs *row_labels(const void *item)
{
	return &((const struct network *)item)->config.labels;
}

static const struct listing listing = {"*network.networkContext", columns, ARRAY_LEN(columns),
				       row_labels};

static int ls_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct ls_values *v = values;
	struct listing_out out CLEANUP_LISTING = {0};
	struct network *list;
	size_t count;
	int r = network_list(&cli->engine, &cli->arena, &list, &count, e);
	if (r == 0)
		r = listing_open(
			&out, &listing, listing_quiet(v->quiet, "{{.ID}}", v->format),
			"{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
			&(struct listing_view){.arena = &cli->arena, .no_trunc = v->no_trunc}, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = filters_all_match(&v->filters, network_filter_matches,
				      &(struct network_candidate){&cli->engine, &list[i]}, e);
		if (r > 0)
			r = listing_row(&out, &list[i], e);
	}
	return r < 0 ? r : listing_print(&out, stdout, e);
}

/* ---- connect, disconnect, rm, reload ---- */

struct connect_values {
	struct docker_endpoint endpoint;
	struct docker_endpoint_ipam ipam;
	bool force;
};

static int connect_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct connect_values *v = values;
	v->endpoint.ipam = &v->ipam;
	return network_connect(&cli->engine, args->items[0], args->items[1], &v->endpoint, e);
}

static int update_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct connect_values *v = values;
	if (!v->endpoint.driver_options.count)
		return err_set(e, EINVAL, ERR_INVALID,
			       "you must provide one or more --driver-opt when using this command");
	return network_update(&cli->engine, args->items[0], args->items[1],
			      &v->endpoint.driver_options, e);
}

static int disconnect_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct connect_values *v = values;
	return network_disconnect(&cli->engine, args->items[0], args->items[1], v->force, e);
}

struct rm_values {
	bool force;
};

static int rm_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct rm_values *v = values;
	int r = network_remove(&cli->engine, name, e);
	return r == -ENOENT && v->force ? 1 : r;
}

static int reload_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return network_reload(&cli->engine, e);
}

#define O(member) .offset = offsetof(struct create_values, member)
static const struct option create_options[] = {
	{"attachable", 0, OPTION_BOOL, O(network.attachable),
	 .help = "Taken for docker's sake: containers can always be attached by hand"},
	{"aux-address", 0, OPTION_MAP, O(auxiliary),
	 .help = "Addresses that no container gets (NAME=ADDRESS)"},
	{"config-from", 0, OPTION_STR, O(network.config_from.network), .arg = "network",
	 .help = "The network from which to copy the configuration"},
	{"config-only", 0, OPTION_BOOL, O(network.config_only),
	 .help = "Create a configuration only network"},
	{"driver", 'd', OPTION_STR, O(network.driver), .initial = "bridge",
	 .help = "Driver to manage the Network"},
	{"gateway", 0, OPTION_LIST, O(gateways),
	 .help = "IPv4 or IPv6 Gateway for the master subnet"},
	{"internal", 0, OPTION_BOOL, O(network.internal),
	 .help = "Restrict external access to the network"},
	{"ip-range", 0, OPTION_LIST, O(ranges), .help = "Allocate container ip from a sub-range"},
	{"ipam-driver", 0, OPTION_STR, O(network.ipam.driver), .initial = "default",
	 .help = "IP Address Management Driver"},
	{"ipam-opt", 0, OPTION_MAP, O(network.ipam.options),
	 .help = "IPAM driver specific options: the default driver has none, inspect shows them"},
	{"ipv4", 0, OPTION_TRI, O(ipv4), .help = "Enable or disable IPv4 address assignment"},
	{"ipv6", 0, OPTION_BOOL, O(network.enable_ipv6),
	 .help = "Enable or disable IPv6 address assignment"},
	{"label", 0, OPTION_CUSTOM, O(labels), .arg = "list", .set = option_set_label,
	 .help = "Set metadata on a network"},
	{"opt", 'o', OPTION_MAP, O(network.options), .help = "Set driver specific options"},
	{"scope", 0, OPTION_STR, O(network.scope), .help = "Control the network's scope (local)"},
	{"subnet", 0, OPTION_LIST, O(subnets),
	 .help = "Subnet in CIDR format that represents a network segment"},
};
#undef O
#define O(member) .offset = offsetof(struct ls_values, member)
static const struct option ls_options[] = {
	{"filter", 'f', OPTION_LIST, O(filters), .arg = "filter",
	 .help = "Provide filter values (dangling driver id label name scope type)"},
	{"format", 0, OPTION_STR, O(format), .help = LISTING_FORMAT_HELP},
	{"no-trunc", 0, OPTION_BOOL, O(no_trunc), .help = "Do not truncate the output"},
	{"quiet", 'q', OPTION_BOOL, O(quiet), .help = "Only display network IDs"},
};
#undef O
#define O(member) .offset = offsetof(struct connect_values, member)
static const struct option connect_options[] = {
	{"alias", 0, OPTION_LIST, O(endpoint.aliases),
	 .help = "Add network-scoped alias for the container"},
	{"driver-opt", 0, OPTION_MAP, O(endpoint.driver_options),
	 .help = "rate-in or rate-out: bits a second, as 10m or 1.5gbit"},
	{"gw-priority", 0, OPTION_INT, O(endpoint.gw_priority),
	 .help = "Highest gw-priority provides the default gateway. Accepts positive and negative "
		 "values"},
	{"ip", 0, OPTION_STR, O(ipam.ipv4), .help = "IPv4 address (e.g., \"172.30.100.104\")"},
	{"ip6", 0, OPTION_STR, O(ipam.ipv6), .help = "IPv6 address (e.g., \"2001:db8::33\")"},
	{"link", 0, OPTION_LIST, O(endpoint.links),
	 .help = "Add link to another container (NAME[:ALIAS])"},
	{"link-local-ip", 0, OPTION_LIST, O(ipam.link_local),
	 .help = "Add a link-local address for the container"},
	{"mac-address", 0, OPTION_STR, O(endpoint.mac_address),
	 .help = "MAC address of the device"},
};
static const struct option update_options[] = {
	{"driver-opt", 0, OPTION_MAP, O(endpoint.driver_options),
	 .help = "rate-in or rate-out: bits a second, as 10m or 1.5gbit; empty: the network's"},
};
static const struct option disconnect_options[] = {
	{"force", 'f', OPTION_BOOL, O(force),
	 .help = "Force the container to disconnect from a network"},
};
#undef O
static const struct option rm_options[] = {
	{"force", 'f', OPTION_BOOL, .offset = offsetof(struct rm_values, force),
	 .help = "Do not error if the network does not exist"},
};

const struct command command_network_connect = {
	.names = NAMES("network connect"),
	.synopsis = "[OPTIONS] NETWORK CONTAINER",
	.summary = "Connect a container to a network",
	.text = "A container that runs gets its device at once, the next free eth of it.",
	.options = OPTIONS_FOR(struct connect_values, connect_options),
	.args = {2, 2},
	.complete = COMPLETE_NETWORKS | COMPLETE_CONTAINERS,
	.run = connect_run,
};

const struct command command_network_create = {
	.names = NAMES("network create"),
	.synopsis = "[OPTIONS] NETWORK",
	.summary = "Create a network",
	.text = "A network is a bridge of this host. Its containers reach each other, and the "
		"world "
		"by the host's address; from outside only published ports are reached, and other "
		"networks not at all. Without --subnet it gets 254 addresses that collide neither "
		"with another network nor with a route of this host.\n\n"
		"Options of the driver: com.docker.network.bridge.name, "
		"com.docker.network.driver.mtu, com.docker.network.bridge.enable_ip_masquerade, "
		"com.docker.network.bridge.enable_icc (false: its containers do not reach each "
		"other), com.docker.network.bridge.host_binding_ipv4 (where ports are published "
		"that name no address); and "
		"rps=auto or a mask of processors, which take turns by flow in receiving (packets "
		"of "
		"one flow stay in their order); rate-in and rate-out, how many bits a second each "
		"container receives and sends at most (10m, 1.5gbit), if it has no driver-opt of "
		"its own.\n\n"
		"With -d macvlan or ipvlan containers are on the network of a device of this host, "
		"-o parent=eth0, with addresses of --subnet, by -o macvlan_mode (bridge, private, "
		"vepa, passthru) or -o ipvlan_mode (l2, l3, l3s). That is the least latency; but "
		"packets go past this host's firewall, so -p has no effect, and the host itself "
		"and "
		"these containers do not reach each other: the kernel keeps a parent and its "
		"children "
		"apart.",
	.options = OPTIONS_FOR(struct create_values, create_options),
	.args = {1, 1},
	.run = create_run,
};

const struct command command_network_disconnect = {
	.names = NAMES("network disconnect"),
	.synopsis = "[OPTIONS] NETWORK CONTAINER",
	.summary = "Disconnect a container from a network",
	.text = "Another network of the container then has its default route and its published "
		"ports.",
	.options = OPTIONS_FOR(struct connect_values, disconnect_options),
	.args = {2, 2},
	.complete = COMPLETE_NETWORKS | COMPLETE_CONTAINERS,
	.run = disconnect_run,
};

const struct command command_network_ls = {
	.names = NAMES("network ls", "network list"),
	.synopsis = "[OPTIONS]",
	.summary = "List networks",
	.text = "The fields of a format: .CreatedAt .Driver .ID .IPv4 .IPv6 .Internal .Labels "
		".Label \"key\" .Name .Scope",
	.options = OPTIONS_FOR(struct ls_values, ls_options),
	.run = ls_run,
};

const struct command command_network_reload = {
	.names = NAMES("network reload"),
	.synopsis = "",
	.summary = "Make bridges and firewall rules anew",
	.text = "For when another program has flushed the firewall or removed a bridge; the next "
		"container that starts does the same. Containers that lost their device get it "
		"back.",
	.run = reload_run,
};

const struct command command_network_rm = {
	.names = NAMES("network rm", "network remove"),
	.synopsis = "[OPTIONS] NETWORK [NETWORK...]",
	.summary = "Remove one or more networks",
	.text = "A network that a container which runs is on is not removed. One that does not run "
		"keeps its place: it starts again once there is a network of that name.",
	.options = OPTIONS_FOR(struct rm_values, rm_options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_NETWORKS,
	.each = rm_one,
};

const struct command command_network_update = {
	.names = NAMES("network update"),
	.synopsis = "[OPTIONS] NETWORK CONTAINER",
	.summary = "Change the rates of a container on a network",
	.text = "What a container receives and sends at most, if it runs at once, and from its "
		"next "
		"start on; what is not given stays. An empty value (--driver-opt rate-in=) takes "
		"the container's own limit away: that of the network holds then, if it has one.",
	.options = OPTIONS_FOR(struct connect_values, update_options),
	.args = {2, 2},
	.complete = COMPLETE_NETWORKS | COMPLETE_CONTAINERS,
	.run = update_run,
};
