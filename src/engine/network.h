/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks: rows of the store, and what they are to the kernel (network/network.h). The three that
 * are always there, "bridge", "host" and "none", come with the first look at them.
 *
 * An address, and a published port, is taken by a row, in a transaction, as long as its container
 * runs. So a crash frees nothing too early and keeps nothing too long.
 */
#pragma once

#include <net/if.h>

#include "engine/engine.h"
#include "linux/link.h"
#include "network/firewall.h"
#include "spec/docker_network.h"

struct network {
	char id[ID_LEN + 1];
	char *name;
	int64_t created;
	struct docker_network config;
	/* of a bridge: */
	char bridge[IFNAMSIZ];
	struct network_subnet {
		struct subnet subnet, range; /* addresses are given from the range */
		struct ip gateway;
		struct kvs reserved;
	} subnets[2];
	size_t subnet_count;
};

/** docker's driver options: where ports of its containers are published that name no address; do
 * its containers reach each other; has what leaves the host's address. */
#define NETWORK_HOST_BINDING "com.docker.network.bridge.host_binding_ipv4"
#define NETWORK_ICC "com.docker.network.bridge.enable_icc"
#define NETWORK_MASQUERADE "com.docker.network.bridge.enable_ip_masquerade"

/** By name, id or unique prefix of an id. */
int network_find(struct engine *en, const char *ref, struct arena *a, struct network *ret,
		 struct err *e);
/** By name. */
int network_list(struct engine *en, struct arena *a, struct network **ret, size_t *ret_count,
		 struct err *e);
/** @config is completed: subnets, gateways. */
int network_create(struct engine *en, const char *name, struct docker_network *config,
		   struct arena *a, char ret_id[ID_LEN + 1], struct err *e);
/** -EBUSY: a container that runs is on it. */
int network_remove(struct engine *en, const char *ref, struct err *e);
/** docker's object. @verbose: with the containers on it. */
int network_inspect(struct engine *en, const char *ref, struct json_object **ret, struct err *e);
/** What options of a network, or of a place on it, say of rates: rate-in, rate-out (linux/qdisc.h);
 * a member that they do not name is left. */
int network_rates(const struct kvs *options, const char *driver, uint64_t *ret_in,
		  uint64_t *ret_out, struct err *e);
/** One of the three: "bridge", "host", "none". */
bool network_is_builtin(const char *name);
/** How many containers are on it, running or not. */
int network_uses(struct engine *en, const struct network *n, int64_t *ret, struct err *e);
/** Put a container on it, or take it off; at once if it runs. */
int network_connect(struct engine *en, const char *network, const char *container,
		    struct docker_endpoint *config, struct err *e);
int network_disconnect(struct engine *en, const char *network, const char *container, bool force,
		       struct err *e);
/** Take a link away, "CONTAINER/ALIAS", at once. -ENOENT: it has none of that name. */
int network_unlink(struct engine *en, const char *link, struct err *e);
/** Change driver options of a container's place, its rates; at once if it runs. An empty value:
 * what the network says. */
int network_update(struct engine *en, const char *network, const char *container,
		   const struct kvs *options, struct err *e);
/** Make bridges and firewall anew, as the store says: after somebody else took them away. */
int network_reload(struct engine *en, struct err *e);

/** Make the firewall again if it is there in part, or no more, and a container needs it. 1: it was
 * so. */
int network_mend(struct engine *en, struct err *e);
/** 1 if a container that runs is on a network. */
int networks_in_use(struct engine *en, struct err *e);
/** What the names of its tables begin with. */
#define NETWORK_TABLE_PREFIX "hull"

/* ---- for the engine itself ---- */

/** The sockets, and the name of the firewall's table. */
struct network_kernel {
	struct netlink links, nft;
	char table[24];
	uint32_t mark; /* the group of a bridge of ours that has no alias yet */
};
#define NETWORK_KERNEL_CLOSED                                                                      \
	{                                                                                          \
		.links = NETLINK_CLOSED, .nft = NETLINK_CLOSED                                     \
	}
int network_kernel_open(struct engine *en, struct network_kernel *k, struct err *e);
void network_kernel_close(struct network_kernel *k);
#define CLEANUP_NETWORK_KERNEL __attribute__((cleanup(network_kernel_close)))
/** The bridge, there and up; its index. With @anew what it has is looked at, too. */
int network_ensure(struct engine *en, struct network_kernel *k, const struct network *n, bool anew,
		   struct err *e);
/** Make the firewall if it is not whole; with @anew in any case. Inside a transaction. */
int network_firewall(struct engine *en, struct network_kernel *k, bool anew, struct err *e);
/** "hull:TABLE:NAME": whose the bridge is. */
const char *network_alias(const struct network_kernel *k, const struct network *n, struct arena *a);
/** Of its devices; 0: the kernel's. */
uint32_t network_mtu(const struct network *n);
/** May its containers reach each other? */
bool network_is_open(const struct network *n);
/** Can containers be on it? Not on "host" and "none". */
bool network_has_places(const struct network *n);
/** The index of the device that a macvlan or ipvlan network lies on, and its mode. */
int network_parent(struct network_kernel *k, const struct network *n, uint32_t *ret_mode,
		   struct err *e);
/** Do its containers find each other by name? */
bool network_has_names(const struct network *n);
/** Write the names of the networks that @container is on, and of those near; in the transaction
 * that changes them. */
int network_names_write(struct engine *en, const char *container, struct err *e);
/** The same of all networks, for what a killed change has written that its rows have not. */
int network_names_mend(struct engine *en, struct err *e);
/** See to it that somebody answers for them. The bridge is there. */
int network_names_serve(struct engine *en, struct network_kernel *k, const struct network *n,
			struct err *e);
