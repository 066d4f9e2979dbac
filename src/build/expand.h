/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a Dockerfile: quotes, the escape character, and variables with their modifiers
 * (${NAME:-word}, :+ :? and without the colon, # ## % %% / //), by the rules of the Dockerfile
 * reference. No shell runs.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

enum { EXPAND_MAX = 1 << 20, EXPAND_DEPTH_MAX = 32, EXPAND_MATCH_MAX = 4096 };

struct expand {
	const struct strv *vars[3]; /* "NAME=VALUE"; the first that has it wins; NULL: none */
	char escape;
	struct strv *missing; /* gets the names of those that are not set; or NULL */
	struct arena *a;
};

/** One word: variables replaced, quotes taken off. Blanks do not end it. */
int expand_word(const struct expand *x, const char *text, char **ret, struct err *e);
/** The variables alone: quotes and escapes stay. For here-documents, whose text has none. */
int expand_text(const struct expand *x, const char *text, char **ret, struct err *e);
/** Cut at blanks outside of quotes, which stay in the words. -E2BIG above 1024. */
int expand_split(const char *text, char escape, struct arena *a, struct strv *ret, struct err *e);
/** Go's path.Match with one more: "**" crosses slashes. @prefix: what is below a match matches. */
bool pattern_matches(const char *pattern, const char *path, bool prefix);
