/* SPDX-License-Identifier: Apache-2.0 */
/* Pretty JSON. Rests on json-c for the scalars; its own pretty form differs from Go's. See
 * json_print.h. */
#include "cli/json_print.h"

#include "base/shape.h"

static void indent(struct strbuf *out, int depth)
{
	strbuf_printf(out, "\n%*s", 4 * depth, "");
}

static void print_scalar(struct strbuf *out, struct json_object *o)
{
	strbuf_puts(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE));
}

static void print_array(struct strbuf *out, struct json_object *o, int depth)
{
	size_t count = json_object_array_length(o);
	strbuf_putc(out, '[');
	for (size_t i = 0; i < count; i++) {
		strbuf_puts(out, i ? "," : "");
		indent(out, depth + 1);
		json_print(out, json_object_array_get_idx(o, i), depth + 1);
	}
	if (count)
		indent(out, depth);
	strbuf_putc(out, ']');
}

static void print_object(struct strbuf *out, struct json_object *o, int depth)
{
	bool first = true;
	strbuf_putc(out, '{');
	json_object_object_foreach(o, key, value)
	{
		struct json_object *name = json_object_new_string(key);
		strbuf_puts(out, first ? "" : ",");
		indent(out, depth + 1);
		print_scalar(out, name);
		json_object_put(name);
		strbuf_puts(out, ": ");
		json_print(out, value, depth + 1);
		first = false;
	}
	if (!first)
		indent(out, depth);
	strbuf_putc(out, '}');
}

void json_print(struct strbuf *out, struct json_object *o, int depth)
{
	if (depth > JSON_DEPTH_MAX)
		strbuf_puts(out, "null");
	else if (json_object_is_type(o, json_type_object))
		print_object(out, o, depth);
	else if (json_object_is_type(o, json_type_array))
		print_array(out, o, depth);
	else
		print_scalar(out, o);
}