/** Port 53 of its gateway, as the firewall leads it to hull-dns; how many, 0 or 2. */
size_t network_names_ports(struct engine *en, const struct network *n, struct firewall_port ret[2]);
/** Remove its folder below --runroot. */
void network_names_drop(struct engine *en, const struct network *n);
/** A row of SELECT NETWORK_COLUMNS ..., from @column on. */
#define NETWORK_COLUMNS "network.id, network.name, network.created, network.config"
int network_row(struct engine *en, sqlite3_stmt *s, int column, struct arena *a,
		struct network *ret, struct err *e);

/** May this caller make networks? 0, or -EPERM with the way out. */
int network_allowed(struct err *e);
/** Has a container with this mode places on networks? Not "none", "host", "container:...", or a
 * user's (user_network.h).
 */
bool network_mode_is_network(const char *mode);

/** What a container that starts has got. */
struct endpoint {
	struct network network;
	struct docker_endpoint config;
	int64_t position;
	struct ip addresses[2]; /* one of each family at most, in the order of the subnets */
	size_t address_count;
	int64_t had[2]; /* distances from the beginning of each subnet, of the last run; 0: none */
	uint8_t mac[MAC_SIZE];
	const char *text; /* of config, as JSON; NULL: not asked for */
};
struct container_net {
	struct endpoint *endpoints;
	size_t count;
	struct firewall_port *ports;
	size_t port_count;
	const char *missing; /* the name of a network of its that is gone */
};
/** Make the devices again that containers which run should have, or (not @repair) tell of them. */
int endpoints_mend(struct engine *en, bool repair, struct arena *a, struct strv *lost,
		   struct err *e);
/** The name of its device on the host (of a bridge); its index inside (of a macvlan). */
void endpoint_outer(const char *container, const struct endpoint *p, char ret[static IFNAMSIZ]);
int endpoint_index(const struct endpoint *p);
/** docker's id of a place. */
const char *endpoint_id(const char *container, const struct network *n,
			char ret[static ID_LEN + 1]);
/** Resolve and check what @c asks for (its mode, @more networks): rows to come. In `create`. */
struct endpoint_plan {
	struct network network;
	struct docker_endpoint config;
};
int endpoints_plan(struct engine *en, struct container_create *c, struct arena *a,
		   struct endpoint_plan **ret, size_t *ret_count, struct err *e);
/** Insert them; in the transaction of the container's row. */
int endpoints_insert(struct engine *en, const char *container, const struct endpoint_plan *list,
		     size_t count, struct arena *a, struct err *e);
/** Read what a running container has. */
int endpoints_read(struct engine *en, const struct container *c, struct arena *a,
		   struct container_net *ret, struct err *e);
/** Fill `net` of containers, but for its ports. */
int endpoints_fill(struct engine *en, struct container *list, size_t count, struct arena *a,
		   struct err *e);
/** Give a container that is to start its addresses and ports. */
int container_net_reserve(struct engine *en, const struct container *c, struct arena *a,
			  struct container_net *ret, struct err *e);
/** Make its devices, in the network namespace of its first process, and publish its ports. */
int container_net_attach(struct engine *en, const struct container *c,
			 const struct container_net *net, pid_t pid, int pidfd, struct err *e);
/** Take its ports back; its devices go with its namespace. */
int container_net_release(struct engine *en, const char *id, struct err *e);

/** One of the container's ports, or a range of them, as "-p" asks for it. */
struct port_request {
	uint16_t port;
	uint8_t protocol;
	struct ip host;       /* family 0: every address */
	uint16_t from, until; /* 0: any that is free */
};
/** What PortBindings, PublishAllPorts and ExposedPorts say. */
int ports_read(const struct container_config *c, struct arena *a, struct port_request **ret,
	       size_t *ret_count, struct err *e);
/** Choose and take the ports; in the transaction of container_net_reserve. */
int ports_reserve(struct engine *en, const struct container *c, struct arena *a,
		  struct container_net *net, struct err *e);
/** The same for a place that is none of a network. */
int ports_reserve_at(struct engine *en, const struct container *c, struct arena *a,
		     struct container_net *net, const struct endpoint *to, struct err *e);
/** What publishes them has started: take back those of any address on which nobody listens. */
int ports_keep_bound(struct engine *en, const char *id, const struct container_net *net,
		     struct err *e);
/** The place that ports are published to; NULL: there is none that goes through the firewall. */
const struct endpoint *ports_place(const struct container_net *net);
/** Take back what is published to the container's place on @n; in the transaction that ends it. */
int ports_drop(struct engine *en, struct network_kernel *k, const char *id, const struct network *n,
	       struct arena *a, struct err *e);
/** The ports of a container from the store. */
int ports_load(struct engine *en, const char *id, struct arena *a, struct firewall_port **ret,
	       size_t *ret_count, struct err *e);
/** Fill the ports of containers that run. */
int ports_fill(struct engine *en, struct container *list, size_t count, struct arena *a,
	       struct err *e);
/** The names of a container's networks, "a,b"; its mode where it has none. */
char *networks_text(struct engine *en, const struct container *c, struct arena *a);
/** "tcp", "udp", "sctp"; NULL: another. */
const char *protocol_name(uint8_t protocol);
uint8_t protocol_parse(const char *name);
/** The text of ps: "0.0.0.0:8080->80/tcp, 9000/tcp". */
char *ports_text(const struct firewall_port *list, size_t count, const struct strv *exposed,
		 struct arena *a);
