/* SPDX-License-Identifier: Apache-2.0 */
/* Shape tables of docker's network objects. Read docker_network.h first. */
#include "spec/docker_network.h"

#define F(member, name, type, ...)                                                                 \
	FIELD(struct docker_ipam_config, member, name, type, ##__VA_ARGS__)
static const struct field ipam_config_fields[] = {
	F(subnet, "Subnet", FIELD_STR),
	F(ip_range, "IPRange", FIELD_STR),
	F(gateway, "Gateway", FIELD_STR),
	F(auxiliary, "AuxiliaryAddresses", FIELD_KVS),
};
#undef F
static const struct shape ipam_config_shape = SHAPE(struct docker_ipam_config, ipam_config_fields);

#define F(member, name, type, ...) FIELD(struct docker_ipam, member, name, type, ##__VA_ARGS__)
static const struct field ipam_fields[] = {
	F(driver, "Driver", FIELD_STR, .flags = FIELD_KEEP),
	F(options, "Options", FIELD_KVS, .flags = FIELD_KEEP),
	F(config, "Config", FIELD_ARRAY, .flags = FIELD_KEEP, .shape = &ipam_config_shape),
};
#undef F
static const struct shape ipam_shape = SHAPE(struct docker_ipam, ipam_fields);

static const struct field reference_fields[] = {
	FIELD(struct docker_config_reference, network, "Network", FIELD_STR, .flags = FIELD_KEEP),
};
static const struct shape reference_shape = SHAPE(struct docker_config_reference, reference_fields);

#define F(member, name, type, ...) FIELD(struct docker_network, member, name, type, ##__VA_ARGS__)
static const struct field network_fields[] = {
	F(driver, "Driver", FIELD_STR, .flags = FIELD_KEEP),
	F(enable_ipv4, "EnableIPv4", FIELD_BOOL, .flags = FIELD_KEEP),
	F(enable_ipv6, "EnableIPv6", FIELD_BOOL, .flags = FIELD_KEEP),
	F(ipam, "IPAM", FIELD_STRUCT, .flags = FIELD_KEEP, .shape = &ipam_shape),
	F(internal, "Internal", FIELD_BOOL, .flags = FIELD_KEEP),
	F(attachable, "Attachable", FIELD_BOOL, .flags = FIELD_KEEP),
	F(config_only, "ConfigOnly", FIELD_BOOL, .flags = FIELD_KEEP),
	F(config_from, "ConfigFrom", FIELD_STRUCT, .flags = FIELD_KEEP, .shape = &reference_shape),
	F(scope, "Scope", FIELD_STR),
	F(options, "Options", FIELD_KVS, .flags = FIELD_KEEP),
	F(labels, "Labels", FIELD_KVS, .flags = FIELD_KEEP),
};
#undef F
const struct shape docker_network_shape = SHAPE(struct docker_network, network_fields);

static const struct field endpoint_ipam_fields[] = {
	FIELD(struct docker_endpoint_ipam, ipv4, "IPv4Address", FIELD_STR),
	FIELD(struct docker_endpoint_ipam, ipv6, "IPv6Address", FIELD_STR),
	FIELD(struct docker_endpoint_ipam, link_local, "LinkLocalIPs", FIELD_STRV),
};
static const struct shape endpoint_ipam_shape =
	SHAPE(struct docker_endpoint_ipam, endpoint_ipam_fields);

/* The name of the network is the key of the map that it lies in. */
#define F(member, name, type, ...) FIELD(struct docker_endpoint, member, name, type, ##__VA_ARGS__)
static const struct field endpoint_fields[] = {
	F(ipam, "IPAMConfig", FIELD_PTR, .flags = FIELD_NULL, .shape = &endpoint_ipam_shape),
	F(links, "Links", FIELD_STRV, .flags = FIELD_NULL),
	F(aliases, "Aliases", FIELD_STRV, .flags = FIELD_NULL),
	F(mac_address, "MacAddress", FIELD_STR),
	F(gw_priority, "GwPriority", FIELD_I64, .flags = FIELD_KEEP),
	F(driver_options, "DriverOpts", FIELD_KVS, .flags = FIELD_NULL),
};
#undef F
const struct shape docker_endpoint_shape = SHAPE(struct docker_endpoint, endpoint_fields);

static const struct field binding_fields[] = {
	FIELD(struct docker_port_binding, host_ip, "HostIp", FIELD_STR, .flags = FIELD_KEEP),
	FIELD(struct docker_port_binding, host_port, "HostPort", FIELD_STR, .flags = FIELD_KEEP),
};
const struct shape docker_port_binding_shape = SHAPE(struct docker_port_binding, binding_fields);
