/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only some versions of the API have: parameters, members of what is asked, members of what is
 * answered. The facts are of docker 28.5, whose daemon answers 1.24 to 1.51 as hulld does; what
 * docker changed for all versions at once is in no row. What is no matter of a member stands where
 * it is done, as a comparison with call.minor. Read api.h first.
 */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/json.h"

enum rule_kind {
	PARAM,  /* a parameter: another version takes no notice of it */
	ASKED,  /* a member of the body: the same */
	NEEDED, /* one that would be missed: another version says which one it needs */
	ANSWER, /* a member of the answer: another version has it not */
};

static const struct rule {
	const char *route;
	enum rule_kind kind;
	const char
		*member; /* "a.b": in an object; "a[].b": in each of a list; "*": in each member */
	int first, end;  /* 1.FIRST to before 1.END; 0: to now */
	/* Given: these versions have it where it is missing, or empty, and the others are left
	 * alone. JSON, or "=NAME": what stands beside it under that name. */
	const char *value;
} rules[] = {
	{"POST /containers/create", PARAM, "platform", 41, 0, NULL},
	{"POST /containers/create", ASKED, "HostConfig.AutoRemove", 25, 0, NULL},
	{"POST /containers/create", ASKED, "HostConfig.IpcMode", 0, 40, "\"shareable\""},
	{"POST /containers/create", ASKED, "HostConfig.KernelMemoryTCP", 40, 0, NULL},
	{"POST /containers/create", ASKED, "HostConfig.Mounts[].BindOptions.NonRecursive", 40, 0,
	 NULL},
	{"POST /containers/create", ASKED, "HostConfig.Mounts[].BindOptions.CreateMountpoint", 42,
	 0, NULL},
	{"POST /containers/create", ASKED, "HostConfig.ConsoleSize", 42, 0, NULL},
	{"POST /containers/create", ASKED, "HostConfig.Annotations", 43, 0, NULL},
	{"POST /containers/create", ASKED, "Healthcheck.StartInterval", 44, 0, NULL},
	{"POST /containers/create", ASKED, "NetworkingConfig.EndpointsConfig.*.MacAddress", 44, 0,
	 NULL},
	{"POST /containers/create", ASKED, "HostConfig.Mounts[].TmpfsOptions.Options", 46, 0, NULL},
	{"POST /containers/create", ASKED, "NetworkingConfig.EndpointsConfig.*.GwPriority", 48, 0,
	 NULL},
	{"POST /containers/create", NEEDED,
	 "HostConfig.Mounts[].BindOptions.ReadOnlyForceRecursive", 44, 0, NULL},
	{"POST /containers/create", NEEDED, "HostConfig.Mounts[].VolumeOptions.Subpath", 45, 0,
	 NULL},
	{"POST /containers/{}/update", ASKED, "PidsLimit", 40, 0, NULL},
	{"POST /containers/{}/stop", PARAM, "signal", 42, 0, NULL},
	{"POST /containers/{}/restart", PARAM, "signal", 42, 0, NULL},
	{"POST /containers/{}/wait", PARAM, "condition", 30, 0, NULL},
	{"POST /containers/{}/exec", ASKED, "ConsoleSize", 42, 0, NULL},
	{"POST /exec/{}/start", ASKED, "ConsoleSize", 42, 0, NULL},
	{"GET /containers/{}/stats", PARAM, "one-shot", 41, 0, NULL},

	{"POST /images/create", PARAM, "platform", 32, 0, NULL},
	{"POST /images/load", PARAM, "platform", 48, 0, NULL},
	{"POST /images/{}/push", PARAM, "platform", 46, 0, NULL},
	{"GET /images/get", PARAM, "platform", 48, 0, NULL},
	{"GET /images/{}/get", PARAM, "platform", 48, 0, NULL},
	{"GET /images/{}/history", PARAM, "platform", 48, 0, NULL},
	{"DELETE /images/{}", PARAM, "platforms", 50, 0, NULL},
	{"GET /images/json", PARAM, "filter", 0, 41, NULL},
	{"GET /images/json", PARAM, "shared-size", 42, 0, NULL},
	{"GET /images/json", ANSWER, "[].VirtualSize", 0, 44, "=Size"},
	{"GET /images/{}/json", PARAM, "platform", 49, 0, NULL},
	{"GET /images/{}/json", ANSWER, "VirtualSize", 0, 44, "=Size"},
	{"GET /images/{}/json", ANSWER, "Container", 0, 45, "\"\""},
	{"GET /images/{}/json", ANSWER, "ContainerConfig", 0, 45,
	 "{\"Hostname\":\"\",\"Domainname\":\"\",\"User\":\"\",\"AttachStdin\":false,"
	 "\"AttachStdout\":false,\"AttachStderr\":false,\"Tty\":false,\"OpenStdin\":false,"
	 "\"StdinOnce\":false,\"Env\":null,\"Cmd\":null,\"Image\":\"\",\"Volumes\":null,"
	 "\"WorkingDir\":\"\",\"Entrypoint\":null,\"OnBuild\":null,\"Labels\":null}"},
	{"GET /images/{}/json", ANSWER, "Config.Hostname", 0, 50, NULL},
	{"GET /images/{}/json", ANSWER, "Config.Domainname", 0, 50, NULL},
	{"GET /images/{}/json", ANSWER, "Config.AttachStdin", 0, 50, NULL},
	{"GET /images/{}/json", ANSWER, "Config.AttachStdout", 0, 50, NULL},
	{"GET /images/{}/json", ANSWER, "Config.AttachStderr", 0, 50, NULL},
	{"GET /images/{}/json", ANSWER, "Config.Tty", 0, 50, NULL},
	{"GET /images/{}/json", ANSWER, "Config.OpenStdin", 0, 50, NULL},
	{"GET /images/{}/json", ANSWER, "Config.StdinOnce", 0, 50, NULL},
	{"GET /images/{}/json", ANSWER, "Config.Image", 0, 50, NULL},

	{"POST /build", PARAM, "platform", 32, 0, NULL},
	{"POST /build", PARAM, "outputs", 40, 0, NULL},
	{"POST /build/prune", PARAM, "reserved-space", 48, 0, NULL},
	{"POST /build/prune", PARAM, "max-used-space", 48, 0, NULL},
	{"POST /build/prune", PARAM, "min-free-space", 48, 0, NULL},

	{"POST /networks/create", ASKED, "EnableIPv4", 48, 0, NULL},

	{"GET /info", ANSWER, "ExecutionDriver", 0, 25, "\"<not supported>\""},
	{"GET /info", ANSWER, "RegistryConfig.AllowNondistributableArtifactsCIDRs", 0, 47, "null"},
	{"GET /info", ANSWER, "RegistryConfig.AllowNondistributableArtifactsHostnames", 0, 47,
	 "null"},
	{"GET /info", ANSWER, "ContainerdCommit.Expected", 0, 49, "=ID"},
	{"GET /info", ANSWER, "RuncCommit.Expected", 0, 49, "=ID"},
	{"GET /info", ANSWER, "InitCommit.Expected", 0, 49, "=ID"},
	{"GET /info", ANSWER, "FirewallBackend", 49, 0, "{\"Driver\":\"nftables\"}"},
	{"GET /info", ANSWER, "BridgeNfIptables", 0, 50, "false"},
	{"GET /info", ANSWER, "BridgeNfIp6tables", 0, 50, "false"},
	{"GET /system/df", PARAM, "type", 42, 0, NULL},
	{"GET /system/df", ANSWER, "BuilderSize", 0, 42, NULL},
	{"GET /system/df", ANSWER, "Images[].VirtualSize", 0, 44, "=Size"},
};

