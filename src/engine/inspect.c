/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker's inspect objects of containers and volumes. A container's has State, Config and
 * HostConfig in docker's own names, because scripts live on them; what only hull knows stands under
 * "Hull". Source: Engine API 1.51, ContainerInspectResponse.
 */
#include "engine/layer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "engine/apparmor.h"
#include "engine/health.h"
#include "engine/mounts.h"
#include "engine/network.h"
#include "engine/spec.h"
#include "linux/signals.h"
#include "linux/cgroup.h"

static struct json_object *state_object(struct engine *en, const struct container *c)
{
	struct json_object *o = json_object_new_object();
	bool paused = c->status == CONTAINER_PAUSED;
	json_add_string(o, "Status", container_status_name(c->status));
	json_add_bool(o, "Running", container_is_up(c));
	json_add_bool(o, "Paused", paused);
	json_add_bool(o, "Restarting", c->status == CONTAINER_RESTARTING);
	json_add_bool(o, "OOMKilled", c->oom_killed);
	json_add_bool(o, "Dead", c->status == CONTAINER_DEAD);
	json_add_int(o, "Pid", c->pid);
	json_add_int(o, "ExitCode", c->exit_code);
	json_add_string(o, "Error", c->error);
	json_add_time(o, "StartedAt", c->started);
	json_add_time(o, "FinishedAt", c->finished);
	if (*c->health)
		json_add(o, "Health", health_object(en, c));
	return o;
}

static struct json_object *mount_object(const struct mount_point *m)
{
	static const char *const kinds[] = {[MOUNT_BIND] = "bind",
					    [MOUNT_VOLUME] = "volume",
					    [MOUNT_TMPFS] = "tmpfs",
					    [MOUNT_IMAGE] = "image"};
	struct json_object *o = json_object_new_object();
	json_add_string(o, "Type", kinds[m->kind]);
	if (m->kind == MOUNT_VOLUME)
		json_add_string(o, "Name", m->name);
	json_add_string(o, "Source", m->source);
	json_add_string(o, "Destination", m->destination);
	if (m->kind == MOUNT_VOLUME)
		json_add_string(o, "Driver", "local");
	json_add_string(o, "Mode", m->mode);
	json_add_bool(o, "RW", !m->read_only);
	json_add_string(o, "Propagation", m->kind == MOUNT_BIND ? m->propagation : "");
	return o;
}

static int mounts_list(struct engine *en, const struct container *c, struct json_object **ret,
		       struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct mount_point *mounts;
	size_t count;
	int r = container_mounts(en, c, &a, &mounts, &count, e);
	if (r < 0)
		return r;
	*ret = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		/* docker shows --tmpfs in HostConfig only. */
		if (mounts[i].kind != MOUNT_TMPFS ||
		    !kvs_get(&c->config.host.tmpfs, mounts[i].destination))
			json_object_array_add(*ret, mount_object(&mounts[i]));
	return 0;
}

/* The eight namespaces by inode: two containers can be compared at a glance. */
static struct json_object *namespaces_object(pid_t pid)
{
	static const char *const names[] = {"cgroup", "ipc",  "mnt",  "net",
					    "pid",    "time", "user", "uts"};
	struct json_object *o = json_object_new_object();
	for (size_t i = 0; pid && i < ARRAY_LEN(names); i++) {
		char path[64];
		struct stat st;
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, names[i]);
		if (stat(path, &st) == 0)
			json_object_object_add(o, names[i],
					       json_object_new_int64((int64_t)st.st_ino));
	}
	return o;
}

static void add_missing(struct json_object *o, struct json_object *from)
{
	json_object_object_foreach(from, key, value)
	{
		if (!json_object_object_get_ex(o, key, NULL))
			json_object_object_add(o, key, json_object_get(value));
	}
}

