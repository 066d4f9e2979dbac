/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's network objects as C structs: Network, EndpointSettings, PortBinding of the Engine API.
 */
#pragma once

#include "base/arena.h"
#include "base/shape.h"

struct docker_ipam_config {
	char *subnet, *ip_range, *gateway;
	struct kvs auxiliary; /* "name": address that is given to no container */
};
struct docker_ipam {
	char *driver;
	struct kvs options;
	struct array config; /* of struct docker_ipam_config */
};
/** API "NetworkCreateRequest", and what `inspect` shows of it. */
struct docker_network {
	char *driver;
	bool enable_ipv4, enable_ipv6;
	struct docker_ipam ipam;
	bool internal, attachable;
	bool config_only; /* others may take what it says, nobody is on it */
	struct docker_config_reference {
		char *network;
	} config_from; /* whose configuration it took */
	char *scope;
	struct kvs options, labels;
};

struct docker_endpoint_ipam {
	char *ipv4, *ipv6;
	struct strv link_local;
};
/** API "EndpointSettings": what was asked for. */
struct docker_endpoint {
	char *network; /* name or id, the key of EndpointsConfig */
	struct docker_endpoint_ipam *ipam;
	struct strv links, aliases;
	char *mac_address;
	int64_t gw_priority;
	struct kvs driver_options;
};
/** API "PortBinding", with the port of the container that is its key: "80/tcp". */
struct docker_port_binding {
	char *host_ip, *host_port;
};

extern const struct shape docker_network_shape, docker_endpoint_shape, docker_port_binding_shape;
