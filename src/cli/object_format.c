/* SPDX-License-Identifier: Apache-2.0 */
/* A whole object through the user's template. Read object_format.h first. */
#include "cli/object_format.h"

#include <json-c/json.h>
#include <string.h>

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
static const struct template_type inner_struct = {TEMPLATE_STRUCT, true, "types.Inspect", NULL,
						  NULL};
static const char *const inner[] = {"State",       "Config", "HostConfig", "NetworkSettings",
				    "GraphDriver", "RootFS", "Hull"};
enum { FIELDS_MAX = 64 };

int object_format_put(const struct template *t, struct json_object *o, struct strbuf *out,
		      struct err *e)
{
	struct template_field fields[FIELDS_MAX + 1] = {0};
	size_t count = 0;
	json_object_object_foreach(o, key, value)
	{
		if (count == FIELDS_MAX)
			break;
		for (size_t i = 0; i < ARRAY_LEN(inner); i++)
			if (!strcmp(inner[i], key))
				fields[count].type = &inner_struct;
		fields[count++].name = key;
	}
	const struct template_type type = {TEMPLATE_STRUCT, true, "*types.Inspect", NULL, fields};
	const struct template_data data = {.root = o, .type = &type};
	int r = template_execute(t, &data, out, e);
	if (r < 0)
		return err_context(e, "template parsing error");
	strbuf_putc(out, '\n');
	return 0;
}