static struct json_object *hull_object(const struct engine *en, const struct container *c,
				       struct arena *a)
{
	struct json_object *o = json_object_new_object();
	char memory[1024] = "";
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	const char *path = container_cgroup_path(c, a);
	if (c->pid && cgroup_open(path, &group, ERR_IGNORED) == 0)
		cgroup_memory_path(&group, memory, sizeof(memory));
	json_add_string(o, "CgroupPath", path);
	json_add_string(o, "MemoryCgroup", memory);
	json_add_int(o, "ExitSignal", c->exit_signal);
	json_add_int(o, "OOMKills", c->oom_kills);
	json_add_string(o, "InitMode", c->config.hull.init_mode);
	json_add_string(o, "Rootfs", c->config.hull.rootfs);
	json_add_bool(o, "RootfsOverlay", c->config.hull.rootfs_overlay);
	json_add_string(o, "Config",
			arena_printf(a, "%s/containers/%s/config.json", en->runroot, c->id));
	json_add(o, "Namespaces", namespaces_object(c->pid));
	CLEANUP_JSON struct json_object *config = shape_write(&hull_config_shape, &c->config.hull);
	add_missing(o, config);
	return o;
}

/* What docker always shows, and is left out where hull has not got it or it is not set. */
static const char host_zeros[] =
	"{\"PortBindings\":{},\"VolumeDriver\":\"\",\"ConsoleSize\":[0,0],\"Cgroup\":\"\","
	"\"Isolation\":\"\",\"BlkioWeight\":0,\"BlkioWeightDevice\":[],"
	"\"BlkioDeviceReadBps\":[],\"BlkioDeviceWriteBps\":[],\"BlkioDeviceReadIOps\":[],"
	"\"BlkioDeviceWriteIOps\":[],\"CpuRealtimePeriod\":0,\"CpuRealtimeRuntime\":0,"
	"\"DeviceRequests\":null,\"CpuCount\":0,\"CpuPercent\":0,\"IOMaximumIOps\":0,"
	"\"IOMaximumBandwidth\":0}";

static struct json_object *host_object(const struct container *c, struct arena *a)
{
	struct docker_host_config host = c->config.host;
	host.masked_paths = host.readonly_paths = (struct strv){0};
	spec_paths(c, &host.masked_paths, &host.readonly_paths, a);
	struct json_object *o = shape_write(&docker_host_config_shape, &host);
	CLEANUP_JSON struct json_object *zeros = json_tokener_parse(host_zeros);
	add_missing(o, zeros);
	return o;
}

/* docker's map of ports: those that are exposed and not published are null. */
static struct json_object *ports_object(const struct container *c, const struct container_net *net)
{
	struct json_object *o = json_object_new_object(), *list;
	const struct strv *exposed = &c->config.config.exposed_ports;
	for (size_t i = 0; c->pid && net->count && i < exposed->count; i++)
		json_object_object_add(o, exposed->items[i], NULL);
	for (size_t i = 0; i < net->port_count; i++) {
		const struct firewall_port *p = &net->ports[i];
		char key[24], number[8], host[IP_TEXT_SIZE];
		snprintf(key, sizeof(key), "%u/%s", p->port, protocol_name(p->protocol));
		if (!json_object_object_get_ex(o, key, &list) || !list) {
			list = json_object_new_array();
			json_object_object_add(o, key, list);
		}
		snprintf(number, sizeof(number), "%u", p->host_port);
		struct json_object *b = json_object_new_object();
		json_add_string(b, "HostIp",
				p->host.family             ? ip_print(&p->host, host)
				: p->to.family == AF_INET6 ? "::"
							   : "0.0.0.0");
		json_add_string(b, "HostPort", number);
		json_object_array_add(list, b);
	}
	return o;
}

/* Members of the object that @out is in. */
#define put_string(out, key, value) (json_text_key(out, key), json_text_string(out, value))
#define put_int(out, key, value) (json_text_key(out, key), json_text_int(out, value))
#define put_raw(out, key, value) (json_text_key(out, key), json_text_raw(out, value))

