/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of templates. Sources: the documentation of Go's text/template ("Functions") and
 * of its packages strings and encoding/json; docker's "Format command and log output" for json,
 * split, join, title, lower, upper, pad, truncate. Read exec.h first; the table is at the end.
 */
#include "template/exec.h"

#include <ctype.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "template/format.h"

#define FAIL(a, ...) err_set((a)->x->err, EINVAL, ERR_INVALID, __VA_ARGS__)

/* --- looking into values --- */

static int func_len(const struct func_args *a, struct value *ret)
{
	if (a->v->kind == VALUE_NIL)
		return FAIL(a, "len of nil pointer");
	if (a->v->kind != VALUE_STRING && !value_is_container(a->v))
		return FAIL(a, "len of type %s", value_type_name(a->v));
	*ret = value_int((int64_t)(a->v->kind == VALUE_STRING ? a->v->text.len : a->v->count));
	return 0;
}

/* An index into something of length @max; @max itself is an end. */
static int index_of(const struct func_args *a, const struct value *index, size_t max, size_t *ret)
{
	if (index->kind == VALUE_NIL)
		return FAIL(a, "cannot index slice/array with nil");
	if (index->kind != VALUE_INT)
		return FAIL(a, "cannot index slice/array with type %s", value_type_name(index));
	if (index->integer < 0 || (uint64_t)index->integer > max)
		return FAIL(a, "index out of range: %lld", (long long)index->integer);
	*ret = (size_t)index->integer;
	return 0;
}

static int index_list(const struct func_args *a, const struct value *index, struct value *item)
{
	bool string = item->kind == VALUE_STRING;
	size_t len = string ? item->text.len : item->count, i = 0;
	int r = index_of(a, index, len, &i);
	if (r)
		return r;
	if (i == len)
		return FAIL(a, "reflect: %s index out of range", string ? "string" : "slice");
	*item = string ? value_int((uint8_t)item->text.s[i]) : value_element(item, i);
	return 0;
}

static int index_map(const struct func_args *a, const struct value *index, struct value *item)
{
	struct value member;
	if (index->kind == VALUE_NIL)
		return FAIL(a, "value is nil; should be of type string");
	if (index->kind != VALUE_STRING)
		return FAIL(a, "value has type %s; should be string", value_type_name(index));
	bool found = value_member(item, index->text, &member);
	*item = found ? member : value_zero_member(item);
	return 0;
}

static int func_index(const struct func_args *a, struct value *ret)
{
	int r = 0;
	*ret = a->v[0];
	if (ret->kind == VALUE_NIL && !ret->type)
		return FAIL(a, "index of untyped nil");
	for (size_t i = 1; !r && i < a->count; i++) {
		if (ret->kind == VALUE_NIL)
			r = FAIL(a, "index of nil pointer");
		else if (ret->kind == VALUE_STRING || ret->kind == VALUE_LIST)
			r = index_list(a, &a->v[i], ret);
		else if (value_is_container(ret))
			r = index_map(a, &a->v[i], ret);
		else
			r = FAIL(a, "can't index item of type %s", value_type_name(ret));
	}
	return r;
}

static int func_slice(const struct func_args *a, struct value *ret)
{
	bool string = a->v->kind == VALUE_STRING;
	*ret = a->v[0];
	if (ret->kind == VALUE_NIL)
		return FAIL(a, "slice of untyped nil");
	if (a->count > 4)
		return FAIL(a, "too many slice indexes: %zu", a->count - 1);
	if (string && a->count == 4)
		return FAIL(a, "cannot 3-index slice a string");
	if (!string && ret->kind != VALUE_LIST)
		return FAIL(a, "can't slice item of type %s", value_type_name(ret));
	size_t len = string ? ret->text.len : ret->count, bounds[] = {0, len, len};
	for (size_t i = 1; i < a->count; i++) {
		int r = index_of(a, &a->v[i], len, &bounds[i - 1]);
		if (r)
			return r;
	}
	for (size_t i = 0; i < 2; i++)
		if (bounds[i] > bounds[i + 1])
			return FAIL(a, "invalid slice index: %zu > %zu", bounds[i], bounds[i + 1]);
	if (string)
		ret->text = (struct span){ret->text.s + bounds[0], bounds[1] - bounds[0]};
	else
		ret->first += bounds[0], ret->count = bounds[1] - bounds[0];
	return 0;
}

