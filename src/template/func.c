/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of templates. Sources: the documentation of Go's text/template ("Functions") and
 * of its package strings; docker's "Format command and log output" for json, split, join, title,
 * lower, upper, pad, truncate. Read func.h first; the table is at the end.
 */
#include "template/func.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/cleanup.h"
#include "template/compare.h"
#include "template/escape.h"
#include "template/format.h"
#include "template/quote.h"

/* --- looking into values --- */

static int func_len(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	const struct value *v = args;
	if (v->kind == VALUE_NONE)
		return template_exec_reason(x, "reflect: call of reflect.Value.Type on zero Value");
	if (v->kind == VALUE_NIL)
		return template_exec_reason(x, "len of nil pointer");
	if (v->kind == VALUE_STRING)
		*ret = value_int((int64_t)v->text.len);
	else if (v->kind >= VALUE_LIST && !value_is_struct(v))
		*ret = value_int((int64_t)v->count);
	else
		return template_exec_reason(x, "len of type %s", value_type_name(v));
	return 0;
}

static int index_of(struct exec *x, const struct value *index, size_t max, size_t *ret)
{
	if (index->kind == VALUE_NONE || index->kind == VALUE_NIL)
		return template_exec_reason(x, "cannot index slice/array with nil");
	if (index->kind == VALUE_UINT)
		return template_exec_reason(x, "index out of range: %lld",
					    (long long)index->natural);
	if (index->kind != VALUE_INT)
		return template_exec_reason(x, "cannot index slice/array with type %s",
					    value_type_name(index));
	if (index->integer < 0 || (uint64_t)index->integer > max)
		return template_exec_reason(x, "index out of range: %lld",
					    (long long)index->integer);
	*ret = (size_t)index->integer;
	return 0;
}

static int index_list(struct exec *x, const struct value *index, struct value *item)
{
	bool string = item->kind == VALUE_STRING;
	size_t len = string ? item->text.len : item->count, i = 0;
	int r = index_of(x, index, len, &i);
	if (r)
		return r;
	if (i == len)
		return template_exec_reason(x, "reflect: %s index out of range",
					    string ? "string" : "slice");
	*item = string ? value_int((uint8_t)item->text.s[i]) : value_element(item, i);
	return 0;
}

static int index_map(struct exec *x, const struct value *index, struct value *item)
{
	struct value member;
	if (index->kind == VALUE_NONE || index->kind == VALUE_NIL)
		return template_exec_reason(x, "value is nil; should be of type string");
	if (index->kind != VALUE_STRING)
		return template_exec_reason(x, "value has type %s; should be string",
					    value_type_name(index));
	bool found = value_member(item, index->text, &member);
	*item = found ? member : value_zero_member(item);
	return 0;
}

static int index_one(struct exec *x, const struct value *index, struct value *item)
{
	if (item->kind == VALUE_NIL)
		return template_exec_reason(x, "index of nil pointer");
	if (item->kind == VALUE_STRING || item->kind == VALUE_LIST)
		return index_list(x, index, item);
	if (item->kind == VALUE_MAP && !value_is_struct(item))
		return index_map(x, index, item);
	return template_exec_reason(x, "can't index item of type %s", value_type_name(item));
}

static int func_index(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	struct value item = args[0];
	if (item.kind == VALUE_NONE || (item.kind == VALUE_NIL && !item.type))
		return template_exec_reason(x, "index of untyped nil");
	for (size_t i = 1; i < count; i++) {
		int r = index_one(x, &args[i], &item);
		if (r)
			return r;
	}
	*ret = item;
	return 0;
}

static int slice_bounds(struct exec *x, const struct value *args, size_t count, size_t bounds[3])
{
	size_t len = bounds[1];
	for (size_t i = 0; i < count; i++) {
		int r = index_of(x, &args[i], len, &bounds[i]);
		if (r)
			return r;
	}
	for (size_t i = 0; i + 1 < (count < 3 ? 2 : 3); i++)
		if (bounds[i] > bounds[i + 1])
			return template_exec_reason(x, "invalid slice index: %zu > %zu", bounds[i],
						    bounds[i + 1]);
	return 0;
}

