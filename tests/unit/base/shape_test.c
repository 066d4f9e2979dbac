/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to structs and back, by table. */
#include "tests/unit/unit.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/shape.h"
#include "base/strbuf.h"

struct inner {
	char *name;
	int64_t n;
};
static const struct field inner_fields[] = {
	FIELD(struct inner, name, "name", FIELD_STR, .flags = FIELD_REQUIRED),
	FIELD(struct inner, n, "n", FIELD_I64),
};
static const struct shape inner_shape = SHAPE(struct inner, inner_fields);

struct outer {
	char *s, *keep, *null, *raw;
	bool b;
	int64_t i, u;
	double f;
	struct opt_i64 oi;
	struct opt_bool ob;
	struct strv v, set;
	struct kvs m;
	struct inner in;
	struct inner *p;
	struct array list, numbers;
};
static const struct field outer_fields[] = {
	FIELD(struct outer, s, "s", FIELD_STR),
	FIELD(struct outer, keep, "keep", FIELD_STR, .flags = FIELD_KEEP),
	FIELD(struct outer, null, "null", FIELD_STR, .flags = FIELD_NULL),
	FIELD(struct outer, raw, "raw", FIELD_RAW),
	FIELD(struct outer, b, "b", FIELD_BOOL),
	FIELD(struct outer, i, "i", FIELD_I64),
	FIELD(struct outer, u, "u", FIELD_U64),
	FIELD(struct outer, f, "f", FIELD_F64),
	FIELD(struct outer, oi, "oi", FIELD_OPT_I64),
	FIELD(struct outer, ob, "ob", FIELD_OPT_BOOL),
	FIELD(struct outer, v, "v", FIELD_STRV),
	FIELD(struct outer, set, "set", FIELD_SET),
	FIELD(struct outer, m, "m", FIELD_KVS),
	FIELD(struct outer, in, "in", FIELD_STRUCT, .shape = &inner_shape),
	FIELD(struct outer, p, "p", FIELD_PTR, .shape = &inner_shape),
	FIELD(struct outer, list, "list", FIELD_ARRAY, .shape = &inner_shape),
	FIELD(struct outer, numbers, "numbers", FIELD_NUMBERS),
};
static const struct shape outer_shape = SHAPE(struct outer, outer_fields);

static int parse(const char *text, struct outer *o, struct arena *a, struct err *e)
{
	*o = (struct outer){0};
	return shape_parse(&outer_shape, text, strlen(text), o, a, e);
}

/* Reads @text and gives what is written of it. */
static const char *round_trip(const char *text, struct arena *a)
{
	struct outer o;
	struct err e;
	if (parse(text, &o, a, &e) != 0)
		fail_msg("%s: %s", text, e.text);
	return shape_print(&outer_shape, &o, false, a);
}

static void everything_comes_back(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	static const char text[] =
		"{\"s\":\"a\\\"b/\\u00e4\",\"keep\":\"k\",\"null\":\"x\",\"raw\":{\"a\":[1,{\"b\":null}]},"
		"\"b\":true,\"i\":-9223372036854775808,\"u\":18446744073709551615,\"f\":1.5,\"oi\":0,"
		"\"ob\":false,\"v\":[\"x\",\"\"],\"set\":{\"80/tcp\":{}},\"m\":{\"k\":\"v\",\"e\":\"\"},"
		"\"in\":{\"name\":\"n\",\"n\":1},\"p\":{\"name\":\"p\"},\"list\":[{\"name\":\"1\"},{\"name\":\"2\","
		"\"n\":7}],\"numbers\":[0,-1,9223372036854775807]}";
	const char *once = round_trip(text, &a);
	assert_string_equal(round_trip(once, &a), once);
	struct outer o;
	struct err e;
	assert_int_equal(parse(once, &o, &a, &e), 0);
	assert_string_equal(o.s, "a\"b/\xc3\xa4");
	assert_true(o.i == INT64_MIN && o.u == -1 && o.b && o.f == 1.5);
	assert_true(o.oi.set && o.oi.value == 0 && o.ob.set && !o.ob.value);
	assert_int_equal(o.list.count, 2);
	assert_int_equal(((struct inner *)o.list.items)[1].n, 7);
	assert_string_equal(o.p->name, "p");
	assert_int_equal(((int64_t *)o.numbers.items)[2], INT64_MAX);
	assert_string_equal(kvs_get(&o.m, "k"), "v");
	assert_string_equal(o.raw, "{\"a\":[1,{\"b\":null}]}");
}

