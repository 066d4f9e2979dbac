/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing structs as JSON by table. Rests on json-c.
 * Invariant: what shape_write writes, shape_read reads back equal. Read shape.h first.
 */
#include "base/shape.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

int json_parse(const char *text, size_t len, struct json_object **ret, struct err *e)
{
	if (len > INT_MAX)
		return err_set(e, EFBIG, ERR_INVALID, "JSON text is too long");
	/* Kept: to make one takes longer than most texts do. */
	static struct json_tokener *t;
	if (!t && !(t = json_tokener_new_ex(JSON_DEPTH_MAX)))
		return err_errno(e, ENOMEM, "cannot parse JSON");
	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *o = json_tokener_parse_ex(t, text, (int)len);
	enum json_tokener_error why = json_tokener_get_error(t);
	size_t end = json_tokener_get_parse_end(t);
	/* A bare number is complete only once a NUL says so. */
	if (why == json_tokener_continue) {
		o = json_tokener_parse_ex(t, "", 1);
		why = json_tokener_get_error(t);
		end = len;
	}
	json_tokener_reset(t);
	while (end < len && text[end] && strchr(" \t\r\n", text[end]))
		end++;
	if (why == json_tokener_success && end < len)
		why = json_tokener_error_parse_unexpected;
	if (why != json_tokener_success) {
		json_object_put(o);
		return err_set(e, EINVAL, ERR_INVALID, "not valid JSON: %s at byte %zu",
			       json_tokener_error_desc(why), end);
	}
	*ret = o;
	return 0;
}

static const char *const type_names[] = {
	[FIELD_STR] = "a string",
	[FIELD_BOOL] = "true or false",
	[FIELD_I64] = "a number",
	[FIELD_F64] = "a number",
	[FIELD_U64] = "a number",
	[FIELD_NUMBERS] = "an array of numbers",
	[FIELD_OPT_I64] = "a number",
	[FIELD_OPT_BOOL] = "true or false",
	[FIELD_STRV] = "an array of strings",
	[FIELD_KVS] = "an object of strings",
	[FIELD_SET] = "an object",
	[FIELD_STRUCT] = "an object",
	[FIELD_PTR] = "an object",
	[FIELD_ARRAY] = "an array",
	[FIELD_MAP] = "an object",
	[FIELD_RAW] = "a value",
};

static int wrong_type(const struct field *f, struct err *e)
{
	return err_set(e, EINVAL, ERR_INVALID, "%s: expected %s", f->name, type_names[f->type]);
}

/* json-c keeps NUL bytes of a string; a C string ends at the first. */
static bool is_text(struct json_object *v)
{
	return json_object_is_type(v, json_type_string) &&
	       strlen(json_object_get_string(v)) == (size_t)json_object_get_string_len(v);
}

static int read_strv(struct json_object *v, struct strv *out, struct arena *a)
{
	*out = (struct strv){0};
	if (!json_object_is_type(v, json_type_array))
		return -EINVAL;
	for (size_t i = 0; i < json_object_array_length(v); i++) {
		struct json_object *item = json_object_array_get_idx(v, i);
		if (!is_text(item))
			return -EINVAL;
		strv_push(a, out, json_object_get_string(item));
	}
	return 0;
}

static int read_object(enum field_type type, struct json_object *v, void *out, struct arena *a)
{
	if (!json_object_is_type(v, json_type_object))
		return -EINVAL;
	memset(out, 0, type == FIELD_KVS ? sizeof(struct kvs) : sizeof(struct strv));
	json_object_object_foreach(v, key, value)
	{
		if (type == FIELD_SET)
			strv_push(a, out, key);
		else if (!is_text(value))
			return -EINVAL;
		else
			kvs_set(a, out, key, json_object_get_string(value));
	}
	return 0;
}

static int read_array(const struct field *f, struct json_object *v, struct array *out,
		      struct arena *a, struct err *e)
{
	if (!json_object_is_type(v, json_type_array))
		return wrong_type(f, e);
	size_t n = json_object_array_length(v);
	*out = (struct array){arena_array(a, n, f->shape->size), n};
	for (size_t i = 0; i < n; i++) {
		int r = shape_read(f->shape, json_object_array_get_idx(v, i),
				   (char *)out->items + i * f->shape->size, a, e);
		if (r < 0)
			return err_context(e, "%s[%zu]", f->name, i);
	}
	return 0;
}