static int func_slice(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	struct value v = args[0];
	if (v.kind == VALUE_NONE || v.kind == VALUE_NIL)
		return template_exec_reason(x, "slice of untyped nil");
	if (count > 4)
		return template_exec_reason(x, "too many slice indexes: %zu", count - 1);
	if (v.kind == VALUE_STRING && count == 4)
		return template_exec_reason(x, "cannot 3-index slice a string");
	if (v.kind != VALUE_STRING && v.kind != VALUE_LIST)
		return template_exec_reason(x, "can't slice item of type %s", value_type_name(&v));
	size_t bounds[3] = {0, v.kind == VALUE_STRING ? v.text.len : v.count, 0};
	int r = slice_bounds(x, args + 1, count - 1, bounds);
	if (r)
		return r;
	if (v.kind == VALUE_STRING)
		v.text = (struct span){v.text.s + bounds[0], bounds[1] - bounds[0]};
	else
		v.first += bounds[0], v.count = bounds[1] - bounds[0];
	*ret = v;
	return 0;
}

static int func_not(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)x;
	(void)count;
	*ret = value_bool(!value_truth(args));
	return 0;
}

static int func_call(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	(void)ret;
	if (args->kind == VALUE_NONE || args->kind == VALUE_NIL)
		return template_exec_reason(x, "call of nil");
	return template_exec_reason(x, "non-function of type %s", value_type_name(args));
}

/* --- printing --- */

static int func_print(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(x);
	template_print(&out, &x->arena, args, count);
	return template_exec_keep(x, &out, ret);
}

static int func_println(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(x);
	template_println(&out, &x->arena, args, count);
	return template_exec_keep(x, &out, ret);
}

static int func_printf(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(x);
	template_printf(&out, &x->arena, args[0].text, args + 1, count - 1);
	return template_exec_keep(x, &out, ret);
}

static int func_json(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(x);
	template_escape_json(&out, &x->arena, args);
	return template_exec_keep(x, &out, ret);
}

/* The escapers take anything, print it, and escape what was printed. */
static int escape_printed(struct exec *x, const struct value *args, size_t count, struct value *ret,
			  void (*escape)(struct strbuf *out, struct span s))
{
	CLEANUP_STRBUF struct strbuf text = template_exec_buffer(x);
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(x);
	struct value *shown = arena_array(&x->arena, count + 1, sizeof(*shown));
	for (size_t i = 0; i < count; i++) {
		bool nothing =
			args[i].kind == VALUE_NONE || (args[i].kind == VALUE_NIL && !args[i].type);
		shown[i] = nothing ? value_string(value_span("<no value>")) : args[i];
	}
	template_print(&text, &x->arena, shown, count);
	escape(&out, (struct span){strbuf_text(&text), text.len});
	if (!strbuf_ok(&text))
		out.failed = true;
	return template_exec_keep(x, &out, ret);
}

static int func_html(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	return escape_printed(x, args, count, ret, template_escape_html);
}

static int func_js(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	return escape_printed(x, args, count, ret, template_escape_js);
}

static int func_urlquery(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	return escape_printed(x, args, count, ret, template_escape_url);
}

/* --- docker's string functions --- */

static void split_add(struct json_object *list, struct span s)
{
	json_object_array_add(list, json_object_new_string_len(s.s, (int)s.len));
}

/* Where the next piece of @s ends, and how long the separator after it is. */
static size_t split_next(struct span s, struct span separator, size_t *ret_skip)
{
	size_t width;
	*ret_skip = separator.len;
	if (!separator.len) {
		template_rune(s, &width);
		return width < s.len ? width : SIZE_MAX;
	}
	const char *at = memmem(s.s, s.len, separator.s, separator.len);
	return at ? (size_t)(at - s.s) : SIZE_MAX;
}

static int func_split(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	struct span s = args[0].text;
	struct json_object *list = template_exec_own(x, json_object_new_array());
	size_t end, skip;
	/* Each piece costs json-c some 100 bytes: count them as scratch. */
	while (s.len && (end = split_next(s, args[1].text, &skip)) != SIZE_MAX) {
		if (x->scratch > TEMPLATE_SCRATCH_MAX - 128)
			return template_exec_reason(x, "too many pieces");
		x->scratch += 128;
		split_add(list, (struct span){s.s, end});
		s.s += end + skip;
		s.len -= end + skip;
	}
	if (s.len || args[1].text.len)
		split_add(list, s);
	*ret = value_from_json(list, NULL);
	ret->boxed = false;
	return 0;
}

static int func_join(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(x);
	for (size_t i = 0; i < args[0].count; i++) {
		struct value piece = value_element(&args[0], i);
		if (i)
			strbuf_add(&out, args[1].text.s, args[1].text.len);
		strbuf_add(&out, piece.text.s, piece.text.len);
	}
	return template_exec_keep(x, &out, ret);
}

