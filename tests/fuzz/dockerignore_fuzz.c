/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: .dockerignore: patterns on the lines, a path on the last one. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "build/ignore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct ignore ig;
	if (size > 2048)
		return 0;
	char *text = arena_strndup(&a, (const char *)data, size);
	const char *last = strrchr(text, '\n');
	ignore_parse(text, &a, &ig);
	ignore_matches(&ig, last ? last + 1 : text);
	return 0;
}