static int read_map(const struct field *f, struct json_object *v, struct array *out,
		    struct arena *a, struct err *e)
{
	if (!json_object_is_type(v, json_type_object))
		return wrong_type(f, e);
	size_t size = f->shape->size, n = 0;
	char *items = arena_array(a, (size_t)json_object_object_length(v), size);
	json_object_object_foreach(v, key, value)
	{
		char *at = items + n++ * size;
		int r = shape_read(f->shape, value, at, a, e);
		if (r < 0)
			return err_context(e, "%s.%s", f->name, key);
		*(char **)at = arena_strdup(a, key);
	}
	*out = (struct array){items, n};
	return 0;
}

/* json-c clamps what exceeds an int64_t; a clamped number is not the one that was written. */
static int read_i64(struct json_object *v, int64_t *out)
{
	if (json_object_is_type(v, json_type_int)) {
		int64_t value = json_object_get_int64(v);
		if (value == INT64_MAX && json_object_get_uint64(v) > INT64_MAX)
			return -EINVAL;
		*out = value;
		return 0;
	}
	/* "1e3" and "5.0" are whole numbers, too; 2^63 as a double is the first that does not fit.
	 */
	double d = json_object_get_double(v);
	if (!json_object_is_type(v, json_type_double) || !(d >= -0x1p63 && d < 0x1p63) ||
	    d != (double)(int64_t)d)
		return -EINVAL;
	*out = (int64_t)d;
	return 0;
}

/* Beyond INT64_MAX only the largest number has a meaning here, which -1 stands for. */
static int read_u64(struct json_object *v, int64_t *out)
{
	if (!json_object_is_type(v, json_type_int)) {
		int r = read_i64(v, out);
		return r == 0 && *out < -1 ? -EINVAL : r; /* -8.0 is no more unsigned than -8 */
	}
	if (json_object_get_int64(v) < -1)
		return -EINVAL;
	uint64_t value = json_object_get_uint64(v);
	if (json_object_get_int64(v) == -1 || value == UINT64_MAX)
		*out = -1;
	else
		*out = value > INT64_MAX ? INT64_MAX : (int64_t)value;
	return 0;
}

static int read_numbers(struct json_object *v, struct array *out, struct arena *a)
{
	if (!json_object_is_type(v, json_type_array))
		return -EINVAL;
	size_t n = json_object_array_length(v);
	int64_t *items = arena_array(a, n, sizeof(*items));
	for (size_t i = 0; i < n; i++) {
		struct json_object *item = json_object_array_get_idx(v, i);
		if (!item || read_i64(item, &items[i]) < 0)
			return -EINVAL;
	}
	*out = (struct array){items, n};
	return 0;
}

static int read_field(const struct field *f, struct json_object *v, void *at, struct arena *a,
		      struct err *e)
{
	bool is_number, is_bool = json_object_is_type(v, json_type_boolean);
	switch (f->type) {
	case FIELD_STR:
		if (!json_object_is_type(v, json_type_string))
			return wrong_type(f, e);
		if (strlen(json_object_get_string(v)) != (size_t)json_object_get_string_len(v))
			return err_set(e, EINVAL, ERR_INVALID, "%s: contains a NUL byte", f->name);
		*(char **)at = arena_strdup(a, json_object_get_string(v));
		return 0;
	case FIELD_BOOL:
		*(bool *)at = json_object_get_boolean(v);
		return is_bool ? 0 : wrong_type(f, e);
	case FIELD_OPT_BOOL:
		*(struct opt_bool *)at = (struct opt_bool){true, json_object_get_boolean(v)};
		return is_bool ? 0 : wrong_type(f, e);
	case FIELD_I64:
		return read_i64(v, at) < 0 ? wrong_type(f, e) : 0;
	case FIELD_U64:
		return read_u64(v, at) < 0 ? wrong_type(f, e) : 0;
	case FIELD_NUMBERS:
		return read_numbers(v, at, a) < 0 ? wrong_type(f, e) : 0;
	case FIELD_OPT_I64:
		((struct opt_i64 *)at)->set = true;
		return read_i64(v, &((struct opt_i64 *)at)->value) < 0 ? wrong_type(f, e) : 0;
	case FIELD_F64:
		*(double *)at = json_object_get_double(v);
		is_number = json_object_is_type(v, json_type_double) ||
			    json_object_is_type(v, json_type_int);
		/* json-c takes NaN and Infinity, JSON does not. */
		return is_number && __builtin_isfinite(*(double *)at) ? 0 : wrong_type(f, e);
	case FIELD_STRV:
		return read_strv(v, at, a) < 0 ? wrong_type(f, e) : 0;
	case FIELD_KVS:
	case FIELD_SET:
		return read_object(f->type, v, at, a) < 0 ? wrong_type(f, e) : 0;
	case FIELD_PTR:
		at = *(void **)at = arena_alloc(a, f->shape->size);
		__attribute__((fallthrough));
	case FIELD_STRUCT:
		return shape_read(f->shape, v, at, a, e) < 0 ? err_context(e, "%s", f->name) : 0;
	case FIELD_ARRAY:
		return read_array(f, v, at, a, e);
	case FIELD_MAP:
		return read_map(f, v, at, a, e);
	case FIELD_RAW:
		*(char **)at =
			arena_strdup(a, json_object_to_json_string_ext(v, JSON_C_TO_STRING_PLAIN));
		return 0;
	}
	assert(!"unknown field type");
	return 0;
}