/* The addresses of an endpoint, empty while the container does not run. */
static void put_addresses(struct strbuf *out, const struct endpoint *p, bool runs)
{
	const char *ip = "", *gateway = "", *ip6 = "", *gateway6 = "";
	char texts[4][IP_TEXT_SIZE], mac[MAC_TEXT_SIZE];
	int prefix = 0, prefix6 = 0;
	for (size_t i = 0; runs && p && i < p->address_count; i++) {
		const struct network_subnet *s = &p->network.subnets[i];
		if (p->addresses[i].family == AF_INET) {
			ip = ip_print(&p->addresses[i], texts[0]);
			gateway = ip_print(&s->gateway, texts[1]);
			prefix = s->subnet.prefix;
		} else {
			ip6 = ip_print(&p->addresses[i], texts[2]);
			gateway6 = ip_print(&s->gateway, texts[3]);
			prefix6 = s->subnet.prefix;
		}
	}
	put_string(out, "Gateway", gateway);
	put_string(out, "IPAddress", ip);
	put_int(out, "IPPrefixLen", prefix);
	put_string(out, "IPv6Gateway", gateway6);
	put_string(out, "GlobalIPv6Address", ip6);
	put_int(out, "GlobalIPv6PrefixLen", prefix6);
	put_string(out, "MacAddress", runs && p ? mac_print(p->mac, mac) : "");
}

/* Those of engine/network_names.c. */
static void put_names(struct strbuf *out, const struct container *c, const struct endpoint *p)
{
	const char *hostname = c->config.config.hostname;
	char id[ID_SHORT_LEN + 1];
	json_text_key(out, "DNSNames");
	if (!p || !network_has_names(&p->network))
		return json_text_raw(out, "null");
	json_text_open(out, '[');
	json_text_string(out, c->name);
	for (size_t i = 0; i < p->config.aliases.count; i++)
		json_text_string(out, p->config.aliases.items[i]);
	snprintf(id, sizeof(id), "%s", c->id);
	json_text_string(out, id);
	if (hostname && *hostname && strncmp(hostname, c->id, ID_SHORT_LEN))
		json_text_string(out, hostname);
	json_text_close(out, ']');
}

/* Of the network @name; @p: NULL where it is none. */
static void put_endpoint(struct strbuf *out, const struct container *c, const struct endpoint *p,
			 const char *name, const char *network_id, struct arena *a)
{
	const struct docker_endpoint none = {0};
	char id[ID_LEN + 1];
	const char *text = p && p->text ? p->text
					: shape_print(&docker_endpoint_shape,
						      p ? &p->config : &none, false, a);
	json_text_key(out, name);
	json_text_raw(out, text);
	out->len--; /* its bracket: there is more */
	put_string(out, "NetworkID", network_id);
	put_string(out, "EndpointID", p && c->pid ? endpoint_id(c->id, &p->network, id) : "");
	put_names(out, c, p);
	put_addresses(out, p, c->pid != 0);
	json_text_close(out, '}');
}

/* @mode_id: the network's that is none. */
static void put_networks(struct strbuf *out, const struct container *c,
			 const struct container_net *net, const char *mode_id, struct arena *a)
{
	const char *mode = c->config.host.network_mode;
	json_text_key(out, "Networks");
	json_text_open(out, '{');
	for (size_t i = 0; i < net->count; i++) {
		const struct endpoint *p = &net->endpoints[i];
		put_endpoint(out, c, p, p->network.name, p->network.id, a);
	}
	if (!net->count && mode && network_is_builtin(mode))
		put_endpoint(out, c, NULL, mode, mode_id, a);
	json_text_close(out, '}');
}

