/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /containers/create: docker's JSON into the request that the command line makes of its
 * options. What hull cannot do is refused, never passed over. Read api.h first.
 */
#include <errno.h>
#include <string.h>

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "engine/network.h"
#include "linux/link.h"

/* Members that mean something to docker and have no place in hull's structs: what they may say all
 * the same, besides nothing (null, "", 0, false, [], {}). */
static const struct {
	const char *name, *allowed, *why;
} foreign[] = {
	{"Isolation", "default", "it is of Windows"},
	{"CpuCount", NULL, "it is of Windows"},
	{"CpuPercent", NULL, "it is of Windows"},
	{"IOMaximumIOps", NULL, "it is of Windows"},
	{"IOMaximumBandwidth", NULL, "it is of Windows"},
	{"VolumeDriver", "local", "hull has local volumes only"},
	{"DeviceRequests", NULL, "hull has no device drivers: name the device by Devices"},
	{"Cgroup", NULL, "hull has no groups of other containers"},
	{"KernelMemoryTCP", NULL, "the kernel has dropped it"},
};

static bool is_nothing(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_int:
	case json_type_double:
		return json_object_get_double(v) == 0;
	case json_type_boolean:
		return !json_object_get_boolean(v);
	case json_type_string:
		return !*json_object_get_string(v);
	case json_type_array:
		return !json_object_array_length(v);
	case json_type_object:
		return !json_object_object_length(v);
	default:
		return true;
	}
}

static bool is_default(const char *network)
{
	return !network || !*network || !strcmp(network, "default");
}

static int refuse_foreign(struct json_object *host, struct err *e)
{
	struct json_object *v;
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
		if (!json_object_object_get_ex(host, foreign[i].name, &v) || is_nothing(v) ||
		    (foreign[i].allowed && json_object_is_type(v, json_type_string) &&
		     !strcmp(foreign[i].allowed, json_object_get_string(v))))
			continue;
		return err_set(e, ENOTSUP, ERR_INVALID, "HostConfig.%s: %s", foreign[i].name,
			       foreign[i].why);
	}
	return 0;
}

/* In Go a list of words may be one string. */
static void make_list(struct json_object *body, const char *key)
{
	struct json_object *v;
	if (!json_object_object_get_ex(body, key, &v) || !json_object_is_type(v, json_type_string))
		return;
	struct json_object *list = json_object_new_array();
	json_object_array_add(list, json_object_get(v));
	json_object_object_add(body, key, list);
}

/* An empty list of masked paths is what the client makes of systempaths=unconfined; null, or no
 * list, is the default. A list of one's own is not to be had. */
static int read_paths(struct json_object *o, struct docker_host_config *host, struct err *e)
{
	static const char *const keys[] = {"MaskedPaths", "ReadonlyPaths"};
	bool empty = true;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct json_object *v;
		empty &= json_object_object_get_ex(o, keys[i], &v) &&
			 json_object_is_type(v, json_type_array) && !json_object_array_length(v);
	}
	host->system_paths_unconfined |= empty;
	if (!container_paths_default(host))
		return err_set(e, ENOTSUP, ERR_INVALID,
			       "HostConfig.MaskedPaths, ReadonlyPaths: hull has its own, or none");
	host->masked_paths = host->readonly_paths = (struct strv){0};
	return 0;
}

/* -1 is what docker's client sends where nothing was said. */
static void settle_host(const struct call *c, struct docker_host_config *host)
{
	if (host->memory_swappiness.value == -1)
		host->memory_swappiness.set = false;
	if (is_default(host->network_mode))
		host->network_mode = default_network(c->settings);
}

/* Rows and columns, as TIOCSWINSZ takes them. */
static int check_size(const struct docker_host_config *host, struct err *e)
{
	const int64_t *at = host->console_size.items;
	const size_t count = host->console_size.count;
	for (size_t i = 0; i < count; i++)
		if (count != 2 || at[i] < 0 || at[i] > UINT16_MAX)
			return err_set(e, EINVAL, ERR_INVALID,
				       "HostConfig.ConsoleSize: not two numbers from 0 to 65535");
	return 0;
}

/* What belongs to a mount of another type: an error from 1.42 on, before that nothing. */
static int check_mounts(const struct call *c, const struct docker_host_config *host, struct err *e)
{
	struct docker_mount *m = host->mounts.items;
	for (size_t i = 0; i < host->mounts.count; i++) {
		const char *type = m[i].type ? m[i].type : "", *wrong = NULL;
		if (c->minor < 48 && !strcmp(type, "image"))
			return err_set(e, EINVAL, ERR_INVALID,
				       "Mount type \"Image\" needs API v1.48 or newer");
		if (m[i].volume_options && strcmp(type, "volume"))
			wrong = "Volume", m[i].volume_options = NULL;
		if (m[i].bind_options && strcmp(type, "bind"))
			wrong = "Bind", m[i].bind_options = NULL;
		if (m[i].tmpfs_options && strcmp(type, "tmpfs"))
			wrong = "Tmpfs", m[i].tmpfs_options = NULL;
		if (wrong && c->minor >= 42)
			return err_set(e, EINVAL, ERR_INVALID,
				       "%sOptions must not be specified on mount type \"%s\"",
				       wrong, type);
	}
	return 0;
}