static int func_not(const struct func_args *a, struct value *ret)
{
	*ret = value_bool(!value_truth(a->v));
	return 0;
}

/* There are no functions among JSON's values. */
static int func_call(const struct func_args *a, struct value *ret)
{
	if (a->v->kind == VALUE_NIL)
		return FAIL(a, "call of nil");
	return FAIL(a, "non-function of type %s", value_type_name(a->v));
}

/* --- comparing: Go compares only what has the same kind; nil with anything --- */

enum order { LESS = 1, EQUAL = 2, GREATER = 4 };

static enum order order_of(const struct value *a, const struct value *b)
{
	int r = 0;
	if (a->kind == VALUE_BOOL)
		r = a->truth - b->truth;
	else if (a->kind == VALUE_INT)
		r = (a->integer > b->integer) - (a->integer < b->integer);
	else if (a->kind == VALUE_FLOAT)
		r = (a->real > b->real) - (a->real < b->real);
	else
		r = memcmp(a->text.s, b->text.s,
			   a->text.len < b->text.len ? a->text.len : b->text.len);
	if (!r && a->kind == VALUE_STRING)
		r = (a->text.len > b->text.len) - (a->text.len < b->text.len);
	return r < 0 ? LESS : r > 0 ? GREATER : EQUAL;
}

/* nil, or a map or list that is not there. */
static bool is_nil(const struct value *v)
{
	return v->kind == VALUE_NIL || (v->kind >= VALUE_LIST && v->type && !v->json);
}

static int equal(const struct func_args *a, const struct value *v, const struct value *w, bool *ret)
{
	if (is_nil(v) || is_nil(w))
		*ret = is_nil(v) && is_nil(w);
	else if (v->kind != w->kind)
		return FAIL(a, "incompatible types for comparison");
	else if (v->kind >= VALUE_LIST)
		return FAIL(a, "non-comparable type %s", value_type_name(v));
	else
		*ret = order_of(v, w) == EQUAL;
	return 0;
}

/* eq has any number of candidates, ne one. */
static int func_equal(const struct func_args *a, struct value *ret)
{
	bool truth = false;
	if (a->count < 2)
		return FAIL(a, "missing argument for comparison");
	for (size_t i = 1; i < a->count && !truth; i++) {
		int r = equal(a, &a->v[0], &a->v[i], &truth);
		if (r)
			return r;
	}
	*ret = value_bool(truth == (a->mode == EQUAL));
	return 0;
}

static int func_order(const struct func_args *a, struct value *ret)
{
	for (size_t i = 0; i < 2; i++)
		if (a->v[i].kind < VALUE_INT || a->v[i].kind > VALUE_STRING)
			return FAIL(a, "invalid type for comparison");
	if (a->v[0].kind != a->v[1].kind)
		return FAIL(a, "incompatible types for comparison");
	*ret = value_bool(a->mode & order_of(&a->v[0], &a->v[1]));
	return 0;
}

/* --- printing --- */

static int func_print(const struct func_args *a, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(a->x);
	template_print(&out, &a->x->arena, a->v, a->count, a->mode);
	return template_exec_keep(a->x, &out, ret);
}

static int func_printf(const struct func_args *a, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(a->x);
	template_printf(&out, &a->x->arena, a->v[0].text, a->v + 1, a->count - 1);
	return template_exec_keep(a->x, &out, ret);
}