static bool concerns(const struct rule *r, const struct call *c)
{
	const size_t len = c->route ? strlen(c->route->method) : 0;
	const bool in = c->minor >= r->first && (!r->end || c->minor < r->end);
	return len && in == (r->value != NULL) && !strncmp(r->route, c->route->method, len) &&
	       r->route[len] == ' ' && !strcmp(r->route + len + 1, c->route->path);
}

bool version_has_param(const struct call *c, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].kind == PARAM && !strcmp(rules[i].member, name) &&
		    concerns(&rules[i], c))
			return false;
	return true;
}

static bool is_empty(struct json_object *v)
{
	return !v || (json_object_is_type(v, json_type_string) && !*json_object_get_string(v));
}

/* The member itself, in the object that has it. */
static int settle(const struct rule *r, struct json_object *o, const char *name, struct err *e)
{
	struct json_object *v = NULL;
	json_object_object_get_ex(o, name, &v);
	if (r->value && is_empty(v)) {
		v = *r->value == '=' ? json_object_get(json_object_object_get(o, r->value + 1))
				     : json_tokener_parse(r->value);
		json_object_object_add(o, name, v);
	} else if (r->kind == NEEDED && !is_empty(v) && json_object_get_boolean(v)) {
		const char *list = strstr(r->member, "[].");
		return err_set(e, EINVAL, ERR_INVALID, "%s needs API v1.%d or newer",
			       list ? list + 3 : r->member, r->first);
	} else if (!r->value) {
		json_object_object_del(o, name);
	}
	return 0;
}

/* @path: what of the member's is still to go, from @o on. */
static int walk(const struct rule *r, struct json_object *o, const char *path, struct err *e)
{
	char name[64];
	const size_t len = strcspn(path, ".[");
	const char *rest = path + len;
	struct json_object *next = NULL;
	int result = 0;
	if (len == 0 && json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; result == 0 && i < json_object_array_length(o); i++)
			result = walk(r, json_object_array_get_idx(o, i), rest + 3, e);
		return result;
	}
	if (!len || !json_object_is_type(o, json_type_object))
		return 0;
	if (*path == '*') {
		json_object_object_foreach(o, key, value)
		{
			(void)key;
			result = result ?: walk(r, value, rest + 1, e);
		}
		return result;
	}
	snprintf(name, sizeof(name), "%.*s", (int)len, path);
	if (!*rest)
		return settle(r, o, name, e);
	if (!json_object_object_get_ex(o, name, &next) && r->value) {
		next = json_object_new_object();
		json_object_object_add(o, name, next);
	}
	return walk(r, next, *rest == '.' ? rest + 1 : rest, e);
}

int version_of_asked(const struct call *c, struct json_object *body, struct err *e)
{
	int result = 0;
	for (size_t i = 0; result == 0 && i < ARRAY_LEN(rules); i++)
		if ((rules[i].kind == ASKED || rules[i].kind == NEEDED) && concerns(&rules[i], c))
			result = walk(&rules[i], body, rules[i].member, e);
	return result;
}

void version_of_answer(const struct call *c, struct json_object *o)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].kind == ANSWER && concerns(&rules[i], c))
			walk(&rules[i], o, rules[i].member, ERR_IGNORED);
}
