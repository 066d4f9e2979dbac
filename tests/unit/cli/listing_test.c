/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, ps rows and small texts, against what docker's client prints for the same containers. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/listing.h"
#include "cli/ps.h"
#include "cli/table.h"
#include "cli/text.h"

static struct arena arena;
static const int64_t second = 1000000000;

static char *printed_table(const char *text, size_t width_min)
{
	char *out = NULL;
	size_t len = 0;
	struct err e = {0};
	FILE *f = open_memstream(&out, &len);
	assert_int_equal(table_print(f, text, strlen(text), width_min, &e), 0);
	fclose(f);
	char *copy = arena_strdup(&arena, out);
	free(out);
	return copy;
}

static void columns_are_aligned(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", ""},
		{"a\n", "a\n"},
		{"A\tB\n", "A         B\n"},
		{"CONTAINER ID\tIMAGE\tNAMES\n", "CONTAINER ID   IMAGE     NAMES\n"},
		{"A\tB\nlonger than ten\tc\n", "A                 B\nlonger than ten   c\n"},
		{"ä…\tB\n12\tc\n", "ä…        B\n12        c\n"}, /* characters, not bytes */
		{"a\t\tb\n", "a                   b\n"},
		/* A line without the column ends its run. */
		{"aaaaaaaaaaaa\tb\nplain\nc\td\n", "aaaaaaaaaaaa   b\nplain\nc         d\n"},
		{"a\tb\t\n", "a         b         \n"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(printed_table(cases[i].in, TABLE_WIDTH_MIN), cases[i].out);
	assert_string_equal(printed_table("PID\tCMD\n", 20), "PID                 CMD\n");
}

static struct container sample(void)
{
	struct container c = {.name = "web",
			      .image_name = "busybox",
			      .command = "sleep 1000 and more words",
			      .status = CONTAINER_RUNNING};
	memset(c.id, 'a', ID_LEN);
	kvs_set(&arena, &c.labels, "b", "2");
	kvs_set(&arena, &c.labels, "com.example.a", "1");
	c.created = clock_real_ns() - 7300 * second;
	c.started = clock_real_ns() - 65 * second;
	return c;
}

static char *listed(const char *format, const struct container *c, bool no_trunc)
{
	struct ps_context x = {.now = clock_real_ns()};
	const struct listing_view view = {&arena, no_trunc, .more = &x};
	struct listing_out out CLEANUP_LISTING = {0};
	struct err e = {0};
	char *text = NULL;
	size_t len = 0;
	int r = listing_open(&out, &ps_listing, format,
			     "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.Names}}", &view, &e);
	if (r == 0)
		r = listing_row(&out, c, &e);
	if (r < 0)
		return arena_strdup(&arena, e.text);
	FILE *f = open_memstream(&text, &len);
	assert_int_equal(listing_print(&out, f, &e), 0);
	fclose(f);
	char *copy = arena_strdup(&arena, text);
	free(text);
	return copy;
}

static void ps_rows(void **state)
{
	(void)state;
	struct container c = sample();
	assert_string_equal(listed(NULL, &c, false),
			    "CONTAINER ID   IMAGE     COMMAND                  NAMES\n"
			    "aaaaaaaaaaaa   busybox   \"sleep 1000 and more…\"   web\n");
	assert_string_equal(listed("{{.ID}} {{.Command}}", &c, true),
			    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
			    "\"sleep 1000 and more words\"\n");
	assert_string_equal(listed("{{.Status}}|{{.RunningFor}}|{{.State}}", &c, false),
			    "Up About a minute|2 hours ago|running\n");
	assert_string_equal(listed("{{.Labels}}|{{.Label \"b\"}}|{{.Label \"x\"}}", &c, false),
			    "b=2,com.example.a=1|2|\n");
	assert_string_equal(
		listed("table {{.Names}}\\t{{.Label \"com.example.a-b_c\"}}", &c, false),
		"NAMES     a b c\nweb       \n");
	assert_string_equal(listed("{{.Names}}\\n{{upper .Names}}", &c, false), "web\nWEB\n");
	assert_non_null(strstr(listed("json", &c, false),
			       "{\"Command\":\"\\\"sleep 1000 and more…\\\"\","));
	assert_non_null(
		strstr(listed("{{.Nope}}", &c, false), "can't evaluate field Nope in type"));
	c.image_name = "sha256:0123456789abcdef";
	assert_string_equal(listed("{{.Image}}", &c, false), "0123456789ab\n");
	c.image_name = "";
	assert_string_equal(listed("{{.Image}}", &c, false), "<no image>\n");
}

static void statuses(void **state)
{
	(void)state;
	int64_t now = clock_real_ns();
	struct container c = {
		.started = now - 180 * second, .finished = now - 2 * second, .exit_code = 3};
	static const struct {
		enum container_status status;
		const char *text;
	} cases[] = {
		{CONTAINER_CREATED, "Created"},
		{CONTAINER_RUNNING, "Up 3 minutes"},
		{CONTAINER_PAUSED, "Up 3 minutes (Paused)"},
		{CONTAINER_EXITED, "Exited (3) 2 seconds ago"},
		{CONTAINER_REMOVING, "Removal In Progress"},
		{CONTAINER_DEAD, "Dead"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c.status = cases[i].status;
		assert_string_equal(container_status_text(&arena, &c, now), cases[i].text);
	}
}

static void texts(void **state)
{
	(void)state;
	assert_string_equal(text_ellipsis(&arena, "12345", 5), "12345");
	assert_string_equal(text_ellipsis(&arena, "123456", 5), "1234…");
	assert_string_equal(text_ellipsis(&arena, "äöüßé!", 5), "äöüß…");
	assert_string_equal(text_ellipsis(&arena, "", 5), "");
	assert_string_equal(text_quote(&arena, "a \"b\"\t\\\x01ä"), "\"a \\\"b\\\"\\t\\\\\\x01ä\"");
}

static void json_as_go_indents_it(void **state)
{
	(void)state;
	struct err e = {0};
	static const char in[] =
		"{\"a\":[],\"b\":{},\"c\":[1,\"x/y\"],\"d\":null,\"e\":{\"f\":true}}";
	CLEANUP_JSON struct json_object *o = NULL;
	struct strbuf out CLEANUP_STRBUF = STRBUF_MAX(1024);
	assert_int_equal(json_parse(in, strlen(in), &o, &e), 0);
	json_print(&out, o, 0);
	assert_string_equal(strbuf_text(&out), "{\n"
					       "    \"a\": [],\n"
					       "    \"b\": {},\n"
					       "    \"c\": [\n"
					       "        1,\n"
					       "        \"x/y\"\n"
					       "    ],\n"
					       "    \"d\": null,\n"
					       "    \"e\": {\n"
					       "        \"f\": true\n"
					       "    }\n"
					       "}");
}

static int release(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(ps_rows),
		cmocka_unit_test(statuses),
		cmocka_unit_test(texts),
		cmocka_unit_test(json_as_go_indents_it),
	};
	return cmocka_run_group_tests(tests, NULL, release);
}
