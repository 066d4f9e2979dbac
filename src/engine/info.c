/* SPDX-License-Identifier: Apache-2.0 */
/* What docker's info object says about this machine and what is on it. Read engine.h first. */
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "engine/layer.h"
#include "engine/settings.h"
#include "linux/cgroup.h"

/* docker knows versions 1 and 2, and calls the hybrid of both 1. */
static void add_cgroup(const char *manager, struct json_object *o)
{
	static const char *const layouts[] = {[CGROUP_NONE] = "none",
					      [CGROUP_V1] = "v1",
					      [CGROUP_V2] = "v2",
					      [CGROUP_HYBRID] = "hybrid"};
	enum cgroup_layout layout = cgroup_host_layout();
	json_add_string(o, "CgroupDriver", layout == CGROUP_NONE ? "none" : manager);
	json_add_string(o, "CgroupVersion", layout == CGROUP_V2 ? "2" : "1");
	json_add_string(o, "HullCgroupLayout", layouts[layout]);
}

static int count_containers(struct engine *en, struct json_object *o, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container_filter f = {.all = true};
	struct container *list;
	size_t count;
	int64_t running = 0, paused = 0;
	int r = container_list(en, &f, &a, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++) {
		running += list[i].status == CONTAINER_RUNNING;
		paused += list[i].status == CONTAINER_PAUSED;
	}
	if (r < 0)
		return r;
	json_add_int(o, "Containers", (int64_t)count);
	json_add_int(o, "ContainersRunning", running);
	json_add_int(o, "ContainersPaused", paused);
	json_add_int(o, "ContainersStopped", (int64_t)count - running - paused);
	return 0;
}

int engine_info(struct engine *en, const struct settings *s, struct json_object **ret,
		struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	struct image *images;
	size_t count;
	struct utsname u;
	struct sysinfo memory;
	int r = count_containers(en, o, e);
	if (r == 0)
		r = image_list(&en->images, NULL, &a, &images, &count, e);
	if (r < 0)
		return r;
	uname(&u);
	sysinfo(&memory);
	json_add_int(o, "Images", (int64_t)count);
	json_add_string(o, "Driver", "overlay2");
	json_add_string(o, "LoggingDriver", s && s->log_driver ? s->log_driver : "json-file");
	add_cgroup(en->systemd_cgroup ? "systemd" : "cgroupfs", o);
	const char *why = "";
	const char *quota = layer_backend(en, &why);
	json_add_string(o, "HullStorageQuota", quota ? quota : arena_printf(&a, "none (%s)", why));
	json_add_string(o, "HullPublishAddress", s && s->ip ? s->ip : "0.0.0.0");
	json_add_string(o, "KernelVersion", u.release);
	json_add_string(o, "OSType", "linux");
	json_add_string(o, "Architecture", u.machine);
	json_add_int(o, "NCPU", sysconf(_SC_NPROCESSORS_ONLN));
	json_add_int(o, "MemTotal", (int64_t)memory.totalram * memory.mem_unit);
	json_add_string(o, "Name", u.nodename);
	json_add_string(o, "HullRootDir", en->root);
	json_add_string(o, "HullRunDir", en->runroot);
	json_add_string(o, "ServerVersion", HULL_VERSION);
	*ret = ptr_steal(o);
	return 0;
}
