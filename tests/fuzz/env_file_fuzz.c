/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: files of environment variables and labels. What is taken has a name without blanks.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/env_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int bare = ENV_BARE_INHERIT; bare <= ENV_BARE_EMPTY; bare++) {
		struct arena a = {0};
		struct err e = {0};
		struct strv lines = {0};
		int r = env_text_read((const char *)data, size, (enum env_bare)bare, &lines, &a,
				      &e);
		if (r < 0 && (!e.text[0] || e.number != -r))
			abort();
		for (size_t i = 0; i < lines.count; i++) {
			size_t name = strcspn(lines.items[i], "=");
			if (!name || strcspn(lines.items[i], " \t\n") < name)
				abort();
		}
		arena_free(&a);
	}
	return 0;
}
