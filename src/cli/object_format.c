/* SPDX-License-Identifier: Apache-2.0 */
/* A whole object through the user's template. Read object_format.h first. */
#include "cli/object_format.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"

int object_format_open(const char *format, struct template **ret, struct err *e)
{
	if (!format || !*format)
		return 0;
	if (!strcmp(format, "json"))
		format = "{{json .}}";
	int r = template_parse(format, strlen(format), ret, e);
	return r < 0 ? err_context(e, "template parsing error") : 0;
}

/* A Go struct, of which an unknown field is an error: the object itself, and these in it. */
static const char *const inner[] = {"State",       "Config", "HostConfig", "NetworkSettings",
				    "GraphDriver", "RootFS", "Hull",       "Health"};

/* Fields of docker's that the JSON leaves out where they are nil, and templates may still name. */
static const struct template_type health = {TEMPLATE_STRUCT, true, "*container.Health", NULL, NULL};
static const struct template_type healthcheck = {TEMPLATE_STRUCT, true, "*container.HealthConfig",
						 NULL, NULL};
static const struct template_type ports = {TEMPLATE_MAP, false, "nat.PortSet", NULL, NULL};
static const struct template_type size = {TEMPLATE_STRING, true, "*int64", NULL, NULL};
static const struct {
	const char *in, *name;
	const struct template_type *type;
} optional[] = {
	{"State", "Health", &health},       {"Config", "Healthcheck", &healthcheck},
	{"Config", "ExposedPorts", &ports}, {"container", "SizeRw", &size},
	{"container", "SizeRootFs", &size},
};

/* What is null in JSON is a nil pointer in docker's structs in these, a nil map in those, else an
 * empty list: "<nil>", "map[]", "[]". */
static const struct template_type pointer = {TEMPLATE_STRING, true, "*int64", NULL, NULL};
static const struct template_type map = {TEMPLATE_MAP, false, "map[string]string", NULL, NULL};
static const struct template_type list = {TEMPLATE_LIST, false, "[]string", NULL, NULL};
static const char *const pointers[] = {"PidsLimit", "OomKillDisable", "MemorySwappiness", "Init",
				       "StopTimeout"};
static const char *const maps[] = {"Labels", "Options",      "Volumes",  "ExposedPorts",
				   "Ports",  "PortBindings", "Networks", "Data",
				   "Tmpfs",  "StorageOpt",   "Sysctls",  "Annotations"};

static bool is_among(const char *key, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], key))
			return true;
	return false;
}

static const struct template_type *nil_type(const char *key)
{
	if (is_among(key, pointers, ARRAY_LEN(pointers)))
		return &pointer;
	return is_among(key, maps, ARRAY_LEN(maps)) ? &map : &list;
}

static struct template_type *struct_type(struct json_object *o, const char *in, struct arena *a)
{
	struct template_type *type = arena_new(a, struct template_type);
	size_t max = (size_t)json_object_object_length(o) + ARRAY_LEN(optional) + 1, count = 0;
	struct template_field *fields = arena_array(a, max, sizeof(*fields));
	json_object_object_foreach(o, key, value)
	{
		if (!value)
			fields[count].type = nil_type(key);
		else if (json_object_is_type(value, json_type_object) &&
			 is_among(key, inner, ARRAY_LEN(inner)))
			fields[count].type = struct_type(value, key, a);
		fields[count++].name = key;
	}
	for (size_t i = 0; i < ARRAY_LEN(optional); i++)
		if (!strcmp(optional[i].in, in) &&
		    !json_object_object_get_ex(o, optional[i].name, NULL))
			fields[count++] =
				(struct template_field){optional[i].name, optional[i].type};
	*type = (struct template_type){TEMPLATE_STRUCT, true, "types.Inspect", NULL, fields};
	return type;
}

int object_format_put(const struct template *t, struct json_object *o, struct strbuf *out,
		      struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	bool container = json_object_object_get_ex(o, "State", NULL);
	struct template_type *type = struct_type(o, container ? "container" : "", &a);
	type->name = "*types.Inspect";
	const struct template_data data = {.root = o, .type = type};
	int r = template_execute(t, &data, out, e);
	if (r < 0)
		return err_context(e, "template parsing error");
	strbuf_putc(out, '\n');
	return 0;
}

int object_format_print(const char *format, struct json_object *o, struct err *e)
{
	struct template *t CLEANUP_TEMPLATE = NULL;
	struct strbuf out CLEANUP_STRBUF = STRBUF_MAX(TEMPLATE_OUTPUT_MAX);
	int r = object_format_open(format, &t, e);
	if (r == 0)
		r = object_format_put(t, o, &out, e);
	fwrite(strbuf_text(&out), 1, out.len, stdout);
	return r;
}