/* json-c leaves broken UTF-8 and two separators as they are; Go's encoding/json does not. */
static int func_json(const struct func_args *a, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(a->x);
	struct json_object *json = value_to_json(a->v);
	size_t len = 0, width;
	const char *text = json_object_to_json_string_length(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	for (; len; text += width, len -= width) {
		uint32_t c;
		width = utf8_decode(text, len, &c);
		if ((c == UTF8_BROKEN && width == 1) || c == 0x2028 || c == 0x2029)
			strbuf_printf(&out, "\\u%04x", c);
		else
			strbuf_add(&out, text, width);
	}
	json_object_put(json);
	return template_exec_keep(a->x, &out, ret);
}

/* --- escaping for other languages --- */

enum language { HTML, JS, URL };

static const struct {
	char c;
	const char *text[2]; /* by language */
} escapes[] = {
	{'\0', {"\xEF\xBF\xBD", "\\u0000"}},
	{'"', {"&#34;", "\\\""}},
	{'\'', {"&#39;", "\\'"}},
	{'&', {"&amp;", "\\u0026"}},
	{'<', {"&lt;", "\\u003C"}},
	{'>', {"&gt;", "\\u003E"}},
	{'\\', {"\\", "\\\\"}},
	{'=', {"=", "\\u003D"}},
};

static void escape_text(struct strbuf *out, char c, int language)
{
	size_t i = 0;
	while (i < ARRAY_LEN(escapes) && escapes[i].c != c)
		i++;
	if (i < ARRAY_LEN(escapes))
		strbuf_puts(out, escapes[i].text[language]);
	else if (language == JS && (unsigned char)c < 0x20)
		strbuf_printf(out, "\\u%04X", (unsigned char)c);
	else
		strbuf_putc(out, c);
}

static void escape_url(struct strbuf *out, char c)
{
	if (c == ' ')
		strbuf_putc(out, '+');
	else if (isalnum((unsigned char)c) || (c && strchr("-_.~", c)))
		strbuf_putc(out, c);
	else
		strbuf_printf(out, "%%%02X", (unsigned char)c);
}

/* The escapers take anything, print it, and escape what was printed. */
static int func_escape(const struct func_args *a, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf text = template_exec_buffer(a->x);
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(a->x);
	struct value *shown = arena_array(&a->x->arena, a->count + 1, sizeof(*shown));
	for (size_t i = 0; i < a->count; i++)
		shown[i] = a->v[i].kind == VALUE_NIL && !a->v[i].type
				   ? value_string(span_of("<no value>"))
				   : a->v[i];
	template_print(&text, &a->x->arena, shown, a->count, false);
	for (size_t i = 0; i < text.len; i++) {
		if (a->mode == URL)
			escape_url(&out, text.buf[i]);
		else
			escape_text(&out, text.buf[i], a->mode);
	}
	out.failed |= text.failed;
	return template_exec_keep(a->x, &out, ret);
}

/* --- docker's string functions --- */

/* Where the next piece of @s ends; all of it when there is no separator any more. */
static size_t piece_len(struct span s, struct span separator)
{
	uint32_t c;
	if (!separator.len)
		return utf8_decode(s.s, s.len, &c);
	const char *at = memmem(s.s, s.len, separator.s, separator.len);
	return at ? (size_t)(at - s.s) : s.len;
}

static int func_split(const struct func_args *a, struct value *ret)
{
	enum { PIECE_COST = 128 }; /* what a piece takes of json-c, about */
	struct span s = a->v[0].text, separator = a->v[1].text;
	struct json_object *list = json_object_new_array();
	json_object_array_add(a->x->owned, list);
	for (bool more = s.len || separator.len; more;) {
		size_t len = s.len ? piece_len(s, separator) : 0;
		if (a->x->scratch > TEMPLATE_SCRATCH_MAX - PIECE_COST)
			return FAIL(a, "too many pieces");
		a->x->scratch += PIECE_COST;
		json_object_array_add(list, json_object_new_string_len(s.s, (int)len));
		more = len < s.len;
		len += more ? separator.len : 0;
		s = (struct span){s.s + len, s.len - len};
	}
	*ret = value_from_json(list, NULL);
	return 0;
}

static int func_join(const struct func_args *a, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(a->x);
	for (size_t i = 0; i < a->v[0].count; i++) {
		struct span piece = value_element(&a->v[0], i).text, separator = a->v[1].text;
		strbuf_add(&out, separator.s, i ? separator.len : 0);
		strbuf_add(&out, piece.s, piece.len);
	}
	return template_exec_keep(a->x, &out, ret);
}

/* ASCII only. Go's Title sees a word behind all that is no letter, digit or underscore. */
enum letters { UPPER, LOWER, TITLE };

static int func_letters(const struct func_args *a, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(a->x);
	bool starts = true;
	for (size_t i = 0; i < a->v->text.len; i++) {
		unsigned char c = (unsigned char)a->v->text.s[i];
		bool up = a->mode == UPPER || (a->mode == TITLE && starts);
		strbuf_putc(&out, (char)(up ? toupper(c) : a->mode == LOWER ? tolower(c) : c));
		starts = c < 0x80 && c != '_' && !isalnum(c);
	}
	return template_exec_keep(a->x, &out, ret);
}

static int func_pad(const struct func_args *a, struct value *ret)
{
	CLEANUP_STRBUF struct strbuf out = template_exec_buffer(a->x);
	int64_t before = a->v[1].integer, after = a->v[2].integer;
	if (a->v[0].text.len) {
		if (before < 0 || after < 0)
			return FAIL(a, "strings: negative Repeat count");
		strbuf_fill(&out, ' ', (size_t)before);
		strbuf_add(&out, a->v[0].text.s, a->v[0].text.len);
		strbuf_fill(&out, ' ', (size_t)after);
	}
	return template_exec_keep(a->x, &out, ret);
}

static int func_truncate(const struct func_args *a, struct value *ret)
{
	int64_t len = a->v[1].integer;
	if (len < 0)
		return FAIL(a, "runtime error: slice bounds out of range [:%lld]", (long long)len);
	*ret = a->v[0];
	if ((uint64_t)len < ret->text.len)
		ret->text.len = (size_t)len;
	return 0;
}

/* By name, for the eye; found by scanning, once per word when a template is parsed. */
static const struct template_func functions[] = {
	{"and", "vv*", .mode = false},
	{"call", "vv*", .call = func_call},
	{"eq", "vv*", .mode = EQUAL, .call = func_equal},
	{"ge", "vv", .mode = GREATER | EQUAL, .call = func_order},
	{"gt", "vv", .mode = GREATER, .call = func_order},
	{"html", "v*", .mode = HTML, .call = func_escape},
	{"index", "vv*", .call = func_index},
	{"join", "ls", .header = true, .call = func_join},
	{"js", "v*", .mode = JS, .call = func_escape},
	{"json", "v", .header = true, .call = func_json},
	{"le", "vv", .mode = LESS | EQUAL, .call = func_order},
	{"len", "v", .call = func_len},
	{"lower", "s", .header = true, .mode = LOWER, .call = func_letters},
	{"lt", "vv", .mode = LESS, .call = func_order},
	{"ne", "vv", .mode = LESS | GREATER, .call = func_equal},
	{"not", "v", .call = func_not},
	{"or", "vv*", .mode = true},
	{"pad", "sii", .call = func_pad},
	{"print", "v*", .call = func_print},
	{"printf", "sv*", .call = func_printf},
	{"println", "v*", .mode = true, .call = func_print},
	{"slice", "vv*", .call = func_slice},
	{"split", "ss", .header = true, .call = func_split},
	{"title", "s", .header = true, .mode = TITLE, .call = func_letters},
	{"truncate", "si", .header = true, .call = func_truncate},
	{"upper", "s", .header = true, .mode = UPPER, .call = func_letters},
	{"urlquery", "v*", .mode = URL, .call = func_escape},
};

const struct template_func *template_func_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(functions); i++)
		if (!strcmp(functions[i].name, name))
			return &functions[i];
	return NULL;
}
