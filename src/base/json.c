/* SPDX-License-Identifier: Apache-2.0 */
/* Making and printing JSON. Rests on json-c, but for the pretty form, which differs from Go's. Read
 * json.h first. */
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/shape.h"

struct json_object *json_of_string(const char *text)
{
	return json_object_new_string(text ? text : "");
}

struct json_object *json_of_time(int64_t ns)
{
	char text[TIME_TEXT_SIZE];
	return json_object_new_string(time_format(ns, text));
}

struct json_object *json_of_strv(const struct strv *items)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < items->count; i++)
		json_object_array_add(list, json_object_new_string(items->items[i]));
	return list;
}

struct json_object *json_of_kvs(const struct kvs *map)
{
	struct json_object *o = json_object_new_object();
	for (size_t i = 0; i < map->count; i++)
		json_object_object_add(o, map->items[i].key, json_of_string(map->items[i].value));
	return o;
}

/* ---- text ---- */

static void begin_value(struct strbuf *out)
{
	if (out->len && !strchr("{[:", out->buf[out->len - 1]))
		strbuf_putc(out, ',');
}

void json_text_open(struct strbuf *out, char bracket)
{
	begin_value(out);
	strbuf_putc(out, bracket);
}

void json_text_close(struct strbuf *out, char bracket)
{
	strbuf_putc(out, bracket);
}

static void put_escaped(struct strbuf *out, unsigned char c)
{
	static const char from[] = "\b\n\r\t\f\"\\", to[] = "bnrtf\"\\";
	const char *known = c ? strchr(from, c) : NULL;
	if (known)
		strbuf_add(out, (const char[]){'\\', to[known - from]}, 2);
	else
		strbuf_printf(out, "\\u%04x", c);
}

void json_text_string(struct strbuf *out, const char *text)
{
	begin_value(out);
	strbuf_putc(out, '"');
	for (const char *p = text ? text : ""; *p;) {
		size_t len = 0;
		while ((unsigned char)p[len] >= ' ' && p[len] != '"' && p[len] != '\\')
			len++;
		strbuf_add(out, p, len);
		p += len;
		if (*p)
			put_escaped(out, (unsigned char)*p++);
	}
	strbuf_putc(out, '"');
}

void json_text_int(struct strbuf *out, int64_t value)
{
	begin_value(out);
	strbuf_printf(out, "%" PRId64, value);
}

void json_text_raw(struct strbuf *out, const char *value)
{
	begin_value(out);
	strbuf_puts(out, value);
}

void json_text_object(struct strbuf *out, struct json_object *value)
{
	json_text_raw(out, json_object_to_json_string_ext(
				   value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(value);
}

void json_text_key(struct strbuf *out, const char *key)
{
	json_text_string(out, key);
	strbuf_putc(out, ':');
}

/* ---- for people ---- */

static void indent(struct strbuf *out, int depth)
{
	strbuf_putc(out, '\n');
	strbuf_fill(out, ' ', 4 * (size_t)depth);
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

void json_put_line(FILE *to, struct json_object *o)
{
	fprintf(to, "%s\n",
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(to);
	json_object_put(o);
}
