/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request for a container may not say, whatever the host and the image are: docker's client
 * and daemon refuse it in these words. Read engine.h first.
 */
#include <string.h>

#include "base/cleanup.h"
#include "engine/internal.h"
#include "linux/signals.h"

static bool is_container_mode(const char *mode)
{
	return !strncmp(mode, "container:", 10) && mode[10];
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

static int check_values(const struct container_config *c, struct err *e)
{
	const struct docker_host_config *h = &c->host;
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
	return r < 0 ? r : check_values(&c->config, e);
}
