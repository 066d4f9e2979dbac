/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: heads of HTTP requests, the routes that their paths lead to, their filters and
 * numbers, and what a version makes of a body (the bytes behind the head) and of an answer. What is
 * accepted has a path and a method, and no text with a line's end in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

static void check_all(const struct kvs *m)
{
	for (size_t i = 0; i < m->count; i++)
		check(m->items[i].key && m->items[i].value);
}

static void check_parameters(struct call *c)
{
	struct strv filters = {0};
	struct err e = {0};
	int64_t number;
	if (param_filters(c, &filters, &e) < 0)
		check(e.number != 0);
	for (size_t i = 0; i < filters.count; i++)
		check(strchr(filters.items[i], '=') != NULL);
	param_int(c, "limit", &number, &e);
	param_true(c, "all", false);
}

static void check_versions(struct call *c, const char *body, size_t len)
{
	CLEANUP_JSON struct json_object *o = NULL;
	struct err e = {0};
	if (json_parse(body, len, &o, &e) < 0)
		return;
	for (c->minor = API_MINOR_MIN; c->minor <= API_MINOR_MAX; c->minor++) {
		if (version_of_asked(c, o, &e) < 0)
			check(e.number != 0);
		version_of_answer(c, o);
	}
	check(json_object_to_json_string(o) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct http_request q;
	struct err e;
	struct call c = {.q = &q, .a = &a, .minor = API_MINOR_MAX};
	uint64_t chunk;
	size_t end = http_head_end((const char *)data, size);
	check(end <= size);
	if (http_parse((const char *)data, end ? end : size, &a, &q, &e) < 0) {
		check(e.number != 0);
		return 0;
	}
	check(*q.path == '/' && !strpbrk(q.method, " \r\n"));
	check(!q.chunked || !q.length);
	check(q.params.count <= HTTP_PARAMS_MAX && q.headers.count <= HTTP_HEADERS_MAX);
	check_all(&q.params);
	check_all(&q.headers);
	c.route = route_find(q.method, q.path, &a, &c.arg);
	check_parameters(&c);
	if (c.route && end)
		check_versions(&c, (const char *)data + end, size - end);
	check(http_parse_chunk(q.path + 1, &chunk) < 0 || chunk < UINT64_C(1) << 60);
	return 0;
}