static char to_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int map_bytes(struct exec *x, const struct value *v, struct value *ret, char (*map)(char))
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(x);
	for (size_t i = 0; i < v->text.len; i++)
		strbuf_putc(&out, map(v->text.s[i]));
	return template_exec_keep(x, &out, ret);
}

static int func_upper(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	return map_bytes(x, args, ret, to_upper);
}

static int func_lower(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	return map_bytes(x, args, ret, to_lower);
}

static int func_title(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(x);
	bool starts = true;
	for (size_t i = 0; i < args->text.len; i++) {
		char c = args->text.s[i];
		strbuf_putc(&out, starts ? to_upper(c) : c);
		starts = !(c < 0 || c == '_' || (c >= '0' && c <= '9') ||
			   (to_lower(c) >= 'a' && to_lower(c) <= 'z'));
	}
	return template_exec_keep(x, &out, ret);
}

static void pad_spaces(struct strbuf *out, int64_t count)
{
	char *at = count > 0 ? strbuf_reserve(out, (size_t)count) : NULL;
	if (at) {
		memset(at, ' ', (size_t)count);
		out->len += (size_t)count;
		out->buf[out->len] = '\0';
	}
}

static int func_pad(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(x);
	if (args[0].text.len) {
		if (args[1].integer < 0 || args[2].integer < 0)
			return template_exec_reason(x, "strings: negative Repeat count");
		pad_spaces(&out, args[1].integer);
		strbuf_add(&out, args[0].text.s, args[0].text.len);
		pad_spaces(&out, args[2].integer);
	}
	return template_exec_keep(x, &out, ret);
}

static int func_truncate(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	int64_t len = args[1].integer;
	if (len < 0)
		return template_exec_reason(x, "runtime error: slice bounds out of range [:%lld]",
					    (long long)len);
	*ret = value_string(args[0].text);
	if ((uint64_t)len < ret->text.len)
		ret->text.len = (size_t)len;
	return 0;
}

/* By name, for the eye; found by scanning, which is done once per word when a template is parsed.
 */
static const struct template_func functions[] = {
	{"and", "vv*", NULL, FUNC_AND, NULL},
	{"call", "vv*", NULL, FUNC_PLAIN, func_call},
	{"eq", "vv*", NULL, FUNC_PLAIN, template_compare_eq},
	{"ge", "vv", NULL, FUNC_PLAIN, template_compare_ge},
	{"gt", "vv", NULL, FUNC_PLAIN, template_compare_gt},
	{"html", "v*", NULL, FUNC_PLAIN, func_html},
	{"index", "vv*", NULL, FUNC_PLAIN, func_index},
	{"join", "ls", "ss", FUNC_PLAIN, func_join},
	{"js", "v*", NULL, FUNC_PLAIN, func_js},
	{"json", "v", "s", FUNC_PLAIN, func_json},
	{"le", "vv", NULL, FUNC_PLAIN, template_compare_le},
	{"len", "v", NULL, FUNC_PLAIN, func_len},
	{"lower", "s", "s", FUNC_PLAIN, func_lower},
	{"lt", "vv", NULL, FUNC_PLAIN, template_compare_lt},
	{"ne", "vv", NULL, FUNC_PLAIN, template_compare_ne},
	{"not", "v", NULL, FUNC_PLAIN, func_not},
	{"or", "vv*", NULL, FUNC_OR, NULL},
	{"pad", "sii", NULL, FUNC_PLAIN, func_pad},
	{"print", "v*", NULL, FUNC_PLAIN, func_print},
	{"printf", "sv*", NULL, FUNC_PLAIN, func_printf},
	{"println", "v*", NULL, FUNC_PLAIN, func_println},
	{"slice", "vv*", NULL, FUNC_PLAIN, func_slice},
	{"split", "ss", "ss", FUNC_PLAIN, func_split},
	{"title", "s", "s", FUNC_PLAIN, func_title},
	{"truncate", "si", "si", FUNC_PLAIN, func_truncate},
	{"upper", "s", "s", FUNC_PLAIN, func_upper},
	{"urlquery", "v*", NULL, FUNC_PLAIN, func_urlquery},
};

const struct template_func *template_func_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (template_span_equal(value_span(functions[i].name), name))
			return &functions[i];
	return NULL;
}