static int read_host(struct call *c, struct json_object *body, struct docker_host_config *host,
		     struct err *e)
{
	struct json_object *o = NULL;
	int r = 0;
	if (json_object_object_get_ex(body, "HostConfig", &o) && o) {
		r = refuse_foreign(o, e);
		if (r == 0)
			r = shape_read(&docker_host_config_shape, o, host, c->a, e);
		if (r == 0)
			r = read_paths(o, host, e);
		if (r < 0)
			return err_context(e, "HostConfig");
		r = check_mounts(c, host, e);
		if (r == 0)
			r = check_size(host, e);
	}
	settle_host(c, host);
	return r;
}

/* The network that the mode names comes first, in EndpointsConfig or not. That has more members in
 * what `inspect` gave: what a container had got, and did not ask for. */
static int read_networks(struct call *c, struct json_object *body, struct container_create *create,
			 struct err *e)
{
	struct json_object *o, *map = NULL;
	char *mode = create->config.host.network_mode;
	if (!json_object_object_get_ex(body, "NetworkingConfig", &o) ||
	    !json_object_object_get_ex(o, "EndpointsConfig", &map) ||
	    !json_object_is_type(map, json_type_object))
		map = NULL;
	size_t room = map ? (size_t)json_object_object_length(map) : 0;
	if (room > 1 && c->minor < 44)
		return err_set(e, EINVAL, ERR_INVALID,
			       "Container cannot be created with multiple network endpoints: "
			       "that needs API v1.44 or newer");
	create->networks = arena_array(c->a, room + 1, sizeof(*create->networks));
	create->networks[0].network = mode;
	create->network_count = 1;
	if (!map)
		return 0;
	json_object_object_foreach(map, name, value)
	{
		bool first = is_default(name) || !strcmp(name, mode);
		struct docker_endpoint *p = &create->networks[first ? 0 : create->network_count++];
		int r = value ? shape_read(&docker_endpoint_shape, value, p, c->a, e) : 0;
		if (r < 0)
			return err_context(e, "NetworkingConfig.EndpointsConfig.%s", name);
		p->network = first ? mode : arena_strdup(c->a, name);
	}
	return 0;
}

/* Of clients before 1.44: it belongs to the network that the mode names. Where that is no network,
 * docker passes it over (to a shared namespace it says no). */
static int read_mac(struct call *c, struct json_object *body, struct container_create *create,
		    struct err *e)
{
	struct json_object *v;
	if (!create->network_count || !json_object_object_get_ex(body, "MacAddress", &v) ||
	    !json_object_is_type(v, json_type_string) || !*json_object_get_string(v))
		return 0;
	char *own = create->networks[0].mac_address,
	     *mac = arena_strdup(c->a, json_object_get_string(v));
	if (own && *own && strcmp(own, mac))
		return err_set(
			e, EINVAL, ERR_INVALID,
			"the container-wide MAC address must match the endpoint-specific MAC "
			"address for the main network, or be left empty");
	const char *mode = create->networks[0].network;
	uint8_t address[MAC_SIZE];
	bool placeless = mode && (!strcmp(mode, "none") || !strcmp(mode, "host"));
	if (!placeless || !mac_parse(mac, address))
		create->networks[0].mac_address = mac;
	if (c->minor >= 44)
		engine_warn(c->en,
			    "The container-wide MacAddress field is now deprecated. It should "
			    "be specified in EndpointsConfig instead.");
	return 0;
}

static int read_body(struct call *c, struct json_object *body, struct container_create *create,
		     struct err *e)
{
	struct docker_config *config = &create->config.config;
	make_list(body, "Cmd");
	make_list(body, "Entrypoint");
	int r = shape_read(&docker_config_shape, body, config, c->a, e);
	if (r == 0)
		r = read_host(c, body, &create->config.host, e);
	if (r == 0)
		r = read_networks(c, body, create, e);
	if (r == 0)
		r = read_mac(c, body, create, e);
	if (r < 0)
		return r;
	struct json_object *entrypoint;
	create->entrypoint_set =
		json_object_object_get_ex(body, "Entrypoint", &entrypoint) && entrypoint != NULL;
	/* [""] is the client's way to clear the image's. */
	if (config->entrypoint.count == 1 && !*config->entrypoint.items[0])
		config->entrypoint = (struct strv){0};
	create->image = config->image;
	if (!create->image || !*create->image)
		return err_set(e, EINVAL, ERR_INVALID, "no image specified");
	settings_apply(c->settings, create);
	return container_create_check(create, e);
}

int container_make(struct call *c, struct err *e)
{
	CLEANUP_JSON struct json_object *body = NULL;
	struct container_create create = {.name = param(c, "name"),
					  .platform = param(c, "platform")};
	char id[ID_LEN + 1];
	int r = body_json(c, &body, e);
	if (r == 0 && !json_object_is_type(body, json_type_object))
		r = err_set(e, EINVAL, ERR_INVALID,
			    "config cannot be empty in order to create a "
			    "container");
	if (r == 0)
		r = read_body(c, body, &create, e);
	if (r == 0)
		r = container_create(c->en, &create, c->a, id, e);
	if (r < 0)
		return r;
	struct json_object *o = json_object_new_object();
	json_add_string(o, "Id", id);
	json_object_object_add(o, "Warnings", warnings_object(c));
	return answer_json(c, 201, o);
}
