/* SPDX-License-Identifier: Apache-2.0 */
/* JSON seen as Go values. Rests on json-c. Read value.h first. */
#include "template/value.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.s, text, s.len);
}

struct value value_string(struct span text)
{
	return (struct value){.kind = VALUE_STRING, .text = text};
}

struct value value_int(int64_t integer)
{
	return (struct value){.kind = VALUE_INT, .integer = integer};
}

struct value value_bool(bool truth)
{
	return (struct value){.kind = VALUE_BOOL, .truth = truth};
}

/* Which kind the zero value of a type has, and what JSON may stand for it. */
static const struct {
	enum value_kind zero;
	json_type json;
} type_table[] = {
	[TEMPLATE_ANY] = {VALUE_NIL, json_type_null},
	[TEMPLATE_STRUCT] = {VALUE_MAP, json_type_object},
	[TEMPLATE_MAP] = {VALUE_MAP, json_type_object},
	[TEMPLATE_LIST] = {VALUE_LIST, json_type_array},
	[TEMPLATE_STRING] = {VALUE_STRING, json_type_string},
};

static struct value zero_of(const struct template_type *type)
{
	if (!type || type->pointer)
		return (struct value){.type = type, .boxed = !type};
	struct value v = {.kind = type_table[type->kind].zero, .type = type};
	if (v.kind == VALUE_STRING)
		v.text = span_of("");
	return v;
}

/* json-c clamps what exceeds an int64_t. */
static struct value from_int(struct json_object *json)
{
	struct value v = value_int(json_object_get_int64(json));
	uint64_t natural = v.integer == INT64_MAX ? json_object_get_uint64(json) : 0;
	return natural > INT64_MAX ? (struct value){.kind = VALUE_FLOAT, .real = (double)natural}
				   : v;
}

static struct value from_json(struct json_object *json)
{
	switch (json_object_get_type(json)) {
	case json_type_boolean:
		return value_bool(json_object_get_boolean(json));
	case json_type_int:
		return from_int(json);
	case json_type_double:
		return (struct value){.kind = VALUE_FLOAT, .real = json_object_get_double(json)};
	case json_type_string:
		return value_string((struct span){json_object_get_string(json),
						  (size_t)json_object_get_string_len(json)});
	case json_type_array:
		return (struct value){
			.kind = VALUE_LIST, .json = json, .count = json_object_array_length(json)};
	default:
		return (struct value){.kind = VALUE_MAP,
				      .json = json,
				      .count = (size_t)json_object_object_length(json)};
	}
}

struct value value_from_json(struct json_object *json, const struct template_type *type)
{
	if (type && type->kind == TEMPLATE_ANY)
		type = NULL;
	if (!json)
		return zero_of(type);
	if (type && type_table[type->kind].json != json_object_get_type(json))
		type = NULL; /* the data knows better than the table */
	struct value v = from_json(json);
	v.type = type;
	v.boxed = !type;
	return v;
}

static struct json_object *list_to_json(const struct value *v)
{
	struct json_object *copy = json_object_new_array();
	for (size_t i = 0; i < v->count; i++)
		json_object_array_add(
			copy, json_object_get(json_object_array_get_idx(v->json, v->first + i)));
	return copy;
}

static struct json_object *real_to_json(double real)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(64);
	value_put_real(&text, real, true);
	return json_object_new_double_s(real, strbuf_text(&text));
}

struct json_object *value_to_json(const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		return json_object_new_boolean(v->truth);
	case VALUE_INT:
		return json_object_new_int64(v->integer);
	case VALUE_FLOAT:
		return real_to_json(v->real);
	case VALUE_STRING:
		return json_object_new_string_len(v->text.s, (int)v->text.len);
	case VALUE_LIST:
		return v->json ? list_to_json(v) : NULL;
	case VALUE_MAP:
		return json_object_get(v->json);
	default:
		return NULL;
	}
}

bool value_is_nothing(const struct value *v)
{
	return v->kind == VALUE_NIL && !v->boxed && !v->type;
}

bool value_is_struct(const struct value *v)
{
	return v->kind == VALUE_MAP && v->type && v->type->kind == TEMPLATE_STRUCT;
}

bool value_is_container(const struct value *v)
{
	return v->kind >= VALUE_LIST && !value_is_struct(v);
}

