/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker's inspect object of a container: State, Config and HostConfig in docker's own names,
 * because scripts live on them; what only hull knows stands under "Hull". Source: Engine API 1.51,
 * ContainerInspectResponse.
 */
#include "engine/internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "engine/mounts.h"
#include "linux/cgroup.h"

static void add_string(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value ? value : ""));
}

static void add_bool(struct json_object *o, const char *key, bool value)
{
	json_object_object_add(o, key, json_object_new_boolean(value));
}

static void add_int(struct json_object *o, const char *key, int64_t value)
{
	json_object_object_add(o, key, json_object_new_int64(value));
}

static void add_time(struct json_object *o, const char *key, int64_t ns)
{
	char text[TIME_TEXT_SIZE];
	add_string(o, key, time_format(ns, text));
}

static struct json_object *state_object(const struct container *c)
{
	struct json_object *o = json_object_new_object();
	bool paused = c->status == CONTAINER_PAUSED;
	add_string(o, "Status", container_status_name(c->status));
	add_bool(o, "Running", c->status == CONTAINER_RUNNING || paused);
	add_bool(o, "Paused", paused);
	add_bool(o, "Restarting", false);
	add_bool(o, "OOMKilled", c->oom_killed);
	add_bool(o, "Dead", c->status == CONTAINER_DEAD);
	add_int(o, "Pid", c->pid);
	add_int(o, "ExitCode", c->exit_code);
	add_string(o, "Error", c->error);
	add_time(o, "StartedAt", c->started);
	add_time(o, "FinishedAt", c->finished);
	return o;
}

static struct json_object *mount_object(const struct mount_point *m)
{
	static const char *const kinds[] = {
		[MOUNT_BIND] = "bind", [MOUNT_VOLUME] = "volume", [MOUNT_TMPFS] = "tmpfs"};
	struct json_object *o = json_object_new_object();
	add_string(o, "Type", kinds[m->kind]);
	if (m->kind == MOUNT_VOLUME)
		add_string(o, "Name", m->name);
	add_string(o, "Source", m->source);
	add_string(o, "Destination", m->destination);
	if (m->kind == MOUNT_VOLUME)
		add_string(o, "Driver", "local");
	add_string(o, "Mode", m->mode);
	add_bool(o, "RW", !m->read_only);
	add_string(o, "Propagation", m->kind == MOUNT_BIND ? m->propagation : "");
	return o;
}

static int add_mounts(struct engine *en, const struct container *c, struct json_object *o,
		      struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct mount_point *mounts;
	size_t count;
	int r = container_mounts(en, c, &a, &mounts, &count, e);
	if (r < 0)
		return r;
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		/* docker shows --tmpfs in HostConfig only. */
		if (mounts[i].kind != MOUNT_TMPFS ||
		    !kvs_get(&c->config.host.tmpfs, mounts[i].destination))
			json_object_array_add(list, mount_object(&mounts[i]));
	json_object_object_add(o, "Mounts", list);
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
			add_int(o, names[i], (int64_t)st.st_ino);
	}
	return o;
}

static struct json_object *hull_object(const struct engine *en, const struct container *c,
				       struct arena *a)
{
	struct json_object *o = json_object_new_object();
	char memory[1024] = "";
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct err ignored;
	const char *path = container_cgroup_path(c, a);
	if (c->pid && cgroup_open(path, &group, &ignored) == 0)
		cgroup_memory_path(&group, memory, sizeof(memory));
	add_string(o, "CgroupPath", path);
	add_string(o, "MemoryCgroup", memory);
	add_int(o, "ExitSignal", c->exit_signal);
	add_int(o, "OOMKills", c->oom_kills);
	add_string(o, "InitMode", c->config.hull.init_mode);
	add_string(o, "Rootfs", c->config.hull.rootfs);
	add_bool(o, "RootfsOverlay", c->config.hull.rootfs_overlay);
	add_string(o, "Config",
		   arena_printf(a, "%s/containers/%s/config.json", en->runroot, c->id));
	json_object_object_add(o, "Namespaces", namespaces_object(c->pid));
	return o;
}

static struct json_object *network_object(const struct container *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *networks = json_object_new_object();
	struct json_object *own = json_object_new_object();
	add_string(own, "IPAddress", "");
	add_string(own, "Gateway", "");
	add_string(own, "MacAddress", "");
	json_object_object_add(networks, c->config.host.network_mode, own);
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/net", c->pid);
	add_string(o, "SandboxKey", c->pid ? path : "");
	json_object_object_add(o, "Ports", json_object_new_object());
	add_string(o, "IPAddress", "");
	json_object_object_add(o, "Networks", networks);
	return o;
}

static void add_paths(const struct engine *en, const struct container *c, struct json_object *o,
		      struct arena *a)
{
	const char *dir = container_dir_path(en, c->id, a);
	const char *driver = c->config.host.log_config.type;
	bool logs = !strcmp(driver, "json-file");
	add_string(o, "ResolvConfPath", arena_printf(a, "%s/resolv.conf", dir));
	add_string(o, "HostnamePath", arena_printf(a, "%s/hostname", dir));
	add_string(o, "HostsPath", arena_printf(a, "%s/hosts", dir));
	add_string(o, "LogPath", logs ? arena_printf(a, "%s/%s-json.log", dir, c->id) : "");
	add_string(o, "Name", arena_printf(a, "/%s", c->name));
	add_int(o, "RestartCount", 0);
	add_string(o, "Driver", c->image_id ? "overlay2" : "rootfs");
	add_string(o, "Platform", "linux");
	add_string(o, "MountLabel", "");
	add_string(o, "ProcessLabel", "");
	add_string(o, "AppArmorProfile", c->config.host.privileged ? "unconfined" : "");
	json_object_object_add(o, "ExecIDs", NULL);
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
				add_string(o, "Path", parts[p]->items[i]);
			else
				json_object_array_add(args,
						      json_object_new_string(parts[p]->items[i]));
			first = false;
		}
	}
	json_object_object_add(o, "Args", args);
}

static struct json_object *driver_object(const struct engine *en, const struct container *c,
					 struct arena *a)
{
	struct json_object *o = json_object_new_object(), *data = json_object_new_object();
	const char *dir = container_dir_path(en, c->id, a);
	if (c->image_id || c->config.hull.rootfs_overlay) {
		add_string(data, "UpperDir", arena_printf(a, "%s/upper", dir));
		add_string(data, "WorkDir", arena_printf(a, "%s/work", dir));
	}
	json_object_object_add(o, "Data", data);
	add_string(o, "Name", c->image_id ? "overlay2" : "rootfs");
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
	add_string(o, "Id", c.id);
	add_time(o, "Created", c.created);
	add_command(&c, o);
	json_object_object_add(o, "State", state_object(&c));
	add_string(o, "Image", c.image_id ? arena_printf(&a, "sha256:%s", c.image_id) : "");
	add_paths(en, &c, o, &a);
	json_object_object_add(o, "HostConfig",
			       shape_write(&docker_host_config_shape, &c.config.host));
	json_object_object_add(o, "GraphDriver", driver_object(en, &c, &a));
	if (with_size) {
		add_int(o, "SizeRw", rw);
		add_int(o, "SizeRootFs", root);
	}
	r = add_mounts(en, &c, o, e);
	if (r < 0)
		return r;
	json_object_object_add(o, "Config", shape_write(&docker_config_shape, &c.config.config));
	json_object_object_add(o, "NetworkSettings", network_object(&c));
	json_object_object_add(o, "Hull", hull_object(en, &c, &a));
	*ret = ptr_steal(o);
	return 0;
}