static void what_is_empty_is_left_out(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	assert_string_equal(round_trip("{}", &a), "{\"keep\":\"\",\"null\":null}");
	assert_string_equal(round_trip("{\"s\":null,\"v\":null,\"in\":null,\"p\":null,\"unknown\":[1]}", &a),
			    "{\"keep\":\"\",\"null\":null}");
	assert_string_equal(round_trip("{\"v\":[\"one\"]}", &a),
			    "{\"keep\":\"\",\"null\":null,\"v\":[\"one\"]}");
}

/* What cannot be read without a member is not written without it: an empty one was given. */
static void what_is_required_is_written(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	static const struct field fields[] = {
		FIELD(struct inner, name, "name", FIELD_STR, .flags = FIELD_REQUIRED),
	};
	static const struct shape shape = SHAPE(struct inner, fields);
	struct inner in = {0};
	struct err e;
	assert_int_equal(shape_parse(&shape, "{\"name\":\"\"}", 11, &in, &a, &e), 0);
	assert_string_equal(shape_print(&shape, &in, false, &a), "{\"name\":\"\"}");
	assert_int_equal(shape_parse(&shape, "{}", 2, &in, &a, &e), -EINVAL);
}

/* A value that is kept as text may be nested as deep as the document that it came in. */
static void raw_values_survive_depth(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	char text[256] = "{\"raw\":";
	for (int i = 0; i < 60; i++)
		strcat(text, "[");
	for (int i = 0; i < 60; i++)
		strcat(text, "]");
	strcat(text, "}");
	const char *once = round_trip(text, &a);
	assert_non_null(strstr(once, "[[[[[[[["));
	assert_string_equal(round_trip(once, &a), once);
}

static void errors_name_the_path(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} table[] = {
		{"[]", "expected an object"},
		{"{\"s\":1}", "s: expected a string"},
		{"{\"b\":\"true\"}", "b: expected true or false"},
		{"{\"i\":\"1\"}", "i: expected a number"},
		{"{\"i\":1.5}", "i: expected a number"},
		{"{\"i\":1e400}", "i: expected a number"},
		{"{\"i\":9223372036854775808}", "i: expected a number"},
		{"{\"i\":NaN}", "i: expected a number"},
		{"{\"f\":NaN}", "f: expected a number"},
		{"{\"f\":-Infinity}", "f: expected a number"},
		{"{\"u\":-2}", "u: expected a number"},
		{"{\"oi\":true}", "oi: expected a number"},
		{"{\"v\":\"one\"}", "v: expected an array of strings"},
		{"{\"v\":[1]}", "v: expected an array of strings"},
		{"{\"m\":{\"a\":1}}", "m: expected an object of strings"},
		{"{\"set\":[]}", "set: expected an object"},
		{"{\"in\":{}}", "in: name: missing"},
		{"{\"list\":[{\"name\":\"a\"},{\"name\":\"b\",\"n\":[]}]}", "list[1]: n: expected a number"},
		{"{\"list\":[null]}", "list[0]: expected an object"},
		{"{\"numbers\":[1,null]}", "numbers: expected an array of numbers"},
		{"{\"s\":\"a\\u0000b\"}", "s: contains a NUL byte"},
		{"{\"v\":[\"a\\u0000b\"]}", "v: expected an array of strings"},
		{"{\"m\":{\"k\":\"a\\u0000b\"}}", "m: expected an object of strings"},
	};
	CLEANUP_ARENA struct arena a = {0};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct outer o;
		struct err e = {0};
		int r = parse(table[i].text, &o, &a, &e);
		if (r != -EINVAL)
			fail_msg("accepted: %s", table[i].text);
		assert_string_equal(e.text, table[i].error);
	}
}