bool value_truth(const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		return v->truth;
	case VALUE_INT:
		return v->integer != 0;
	case VALUE_FLOAT:
		return v->real != 0;
	case VALUE_STRING:
		return v->text.len > 0;
	case VALUE_LIST:
	case VALUE_MAP:
		return v->count > 0 || value_is_struct(v);
	default:
		return false;
	}
}

static bool all_strings(const struct value *v)
{
	if (v->kind == VALUE_LIST) {
		for (size_t i = 0; i < v->count; i++)
			if (!json_object_is_type(json_object_array_get_idx(v->json, v->first + i),
						 json_type_string))
				return false;
	} else if (v->json) {
		struct json_object_iterator i = json_object_iter_begin(v->json),
					    end = json_object_iter_end(v->json);
		for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i))
			if (!json_object_is_type(json_object_iter_peek_value(&i), json_type_string))
				return false;
	}
	return true;
}

bool value_is_string_list(const struct value *v)
{
	return v->kind == VALUE_LIST && all_strings(v);
}

const char *value_type_name(const struct value *v)
{
	static const char *const names[] = {
		[VALUE_NIL] = "<nil>",     [VALUE_BOOL] = "bool",     [VALUE_INT] = "int",
		[VALUE_FLOAT] = "float64", [VALUE_STRING] = "string",
	};
	if (v->type && v->type->name)
		return v->type->name;
	if (v->kind == VALUE_LIST)
		return all_strings(v) ? "[]string" : "[]interface {}";
	if (v->kind == VALUE_MAP)
		return all_strings(v) ? "map[string]string" : "map[string]interface {}";
	return names[v->kind];
}

const char *value_static_type_name(const struct value *v)
{
	return v->boxed ? "interface {}" : value_type_name(v);
}

struct value value_element(const struct value *list, size_t i)
{
	assert(list->kind == VALUE_LIST && i < list->count);
	return value_from_json(json_object_array_get_idx(list->json, list->first + i),
			       list->type ? list->type->elem : NULL);
}

/* json-c wants a C string; a key with a NUL in it cannot be there. */
static bool json_member(struct json_object *json, struct span key, struct json_object **ret)
{
	CLEANUP_FREE char *name = strndup(key.s, key.len);
	return json && name && strlen(name) == key.len &&
	       json_object_object_get_ex(json, name, ret);
}

bool value_member(const struct value *map, struct span key, struct value *ret)
{
	struct json_object *json = NULL;
	bool found = json_member(map->json, key, &json);
	const struct template_type *type = map->type ? map->type->elem : NULL;
	if (value_is_struct(map) && map->type->fields) {
		const struct template_field *f = map->type->fields;
		while (f->name && !span_is(key, f->name))
			f++;
		found = f->name;
		type = f->type;
	}
	if (found)
		*ret = value_from_json(json, type);
	return found;
}

struct value value_zero_member(const struct value *map)
{
	if (map->type && map->type->elem)
		return zero_of(map->type->elem);
	return all_strings(map) ? value_string(span_of("")) : zero_of(NULL);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **value_keys(const struct value *map, struct arena *a)
{
	const struct template_field *fields = value_is_struct(map) ? map->type->fields : NULL;
	size_t count = 0, i = 0;
	while (fields && fields[count].name)
		count++;
	const char **keys = arena_array(a, (fields ? count : map->count) + 1, sizeof(*keys));
	for (; i < count; i++)
		keys[i] = fields[i].name;
	if (fields || !map->json)
		return keys;
	json_object_object_foreach(map->json, key, member)
	{
		keys[i++] = key;
	}
	if (!value_is_struct(map))
		qsort(keys, i, sizeof(*keys), by_bytes);
	return keys;
}

void value_put_real(struct strbuf *out, double real, bool json)
{
	char shortest[64];
	int digits = 0;
	do
		snprintf(shortest, sizeof(shortest), "%.*e", digits++, real);
	while (digits < 17 && strtod(shortest, NULL) != real);
	char *e = strchr(shortest, 'e');
	int exponent = e ? (int)strtol(e + 1, NULL, 10) : 0;
	if (e && exponent >= (json ? -6 : -4) && exponent < (json ? 21 : 6)) {
		strbuf_printf(out, "%.*f", digits - 1 > exponent ? digits - 1 - exponent : 0, real);
		return;
	}
	if (json && e && e[2] == '0') /* e-7 where fmt writes e-07 */
		memmove(e + 2, e + 3, strlen(e + 3) + 1);
	strbuf_puts(out, shortest);
}
