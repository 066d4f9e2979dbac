/* SPDX-License-Identifier: Apache-2.0 */
/* .dockerignore: which paths of a context do not exist for a build. Format: docker's reference. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

enum { IGNORE_FILE_MAX = 1 << 20, IGNORE_PATTERNS_MAX = 10000 };

struct ignore {
	struct strv patterns; /* cleaned; "!..." takes back */
	bool negations;       /* there is one: ignored folders must be looked into */
};

/** Comments, empty lines and what is over the limit are left out. */
void ignore_parse(const char *text, struct arena *a, struct ignore *ret);
/** Add one pattern. */
void ignore_add(struct ignore *ig, const char *line, struct arena *a);
/** Is @path (relative, clean) ignored? The last pattern that matches it or a parent decides. */
bool ignore_matches(const struct ignore *ig, const char *path);
