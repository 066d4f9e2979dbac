/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: path_clean. Its result is absolute, has no "." or ".." or empty component, is no longer
 * than its input, and is its own clean form.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	char *text = arena_strndup(&a, (const char *)data, size);
	char *clean = path_clean(&a, text);
	check(clean[0] == '/' && strlen(clean) <= strlen(text) + 1);
	check(!strcmp(path_clean(&a, clean), clean));
	for (char *part = clean; *part;) {
		part++;
		size_t len = strcspn(part, "/");
		check(len > 0 || !strcmp(clean, "/"));
		check(!(len == 1 && part[0] == '.') && !(len == 2 && !memcmp(part, "..", 2)));
		part += len;
	}
	path_is_component(text);
	name_is_valid(text, 128);
	return 0;
}
