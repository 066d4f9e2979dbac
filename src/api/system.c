/* SPDX-License-Identifier: Apache-2.0 */
/* /_ping, /version, /info. Read api.h first. */
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/wire.h"
#include "engine/apparmor.h"

/* The builder that docker's clients take where nobody says so. */
int system_ping(struct call *c, struct err *e)
{
	c->http->headers = "Builder-Version: 1\r\n";
	http_answer(c->http, 200, "text/plain; charset=utf-8", "OK", 2);
	c->http->headers = NULL;
	return 0;
}

int system_version(struct call *c, struct err *e)
{
	struct utsname u;
	uname(&u);
	struct json_object *o = json_object_new_object(), *platform = json_object_new_object();
	struct json_object *list = json_object_new_array(), *engine = json_object_new_object();
	struct json_object *details = json_object_new_object();
	const struct kv texts[] = {{"ApiVersion", API_VERSION},
				   {"MinAPIVersion", API_VERSION_MIN},
				   {"GitCommit", ""},
				   {"GoVersion", ""},
				   {"Os", "linux"},
				   {"Arch", (char *)oci_native_architecture()},
				   {"KernelVersion", u.release},
				   {"BuildTime", ""},
				   {"Experimental", "false"}};
	json_add_string(platform, "Name", "hull");
	json_object_object_add(o, "Platform", platform);
	json_add_string(engine, "Name", "Engine");
	json_add_string(engine, "Version", HULL_VERSION);
	json_object_object_add(engine, "Details", details);
	json_object_array_add(list, engine);
	json_object_object_add(o, "Components", list);
	json_add_string(o, "Version", HULL_VERSION);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (strcmp(texts[i].key, "Experimental")) /* there it would be no text */
			json_object_object_add(o, texts[i].key, json_of_string(texts[i].value));
		json_object_object_add(details, texts[i].key, json_of_string(texts[i].value));
	}
	return answer_json(c, 200, o);
}

/* What docker tells of itself and is the same in every hull. */
#define LOG_DRIVERS LOG_DRIVER_NAMES("\",\"")
static const char info_same[] =
	"{\"ID\":\"\",\"Plugins\":{\"Volume\":[\"local\"],\"Network\":[\"bridge\",\"host\","
	"\"ipvlan\",\"macvlan\",\"null\"],\"Authorization\":null,"
	"\"Log\":[\"" LOG_DRIVERS "\"]},\"MemoryLimit\":true,\"SwapLimit\":true,"
	"\"CpuCfsPeriod\":true,\"CpuCfsQuota\":true,\"CPUShares\":true,\"CPUSet\":true,"
	"\"PidsLimit\":true,\"OomKillDisable\":true,\"IPv4Forwarding\":true,"
	"\"NFd\":0,\"NGoroutines\":0,\"NEventsListener\":0,"
	"\"OSVersion\":\"\",\"IndexServerAddress\":\"https://index.docker.io/v1/\","
	"\"RegistryConfig\":{\"InsecureRegistryCIDRs\":[\"127.0.0.0/8\",\"::1/128\"],"
	"\"IndexConfigs\":{\"docker.io\":{\"Name\":\"docker.io\",\"Mirrors\":[],"
	"\"Secure\":true,\"Official\":true}},\"Mirrors\":[]},\"GenericResources\":null,"
	"\"HttpProxy\":\"\",\"HttpsProxy\":\"\",\"NoProxy\":\"\",\"Labels\":[],"
	"\"ExperimentalBuild\":false,\"Runtimes\":{\"hull\":{\"path\":\"hull\"}},"
	"\"DefaultRuntime\":\"hull\",\"Swarm\":{\"NodeID\":\"\",\"NodeAddr\":\"\","
	"\"LocalNodeState\":\"inactive\",\"ControlAvailable\":false,\"Error\":\"\","
	"\"RemoteManagers\":null},\"LiveRestoreEnabled\":true,\"Isolation\":\"\","
	"\"InitBinary\":\"hull-init\",\"ContainerdCommit\":{\"ID\":\"\"},"
	"\"RuncCommit\":{\"ID\":\"\"},\"InitCommit\":{\"ID\":\"\"},\"Warnings\":null}";

/* Pairs that `docker info` prints below the storage driver. */
static struct json_object *driver_status(struct json_object *info)
{
	struct json_object *list = json_object_new_array(), *pair = json_object_new_array();
	json_object_array_add(pair, json_object_new_string("Size quota"));
	json_object_array_add(pair,
			      json_object_get(json_object_object_get(info, "HullStorageQuota")));
	json_object_array_add(list, pair);
	return list;
}

/* Before 1.25 the names alone. */
static struct json_object *security_options(const struct call *c)
{
	static const char *const always[] = {"name=seccomp,profile=builtin", "name=cgroupns"};
	struct json_object *list = json_object_new_array();
	const size_t skip = c->minor < 25 ? strlen("name=") : 0;
	if (!apparmor_lacks())
		json_object_array_add(list, json_object_new_string("name=apparmor" + skip));
	for (size_t i = 0; i < ARRAY_LEN(always); i++) {
		const char *text = always[i] + skip;
		size_t len = skip ? strcspn(text, ",") : strlen(text);
		json_object_array_add(list, json_object_new_string_len(text, (int)len));
	}
	return list;
}

int system_info(struct call *c, struct err *e)
{
	struct json_object *o = NULL;
	int r = engine_info(c->en, c->settings, &o, e);
	if (r < 0)
		return r;
	CLEANUP_JSON struct json_object *same = json_tokener_parse(info_same);
	json_object_object_foreach(same, key, value)
		json_object_object_add(o, key, json_object_get(value));
	json_object_object_add(o, "DriverStatus", driver_status(o));
	json_object_object_add(o, "SecurityOptions", security_options(c));
	json_add_string(o, "DockerRootDir", c->en->root);
	json_add_string(o, "OperatingSystem", "Linux");
	json_add_time(o, "SystemTime", clock_real_ns());
	json_add_bool(o, "Debug", c->settings->debug);
	return answer_json(c, 200, o);
}

int system_none(struct call *c, struct err *e)
{
	return answer_json(c, 200, json_object_new_array());
}

int system_no_swarm(struct call *c, struct err *e)
{
	err_set(e, ENOTSUP, ERR_CONFLICT, "This node is not a swarm manager: hull has no swarm");
	answer_error(c->http, 503, e);
	return 0;
}

int system_no_buildkit(struct call *c, struct err *e)
{
	err_set(e, ENOTSUP, ERR_CONFLICT, "%s: hulld has no BuildKit", c->q->path);
	err_hint(e,
		 "DOCKER_BUILDKIT=0 builds with hulld; so does \"hull build\"; buildx can have a "
		 "builder of its own");
	answer_error(c->http, 501, e);
	return 0;
}

int system_no_plugins(struct call *c, struct err *e)
{
	err_set(e, ENOTSUP, ERR_CONFLICT, "plugins are not supported by hull");
	err_hint(e, "what docker's network and volume plugins are for: `hull network create -d "
		    "macvlan`, `hull volume create -o type=nfs`");
	answer_error(c->http, 501, e);
	return 0;
}

/* "NAME/json", "NAME/enable"; to remove one, the name alone. */
int system_no_plugin(struct call *c, struct err *e)
{
	const char *slash = strcmp(c->q->method, "DELETE") ? strrchr(c->arg, '/') : NULL;
	int len = slash ? (int)(slash - c->arg) : (int)strlen(c->arg);
	return err_set(e, ENOENT, ERR_NOT_FOUND, "plugin \"%.*s\" not found: hull has no plugins",
		       len, c->arg);
}