static int add_networks(struct engine *en, const struct container *c, struct json_object *to,
			struct arena *a, struct err *e)
{
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(SIZE_MAX / 2);
	const char *mode = c->config.host.network_mode;
	struct container_net net = {0};
	struct network plain = {0};
	struct json_object *o;
	char id[ID_LEN + 1];
	int r = endpoints_read(en, c, a, &net, e);
	if (r == 0 && mode && (!strcmp(mode, "none") || !strcmp(mode, "host")))
		r = network_find(en, mode, a, &plain, e);
	if (r == -ENOENT) /* not made yet, in a store that cannot be written */
		r = 0;
	if (r < 0)
		return r;
	json_text_open(&out, '{');
	put_string(&out, "Bridge", "");
	put_string(&out, "SandboxID", c->pid ? c->id : "");
	put_string(&out, "SandboxKey", c->pid ? arena_printf(a, "/proc/%d/ns/net", c->pid) : "");
	put_raw(&out, "HairpinMode", "false");
	put_string(&out, "LinkLocalIPv6Address", "");
	put_int(&out, "LinkLocalIPv6PrefixLen", 0);
	put_raw(&out, "SecondaryIPAddresses", "null");
	put_raw(&out, "SecondaryIPv6Addresses", "null");
	json_text_key(&out, "Ports");
	json_text_object(&out, ports_object(c, &net));
	/* docker has those of the default network here, too. */
	bool first = net.count && !strcmp(net.endpoints[0].network.name, "bridge");
	put_addresses(&out, first ? &net.endpoints[0] : NULL, c->pid != 0);
	put_string(&out, "EndpointID",
		   first && c->pid ? endpoint_id(c->id, &net.endpoints[0].network, id) : "");
	put_networks(&out, c, &net, plain.id, a);
	json_text_close(&out, '}');
	if ((r = json_parse(out.buf, out.len, &o, e)) == 0)
		json_add(to, "NetworkSettings", o);
	return r;
}

static void add_paths(const struct engine *en, const struct container *c, struct json_object *o,
		      struct arena *a)
{
	const char *dir = container_dir_path(en, c->id, a);
	const char *driver = c->config.host.log_config.type;
	bool logs = !strcmp(driver, "json-file");
	json_add_string(o, "ResolvConfPath", arena_printf(a, "%s/resolv.conf", dir));
	json_add_string(o, "HostnamePath", arena_printf(a, "%s/hostname", dir));
	json_add_string(o, "HostsPath", arena_printf(a, "%s/hosts", dir));
	json_add_string(o, "LogPath", logs ? arena_printf(a, "%s/%s-json.log", dir, c->id) : "");
	json_add_string(o, "Name", arena_printf(a, "/%s", c->name));
	json_add_int(o, "RestartCount", c->restarts);
	json_add_string(o, "Driver", c->image_id ? "overlay2" : "rootfs");
	json_add_string(o, "Platform", "linux");
	json_add_string(o, "MountLabel", "");
	json_add_string(o, "ProcessLabel", "");
	json_add_string(o, "AppArmorProfile", apparmor_of(c));
	json_add(o, "ExecIDs", NULL);
}

static void add_command(const struct container *c, struct json_object *o)
{
	const struct docker_config *config = &c->config.config;
	const struct strv *parts[] = {&config->entrypoint, &config->cmd};
	struct json_object *args = json_object_new_array();
	bool first = true;
	for (size_t p = 0; p < ARRAY_LEN(parts); p++) {
		for (size_t i = 0; i < parts[p]->count; i++) {
			if (first)
				json_add_string(o, "Path", parts[p]->items[i]);
			else
				json_object_array_add(args,
						      json_object_new_string(parts[p]->items[i]));
			first = false;
		}
	}
	json_add(o, "Args", args);
}

static struct json_object *driver_object(const struct engine *en, const struct container *c,
					 struct arena *a)
{
	struct json_object *o = json_object_new_object(), *data = json_object_new_object();
	const char *dir = layer_path(en, c, a);
	if (!dir) /* both are in this one, and nowhere on the host */
		json_add_string(data, "DiskImage",
				arena_printf(a, "%s/disk.img", container_dir_path(en, c->id, a)));
	else if (layer_exists(&c->config)) {
		json_add_string(data, "UpperDir", arena_printf(a, "%s/upper", dir));
		json_add_string(data, "WorkDir", arena_printf(a, "%s/work", dir));
	}
	json_add(o, "Data", data);
	json_add_string(o, "Name", c->image_id ? "overlay2" : "rootfs");
	return o;
}

