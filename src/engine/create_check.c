/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request for a container may not say, whatever the host and the image are: docker's client
 * and daemon refuse it in these words. Read engine.h first.
 */
#include <string.h>

#include "base/cleanup.h"
#include "engine/internal.h"
#include "engine/network.h"
#include "engine/user_network.h"
#include "linux/cgroup.h"
#include "linux/link.h"
#include "linux/signals.h"

static bool is_container_mode(const char *mode)
{
	const char *name = docker_mode_container(mode);
	return name && *name;
}

static int check_namespaces(const struct docker_host_config *h, struct err *e)
{
	const struct {
		const char *mode, *known[4];
		bool container;
		const char *text;
	} rules[] = {
		{h->pid_mode, {"host", "private"}, true, "--pid: invalid PID mode"},
		{h->ipc_mode,
		 {"host", "private", "shareable", "none"},
		 true,
		 "--ipc: invalid IPC mode"},
		{h->uts_mode, {"host", "private"}, false, "--uts: invalid UTS mode"},
		{h->userns_mode, {"host"}, false, "--userns: invalid USER mode"},
		{h->cgroupns_mode, {"host", "private"}, false, "--cgroupns: invalid CGROUP mode"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const char *mode = rules[i].mode;
		bool ok = !mode || !*mode || (rules[i].container && is_container_mode(mode));
		for (size_t k = 0; !ok && k < 4 && rules[i].known[k]; k++)
			ok = !strcmp(rules[i].known[k], mode);
		if (!ok)
			return err_set(e, EINVAL, ERR_INVALID, "%s", rules[i].text);
	}
	return 0;
}

/* In version 1 it would need a hierarchy of its own, and the right to make processes' groups there.
 */
static int check_systemd(const struct container_config *c, struct err *e)
{
	const char *space = c->host.cgroupns_mode;
	if (!c->hull.systemd)
		return 0;
	if (cgroup_host_layout() != CGROUP_V2) {
		err_set(e, ENOTSUP, ERR_INVALID,
			"--systemd: this machine has control groups of version 1");
		return err_hint(
			e, "boot with systemd.unified_cgroup_hierarchy=1, or use --privileged "
			   "--cgroupns private --tmpfs /run --tmpfs /tmp --stop-signal RTMIN+3 "
			   "-e container=docker");
	}
	if (space && !strcmp(space, "host"))
		return err_set(e, EINVAL, ERR_INVALID,
			       "--systemd needs a cgroup namespace of its own, not "
			       "--cgroupns host: it would write to the host's groups");
	return 0;
}

static int check_values(const struct container_config *c, struct err *e)
{
	const struct docker_host_config *h = &c->host;
	int r = check_systemd(c, e);
	if (r < 0)
		return r;
	if (h->oom_score_adj < -1000 || h->oom_score_adj > 1000)
		return err_set(e, EINVAL, ERR_INVALID,
			       "Invalid value %lld, range for oom score adj is [-1000, 1000]",
			       (long long)h->oom_score_adj);
	if (c->config.stop_signal && *c->config.stop_signal &&
	    signal_parse(c->config.stop_signal) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "invalid signal: %s", c->config.stop_signal);
	if (h->log_config.type && !strcmp(h->log_config.type, "none") && h->log_config.config.count)
		return err_set(e, EINVAL, ERR_INVALID, "invalid logging opts for driver none");
	const struct docker_mount *mounts = h->mounts.items;
	for (size_t i = 0; i < h->mounts.count; i++)
		if (!mounts[i].type)
			return err_set(e, EINVAL, ERR_INVALID,
				       "invalid mount config for type \"\": mount type unknown");
	if (h->runtime && *h->runtime && strcmp(h->runtime, "hull"))
		return err_set(e, EINVAL, ERR_INVALID,
			       "unknown or invalid runtime name: %s (hull is its own runtime)",
			       h->runtime);
	return 0;
}

/* What an address, a name or a rate would belong to; there is none but on a network. */
static int check_place(const struct container_create *c, const struct docker_endpoint *p,
		       struct err *e)
{
	const struct docker_endpoint_ipam *ip = p->ipam;
	bool address =
		ip && ((ip->ipv4 && *ip->ipv4) || (ip->ipv6 && *ip->ipv6) || ip->link_local.count);
	const struct {
		bool wrong;
		const char *text;
	} rules[] = {
		{c->network_count > 1,
		 "conflicting options: cannot attach both user-defined and non-user-defined "
		 "network-modes"},
		{p->mac_address && *p->mac_address,
		 "conflicting options: mac-address and the network mode"},
		{address, "user specified IP address is supported on user defined networks only"},
		{p->aliases.count,
		 "network-scoped alias is supported only for containers in user defined networks"},
		{p->driver_options.count, "conflicting options: driver-opt and the network mode"},
		{p->gw_priority, "conflicting options: gw-priority and the network mode"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].wrong)
			return err_set(e, EINVAL, ERR_INVALID, "%s", rules[i].text);
	return 0;
}

/* Who shares a network namespace has what its owner has. */
static int check_shared(const struct container_config *c, struct err *e)
{
	const struct docker_host_config *h = &c->host;
	const struct {
		bool wrong;
		const char *text;
	} rules[] = {
		{c->config.hostname && *c->config.hostname,
		 "conflicting options: hostname and the network mode"},
		{h->dns.count || h->dns_search.count || h->dns_options.count,
		 "conflicting options: dns and the network mode"},
		{h->extra_hosts.count,
		 "conflicting options: custom host-to-IP mapping and the network mode"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].wrong)
			return err_set(e, EINVAL, ERR_INVALID, "%s", rules[i].text);
	return 0;
}

static int check_networks(const struct container_create *c, struct err *e)
{
	const char *mode = c->config.host.network_mode;
	uint8_t mac[MAC_SIZE];
	int r = 0;
	for (size_t i = 0; i < c->network_count; i++) {
		const struct docker_endpoint *p = &c->networks[i];
		if (p->mac_address && *p->mac_address && !mac_parse(p->mac_address, mac))
			return err_set(e, EINVAL, ERR_INVALID, "%s is not a valid mac address",
				       p->mac_address);
	}
	if (is_container_mode(mode))
		r = check_shared(&c->config, e);
	for (size_t i = 0; r == 0 && i < c->network_count; i++) {
		const char *name = c->network_count > 1 ? c->networks[i].network : mode;
		if (name && *name && !network_mode_is_network(name) && !user_network_is_mode(name))
			r = check_place(c, &c->networks[i], e);
	}
	return r;
}

int container_create_check(const struct container_create *c, struct err *e)
{
	const struct docker_host_config *h = &c->config.host;
	const char *name = c->config.config.hostname;
	int r = check_namespaces(h, e);
	if (r < 0)
		return r;
	if (name && *name && h->uts_mode && !strcmp(h->uts_mode, "host"))
		return err_set(e, EINVAL, ERR_INVALID,
			       "conflicting options: hostname and the UTS mode");
	if (h->auto_remove && restart_policy_any(&h->restart_policy))
		return err_set(e, EINVAL, ERR_INVALID,
			       "conflicting options: cannot specify both --restart and --rm");
	r = restart_policy_check(&h->restart_policy, e);
	if (r == 0)
		r = check_networks(c, e);
	return r < 0 ? r : check_values(&c->config, e);
}