static int json(const char *text, size_t len)
{
	struct json_object *o = NULL;
	struct err e;
	int r = json_parse(text, len, &o, &e);
	json_object_put(o);
	return r;
}

static void json_is_strict(void **state)
{
	(void)state;
	static const char *const good[] = {"{}", "[1]", " { } \r\n\t", "12", "-1.5e3", "\"s\"", "true",
					   "null", "\"\\ud83d\\ude00\""};
	static const char *const bad[] = {"", " ", "{", "}", "[1,]", "{\"a\":1,}", "{a:1}",
					  "[1] x", "[1][2]", "{}}", "12 13", "nul",
					  "\"\xff\"", "\"a", "/* c */ {}", "01"};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (json(good[i], strlen(good[i])) != 0)
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (json(bad[i], strlen(bad[i])) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(json("{}\0garbage", 10), -EINVAL);
	assert_int_equal(json("{}\0", 3), -EINVAL);
	assert_int_equal(json("{}garbage", 2), 0);
}

static void depth_is_limited(void **state)
{
	(void)state;
	char text[400];
	for (int depth = 1; depth < 200; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		text[2 * depth] = '\0';
		assert_int_equal(json(text, (size_t)(2 * depth)), depth <= JSON_DEPTH_MAX ? 0 : -EINVAL);
	}
}

/* Byte for byte what json-c prints of the same. */
static void text_is_that_of_a_tree(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"", "plain", "\"quoted\\\"", "/\b\f\n\r\t", "\x01\x1f\x7f", "\xc3\xa4", "{[:,"};
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(4096);
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	json_text_open(&out, '{');
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_object_object_add(o, texts[i], json_object_new_string(texts[i]));
		json_text_key(&out, texts[i]);
		json_text_string(&out, texts[i]);
		json_object_array_add(list, json_object_new_string(texts[i]));
	}
	json_add(o, "list", list);
	json_add_int(o, "least", INT64_MIN);
	json_add_bool(o, "no", false);
	json_add_string(o, "none", NULL);
	json_text_key(&out, "list");
	json_text_object(&out, json_object_get(list));
	json_text_key(&out, "least");
	json_text_int(&out, INT64_MIN);
	json_text_key(&out, "no");
	json_text_raw(&out, "false");
	json_text_key(&out, "none");
	json_text_string(&out, NULL);
	json_text_close(&out, '}');
	assert_string_equal(strbuf_text(&out),
			    json_object_to_json_string_ext(
				    o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

/* What was read for the text before stays as it was. */
static void equal_texts_are_read_once(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	static const char *const texts[] = {"{\"name\":\"x\",\"n\":1}", "{\"name\":\"x\",\"n\":1}",
					    "{\"name\":\"y\"}", "{\"n\":2}"};
	struct shape_last last = {0};
	struct inner in[4] = {0};
	struct err e;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(shape_parse_next(&inner_shape, texts[i], &last, &in[i], &a, &e),
				 0);
	assert_int_equal(shape_parse_next(&inner_shape, texts[3], &last, &in[3], &a, &e), -EINVAL);
	assert_ptr_equal(in[0].name, in[1].name);
	assert_int_equal(in[1].n, 1);
	assert_string_equal(in[2].name, "y");
	assert_int_equal(in[2].n, 0);
	assert_int_equal(shape_parse_next(&inner_shape, texts[2], NULL, &in[3], &a, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(what_is_empty_is_left_out),
		cmocka_unit_test(what_is_required_is_written),
		cmocka_unit_test(raw_values_survive_depth),
		cmocka_unit_test(errors_name_the_path),
		cmocka_unit_test(json_is_strict),
		cmocka_unit_test(text_is_that_of_a_tree),
		cmocka_unit_test(equal_texts_are_read_once),
		cmocka_unit_test(depth_is_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