int container_inspect(struct engine *en, const char *ref, bool with_size, struct json_object **ret,
		      struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	struct container c;
	int64_t rw = 0, root = 0;
	int r = container_find(en, ref, &a, &c, e);
	if (r == 0 && with_size)
		r = container_size(en, &c, &rw, &root, e);
	if (r < 0)
		return r;
	json_add_string(o, "Id", c.id);
	json_add_time(o, "Created", c.created);
	add_command(&c, o);
	json_add(o, "State", state_object(en, &c));
	json_add_string(o, "Image", c.image_id ? arena_printf(&a, "sha256:%s", c.image_id) : "");
	add_paths(en, &c, o, &a);
	json_add(o, "HostConfig", host_object(&c, &a));
	json_add(o, "GraphDriver", driver_object(en, &c, &a));
	if (with_size) {
		json_add_int(o, "SizeRw", rw);
		json_add_int(o, "SizeRootFs", root);
	}
	struct json_object *mounts;
	r = mounts_list(en, &c, &mounts, e);
	if (r < 0)
		return r;
	json_add(o, "Mounts", mounts);
	json_add(o, "Config", shape_write(&docker_config_shape, &c.config.config));
	r = add_networks(en, &c, o, &a, e);
	if (r < 0)
		return r;
	json_add(o, "Hull", hull_object(en, &c, &a));
	*ret = ptr_steal(o);
	return 0;
}

/* docker's "Port": what is published, and while it runs what is exposed. */
static void put_port(struct strbuf *out, const char *host, unsigned port, unsigned public,
		     const char *protocol)
{
	json_text_open(out, '{');
	if (public)
		put_string(out, "IP", host);
	put_int(out, "PrivatePort", port);
	if (public)
		put_int(out, "PublicPort", public);
	put_string(out, "Type", protocol);
	json_text_close(out, '}');
}

static void put_ports(struct strbuf *out, const struct container *c)
{
	const struct strv *exposed = &c->config.config.exposed_ports;
	json_text_key(out, "Ports");
	json_text_open(out, '[');
	for (size_t i = 0; i < c->port_count; i++) {
		const struct firewall_port *p = &c->ports[i];
		char host[IP_TEXT_SIZE];
		put_port(out,
			 p->host.family             ? ip_print(&p->host, host)
			 : p->to.family == AF_INET6 ? "::"
						    : "0.0.0.0",
			 p->port, p->host_port, protocol_name(p->protocol));
	}
	bool networked = c->pid && network_mode_is_network(c->config.host.network_mode);
	for (size_t i = 0; networked && i < exposed->count; i++) {
		unsigned port = (unsigned)strtoul(exposed->items[i], NULL, 10);
		const char *protocol = strchr(exposed->items[i], '/');
		bool published = false;
		for (size_t k = 0; k < c->port_count; k++)
			published |= c->ports[k].port == port;
		if (!published)
			put_port(out, "", port, 0, protocol ? protocol + 1 : "tcp");
	}
	json_text_close(out, ']');
}

static void put_map(struct strbuf *out, const char *key, const struct kvs *map)
{
	json_text_key(out, key);
	json_text_open(out, '{');
	for (size_t i = 0; i < map->count; i++)
		put_string(out, map->items[i].key, map->items[i].value);
	json_text_close(out, '}');
}

