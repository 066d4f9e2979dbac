/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: registries.conf. What is accepted leads to endpoints with a host and a path. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/registry/registries.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct registries r = {0};
	struct array list = {0};
	struct err e = {0};
	char *text = arena_strndup(&a, (const char *)data, size);
	if (registries_parse(text, &r, &a, &e) < 0) {
		check(e.number > 0 && *e.text);
		return 0;
	}
	if (registries_endpoints(&r, "a.example", "b/c", false, false, &list, &a, &e) < 0) {
		check(e.number > 0 && *e.text);
		return 0;
	}
	const struct endpoint *at = list.items;
	for (size_t i = 0; i < list.count; i++)
		check(*at[i].host && *at[i].path && !strchr(at[i].host, '/'));
	return 0;
}
