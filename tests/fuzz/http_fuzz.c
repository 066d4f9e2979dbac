/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: heads of HTTP requests, and the routes that their paths lead to. What is accepted has
 * a path and a method, and no text with a line's end in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct http_request q;
	struct err e;
	const char *arg = NULL;
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
	route_find(q.method, q.path, &a, &arg);
	check(http_parse_chunk(q.path + 1, &chunk) < 0 || chunk < UINT64_C(1) << 60);
	return 0;
}