int container_summary(struct engine *en, const struct container *c, bool with_size, int64_t now,
		      struct strbuf *out, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const struct container_net none = {0};
	struct json_object *mounts;
	int64_t rw, root;
	int r = with_size ? container_size(en, c, &rw, &root, e) : 0;
	if (r == 0)
		r = mounts_list(en, c, &mounts, e);
	if (r < 0)
		return r;
	json_text_open(out, '{');
	put_string(out, "Id", c->id);
	json_text_key(out, "Names");
	json_text_open(out, '[');
	json_text_string(out, arena_printf(&a, "/%s", c->name));
	json_text_close(out, ']');
	put_string(out, "Image", c->image_name);
	put_string(out, "ImageID", c->image_id ? arena_printf(&a, "sha256:%s", c->image_id) : "");
	put_string(out, "Command", c->command);
	put_int(out, "Created", c->created / 1000000000);
	put_ports(out, c);
	put_map(out, "Labels", &c->labels);
	put_string(out, "State", container_status_name(c->status));
	put_string(out, "Status", container_status_text(&a, c, now));
	json_text_key(out, "HostConfig");
	json_text_open(out, '{');
	put_string(out, "NetworkMode", c->config.host.network_mode);
	if (c->config.host.annotations.count)
		put_map(out, "Annotations", &c->config.host.annotations);
	json_text_close(out, '}');
	json_text_key(out, "NetworkSettings");
	json_text_open(out, '{');
	put_networks(out, c, c->net ?: &none, "", &a);
	json_text_close(out, '}');
	json_text_key(out, "Mounts");
	json_text_object(out, mounts);
	if (with_size) {
		put_int(out, "SizeRw", rw);
		put_int(out, "SizeRootFs", root);
	}
	json_text_close(out, '}');
	return 0;
}

struct json_object *volume_object(const struct volume *v)
{
	struct json_object *o = json_object_new_object();
	json_add_time(o, "CreatedAt", v->created - v->created % 1000000000); /* as docker */
	json_add_string(o, "Driver", "local");
	json_add(o, "Labels", v->labels.count ? json_of_kvs(&v->labels) : NULL);
	json_add_string(o, "Mountpoint", v->mountpoint);
	json_add_string(o, "Name", v->name);
	json_add(o, "Options", v->options.count ? json_of_kvs(&v->options) : NULL);
	json_add_string(o, "Scope", "local");
	return o;
}

int volume_inspect(struct engine *en, const char *name, struct json_object **ret, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct volume v;
	int r = volume_find(en, name, &a, &v, e);
	if (r == 0)
		*ret = volume_object(&v);
	return r;
}

/* Behind docker's words, which programs look for: what ended it, where that is more than the code
 * says. */
static const char *cause_text(struct arena *a, const struct container *c)
{
	char name[SIGNAL_NAME_SIZE];
	if (c->oom_first)
		return " (killed for memory)";
	if (c->oom_killed || c->oom_kills > 0)
		return " (a process of it was killed for memory)";
	return c->exit_signal ? arena_printf(a, " (%s)", signal_name(c->exit_signal, name)) : "";
}

char *container_status_text(struct arena *a, const struct container *c, int64_t now)
{
	char human[TIME_TEXT_SIZE];
	const char *health = c->health ? c->health : "";
	switch (c->status) {
	case CONTAINER_RUNNING:
	case CONTAINER_PAUSED:
		duration_human(now - c->started, human);
		if (c->status == CONTAINER_PAUSED || !*health)
			return arena_printf(a, "Up %s%s", human,
					    c->status == CONTAINER_PAUSED ? " (Paused)" : "");
		return arena_printf(a, "Up %s (%s%s)", human,
				    strcmp(health, "starting") ? "" : "health: ", health);
	case CONTAINER_CREATED:
		return "Created";
	case CONTAINER_REMOVING:
		return "Removal In Progress";
	case CONTAINER_RESTARTING:
		return arena_printf(a, "Restarting (%d) %s ago%s", c->exit_code,
				    duration_human(now - c->finished, human), cause_text(a, c));
	case CONTAINER_DEAD:
		return "Dead";
	case CONTAINER_EXITED:
		break;
	}
	return arena_printf(a, "Exited (%d) %s ago%s", c->exit_code,
			    duration_human(now - c->finished, human), cause_text(a, c));
}
