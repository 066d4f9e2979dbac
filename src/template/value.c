/* SPDX-License-Identifier: Apache-2.0 */
/* JSON seen as Go values. Rests on json-c. Read value.h first. */
#include "template/value.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct span value_span(const char *text)
{
	return (struct span){text, strlen(text)};
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

/* Which kind the zero value of a type has; what JSON types may stand for it. */
static const struct {
	enum value_kind zero;
	json_type json;
} type_table[] = {
	[TEMPLATE_ANY] = {VALUE_NIL, json_type_null},
	[TEMPLATE_STRUCT] = {VALUE_MAP, json_type_object},
	[TEMPLATE_MAP] = {VALUE_MAP, json_type_object},
	[TEMPLATE_LIST] = {VALUE_LIST, json_type_array},
	[TEMPLATE_STRING] = {VALUE_STRING, json_type_string},
	[TEMPLATE_INT] = {VALUE_INT, json_type_int},
	[TEMPLATE_FLOAT] = {VALUE_FLOAT, json_type_double},
	[TEMPLATE_BOOL] = {VALUE_BOOL, json_type_boolean},
};

static struct value zero_of(const struct template_type *type)
{
	struct value v = {.kind = VALUE_NIL, .type = type, .boxed = !type};
	if (type && !type->pointer)
		v.kind = type_table[type->kind].zero;
	if (v.kind == VALUE_STRING)
		v.text = (struct span){"", 0};
	return v;
}

static void set_int(struct value *v, struct json_object *json)
{
	v->kind = VALUE_INT;
	v->integer = json_object_get_int64(json);
	if (v->integer != INT64_MAX)
		return;
	uint64_t natural = json_object_get_uint64(json);
	if (natural <= INT64_MAX)
		return;
	v->kind = VALUE_UINT;
	v->natural = natural;
}

struct value value_from_json(struct json_object *json, const struct template_type *type)
{
	json_type is = json_object_get_type(json);
	if (type && type->kind == TEMPLATE_ANY)
		type = NULL;
	if (is == json_type_null)
		return zero_of(type);
	if (type && type_table[type->kind].json != is)
		type = NULL; /* the data knows better than the table */
	struct value v = {.type = type, .boxed = !type};
	if (is == json_type_boolean) {
		v.kind = VALUE_BOOL;
		v.truth = json_object_get_boolean(json);
	} else if (is == json_type_int) {
		set_int(&v, json);
	} else if (is == json_type_double) {
		v.kind = VALUE_FLOAT;
		v.real = json_object_get_double(json);
	} else if (is == json_type_string) {
		v.kind = VALUE_STRING;
		v.text = (struct span){json_object_get_string(json),
				       (size_t)json_object_get_string_len(json)};
	} else {
		bool list = is == json_type_array;
		v.kind = list ? VALUE_LIST : VALUE_MAP;
		v.json = json;
		v.count = list ? json_object_array_length(json)
			       : (size_t)json_object_object_length(json);
	}
	return v;
}

static struct json_object *list_to_json(const struct value *v)
{
	struct json_object *copy = json_object_new_array();
	for (size_t i = 0; copy && i < v->count; i++)
		json_object_array_add(
			copy, json_object_get(json_object_array_get_idx(v->json, v->first + i)));
	return copy;
}

struct json_object *value_to_json(const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		return json_object_new_boolean(v->truth);
	case VALUE_INT:
		return json_object_new_int64(v->integer);
	case VALUE_UINT:
		return json_object_new_uint64(v->natural);
	case VALUE_FLOAT:
		return json_object_new_double(v->real);
	case VALUE_STRING:
		return json_object_new_string_len(v->text.s, (int)v->text.len);
	case VALUE_LIST:
		return list_to_json(v);
	case VALUE_MAP:
		return v->json ? json_object_get(v->json) : json_object_new_object();
	default:
		return NULL;
	}
}

void value_unbox(struct value *v)
{
	v->boxed = false;
	if (v->kind == VALUE_NIL && !v->type)
		v->kind = VALUE_NONE;
}

bool value_is_struct(const struct value *v)
{
	return v->kind == VALUE_MAP && v->type && v->type->kind == TEMPLATE_STRUCT;
}

