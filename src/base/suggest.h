/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean ...?": the known name that is nearest to a mistyped one. */
#pragma once

#include <stddef.h>

enum { SUGGEST_WORD_MAX = 32 }; /* longer words get no suggestion */

struct suggestion {
	const char *word; /* what was typed */
	const char *name; /* the best so far, NULL: none is near */
	size_t distance;
};

struct suggestion suggestion_for(const char *word);
/** Consider one known name; it must outlive the suggestion. */
void suggestion_offer(struct suggestion *s, const char *name);
