/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a Dockerfile, and the words of its instructions. Nothing may crash or leak. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "build/dockerfile.h"
#include "build/expand.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct dockerfile d;
	struct err e = {0};
	struct strv env = {0};
	char *word, *text = arena_strndup(&a, (const char *)data, size);
	if (size > 4096)
		return 0;
	int r = dockerfile_parse("Dockerfile", text, size, &a, &d, &e);
	if (r < 0 && (!e.text[0] || e.number != -r))
		abort();
	strv_push(&a, &env, "A=some/value.tar.gz");
	for (size_t i = 0; r == 0 && i < d.count; i++) {
		const struct expand x = {{&env}, d.escape, NULL, &a};
		struct strv words = {0};
		if (d.items[i].last < d.items[i].first)
			abort();
		if (expand_split(d.items[i].rest, d.escape, &a, &words, &e) < 0)
			continue;
		for (size_t k = 0; k < words.count; k++)
			if (expand_word(&x, words.items[k], &word, &e) == 0 && !word)
				abort();
	}
	return 0;
}