bool value_truth(const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		return v->truth;
	case VALUE_INT:
		return v->integer != 0;
	case VALUE_UINT:
		return true;
	case VALUE_FLOAT:
		return v->real != 0;
	case VALUE_STRING:
		return v->text.len > 0;
	case VALUE_LIST:
		return v->count > 0;
	case VALUE_MAP:
		return v->count > 0 || value_is_struct(v);
	default:
		return false;
	}
}

static bool all_strings(const struct value *v)
{
	if (!v->json)
		return true;
	if (v->kind == VALUE_MAP) {
		json_object_object_foreach(v->json, key, member)
		{
			(void)key;
			if (!json_object_is_type(member, json_type_string))
				return false;
		}
		return true;
	}
	for (size_t i = 0; i < v->count; i++)
		if (!json_object_is_type(json_object_array_get_idx(v->json, v->first + i),
					 json_type_string))
			return false;
	return true;
}

bool value_is_string_list(const struct value *v)
{
	return v->kind == VALUE_LIST && all_strings(v);
}

const char *value_type_name(const struct value *v)
{
	static const char *const names[] = {
		[VALUE_NONE] = "<nil>",    [VALUE_NIL] = "<nil>",   [VALUE_BOOL] = "bool",
		[VALUE_INT] = "int",       [VALUE_UINT] = "uint64", [VALUE_FLOAT] = "float64",
		[VALUE_STRING] = "string",
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

const struct template_field *value_struct_field(const struct value *v, struct span name)
{
	const struct template_field *f = value_is_struct(v) ? v->type->fields : NULL;
	for (; f && f->name; f++)
		if (strlen(f->name) == name.len && !memcmp(f->name, name.s, name.len))
			return f;
	return NULL;
}

/* json-c wants a C string; a key with a NUL in it cannot be there. */
static bool json_member(struct json_object *json, struct span key, struct json_object **ret)
{
	char name[256];
	if (!json || memchr(key.s, '\0', key.len))
		return false;
	if (key.len < sizeof(name)) {
		memcpy(name, key.s, key.len);
		name[key.len] = '\0';
		return json_object_object_get_ex(json, name, ret);
	}
	json_object_object_foreach(json, other, member)
	{
		if (strlen(other) == key.len && !memcmp(other, key.s, key.len)) {
			*ret = member;
			return true;
		}
	}
	return false;
}

bool value_member(const struct value *map, struct span key, struct value *ret)
{
	struct json_object *json = NULL;
	const struct template_type *type = map->type ? map->type->elem : NULL;
	if (value_is_struct(map) && map->type->fields) {
		const struct template_field *f = value_struct_field(map, key);
		if (!f)
			return false;
		json_member(map->json, key, &json);
		*ret = value_from_json(json, f->type);
		return true;
	}
	if (!json_member(map->json, key, &json))
		return false;
	*ret = value_from_json(json, type);
	return true;
}

struct value value_zero_member(const struct value *map)
{
	if (map->type && map->type->elem)
		return value_from_json(NULL, map->type->elem);
	return all_strings(map) ? value_string((struct span){"", 0}) : zero_of(NULL);
}

static const char **struct_keys(const struct value *v, struct arena *a)
{
	size_t count = 0;
	const struct template_field *fields = v->type->fields;
	while (fields[count].name)
		count++;
	const char **keys = arena_array(a, count + 1, sizeof(*keys));
	for (size_t i = 0; i < count; i++)
		keys[i] = fields[i].name;
	return keys;
}

const char **value_keys_unsorted(const struct value *map, struct arena *a)
{
	if (value_is_struct(map) && map->type->fields)
		return struct_keys(map, a);
	const char **keys = arena_array(a, map->count + 1, sizeof(*keys));
	size_t i = 0;
	if (!map->json)
		return keys;
	json_object_object_foreach(map->json, key, member)
	{
		(void)member;
		keys[i++] = key;
	}
	return keys;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **value_keys(const struct value *map, struct arena *a)
{
	const char **keys = value_keys_unsorted(map, a);
	if (!value_is_struct(map))
		qsort(keys, map->count, sizeof(*keys), by_bytes);
	return keys;
}