int shape_read(const struct shape *s, struct json_object *o, void *out, struct arena *a,
	       struct err *e)
{
	if (!json_object_is_type(o, json_type_object))
		return err_set(e, EINVAL, ERR_INVALID, "expected an object");
	/* Most objects have few of the fields. */
	size_t left = (size_t)json_object_object_length(o);
	for (size_t i = 0; i < s->count; i++) {
		const struct field *f = &s->fields[i];
		struct json_object *v = NULL;
		left -= left && json_object_object_get_ex(o, f->name, &v);
		if (!v) {
			if (f->flags & FIELD_REQUIRED)
				return err_set(e, EINVAL, ERR_INVALID, "%s: missing", f->name);
			continue;
		}
		int r = read_field(f, v, (char *)out + f->offset, a, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int shape_parse(const struct shape *s, const char *text, size_t len, void *out, struct arena *a,
		struct err *e)
{
	CLEANUP_JSON struct json_object *o = NULL;
	int r = json_parse(text, len, &o, e);
	return r < 0 ? r : shape_read(s, o, out, a, e);
}

int shape_parse_next(const struct shape *s, const char *text, struct shape_last *last, void *out,
		     struct arena *a, struct err *e)
{
	if (last && last->text && !strcmp(last->text, text)) {
		memcpy(out, last->value, s->size);
		return 0;
	}
	int r = shape_parse(s, text, strlen(text), out, a, e);
	if (r == 0 && last) {
		*last = (struct shape_last){arena_strdup(a, text), arena_alloc(a, s->size)};
		memcpy(last->value, out, s->size);
	}
	return r;
}

static struct json_object *write_set(const struct strv *v)
{
	struct json_object *o = json_object_new_object();
	for (size_t i = 0; i < v->count; i++)
		json_object_object_add(o, v->items[i], json_object_new_object());
	return o;
}

static struct json_object *write_array(const struct field *f, const struct array *v)
{
	struct json_object *o = json_object_new_array();
	for (size_t i = 0; i < v->count; i++)
		json_object_array_add(
			o, shape_write(f->shape, (const char *)v->items + i * f->shape->size));
	return o;
}

static struct json_object *write_map(const struct field *f, const struct array *v)
{
	struct json_object *o = json_object_new_object();
	for (size_t i = 0; i < v->count; i++) {
		const char *at = (const char *)v->items + i * f->shape->size;
		json_object_object_add(o, *(char *const *)at, shape_write(f->shape, at));
	}
	return o;
}

static struct json_object *write_numbers(const struct array *v)
{
	struct json_object *o = json_object_new_array();
	for (size_t i = 0; i < v->count; i++)
		json_object_array_add(o, json_object_new_int64(((const int64_t *)v->items)[i]));
	return o;
}

/* Text that shape_read kept: it was valid, and at most JSON_DEPTH_MAX deep. */
static struct json_object *write_raw(const char *text)
{
	struct json_object *o = NULL;
	return text && json_parse(text, strlen(text), &o, ERR_IGNORED) == 0 ? o : NULL;
}

/* Whether a field has its zero value; of a struct, whether nothing of it needs to be written. */
static bool is_empty(const struct field *f, const void *at)
{
	switch (f->type) {
	case FIELD_STR:
		return !*(char *const *)at || !**(char *const *)at;
	case FIELD_RAW:
	case FIELD_PTR:
		return !*(void *const *)at;
	case FIELD_BOOL:
		return !*(const bool *)at;
	case FIELD_I64:
	case FIELD_U64:
		return !*(const int64_t *)at;
	case FIELD_F64:
		return *(const double *)at == 0;
	case FIELD_OPT_I64:
		return !((const struct opt_i64 *)at)->set;
	case FIELD_OPT_BOOL:
		return !((const struct opt_bool *)at)->set;
	case FIELD_STRV:
	case FIELD_SET:
		return !((const struct strv *)at)->count;
	case FIELD_KVS:
		return !((const struct kvs *)at)->count;
	case FIELD_NUMBERS:
	case FIELD_ARRAY:
	case FIELD_MAP:
		return !((const struct array *)at)->count;
	case FIELD_STRUCT:
		for (size_t i = 0; i < f->shape->count; i++) {
			const struct field *member = &f->shape->fields[i];
			if (member->flags & (FIELD_KEEP | FIELD_NULL) ||
			    !is_empty(member, (const char *)at + member->offset))
				return false;
		}
		return true;
	}
	assert(!"unknown field type");
	return false;
}

static struct json_object *write_field(const struct field *f, const void *at)
{
	const char *s;
	switch (f->type) {
	case FIELD_STR:
		s = *(char *const *)at;
		return json_object_new_string(s ? s : "");
	case FIELD_RAW:
		return write_raw(*(char *const *)at);
	case FIELD_BOOL:
		return json_object_new_boolean(*(const bool *)at);
	case FIELD_I64:
		return json_object_new_int64(*(const int64_t *)at);
	case FIELD_U64:
		return json_object_new_uint64((uint64_t) * (const int64_t *)at);
	case FIELD_NUMBERS:
		return write_numbers(at);
	case FIELD_F64:
		return json_object_new_double(*(const double *)at);
	case FIELD_OPT_I64:
		return json_object_new_int64(((const struct opt_i64 *)at)->value);
	case FIELD_OPT_BOOL:
		return json_object_new_boolean(((const struct opt_bool *)at)->value);
	case FIELD_STRV:
		return json_of_strv(at);
	case FIELD_SET:
		return write_set(at);
	case FIELD_KVS:
		return json_of_kvs(at);
	case FIELD_PTR:
		at = *(void *const *)at;
		return at ? shape_write(f->shape, at) : NULL;
	case FIELD_STRUCT:
		return shape_write(f->shape, at);
	case FIELD_ARRAY:
		return write_array(f, at);
	case FIELD_MAP:
		return write_map(f, at);
	}
	assert(!"unknown field type");
	return NULL;
}

/* The names are the tables' own: no copies, and no two are the same. */
static void add(struct json_object *o, const char *name, struct json_object *value)
{
	json_object_object_add_ex(o, name, value,
				  JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

struct json_object *shape_write(const struct shape *s, const void *in)
{
	struct json_object *o = json_object_new_object();
	for (size_t i = 0; i < s->count; i++) {
		const struct field *f = &s->fields[i];
		const void *at = (const char *)in + f->offset;
		bool empty = is_empty(f, at);
		bool keep = f->flags & (FIELD_KEEP | FIELD_REQUIRED);
		bool as_it_is = keep && !(f->flags & FIELD_NULL);
		struct json_object *v = empty && !as_it_is ? NULL : write_field(f, at);
		if (!empty || keep || f->flags & FIELD_NULL)
			add(o, f->name, v);
	}
	return o;
}

char *shape_print(const struct shape *s, const void *in, bool pretty, struct arena *a)
{
	CLEANUP_JSON struct json_object *o = shape_write(s, in);
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	flags |=
		pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;
	return arena_strdup(a, json_object_to_json_string_ext(o, flags));
}

void *array_push(struct arena *a, struct array *list, size_t size)
{
	char *items = arena_array(a, list->count + 1, size);
	if (list->count)
		memcpy(items, list->items, list->count * size);
	list->items = items;
	return items + size * list->count++;
}

char *kvs_print(const struct kvs *m, struct arena *a)
{
	CLEANUP_JSON struct json_object *o = json_of_kvs(m);
	return arena_strdup(a, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

int kvs_parse(const char *text, struct kvs *m, struct arena *a, struct err *e)
{
	CLEANUP_JSON struct json_object *o = NULL;
	int r = json_parse(text, strlen(text), &o, e);
	if (r < 0)
		return r;
	if (!json_object_is_type(o, json_type_object))
		return err_set(e, EINVAL, ERR_INVALID, "expected an object");
	json_object_object_foreach(o, key, value) kvs_set(a, m, key, json_object_get_string(value));
	return 0;
}
