/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Distance between words: insertions, deletions, exchanges and swapped neighbours count one each
 * (optimal string alignment). A name is near when at most a third of the word is wrong, or when the
 * word is its beginning. Read suggest.h first.
 */
#include "base/suggest.h"

#include <stdbool.h>
#include <string.h>

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

static size_t distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t rows[3][SUGGEST_WORD_MAX + 1]; /* the row before last, last, this one */
	for (size_t j = 0; j <= blen; j++)
		rows[1][j] = j;
	for (size_t i = 1; i <= alen; i++) {
		rows[2][0] = i;
		for (size_t j = 1; j <= blen; j++) {
			size_t exchange = rows[1][j - 1] + (a[i - 1] != b[j - 1]);
			rows[2][j] = min3(rows[1][j] + 1, rows[2][j - 1] + 1, exchange);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    rows[0][j - 2] + 1 < rows[2][j])
				rows[2][j] = rows[0][j - 2] + 1;
		}
		memcpy(rows[0], rows[1], sizeof(rows[0]));
		memcpy(rows[1], rows[2], sizeof(rows[1]));
	}
	return rows[1][blen];
}

struct suggestion suggestion_for(const char *word)
{
	size_t len = strlen(word);
	return (struct suggestion){.word = word, .distance = len == 2 ? 2 : len / 3 + 1};
}

void suggestion_offer(struct suggestion *s, const char *name)
{
	size_t wlen = strlen(s->word), len = strlen(name);
	if (wlen > SUGGEST_WORD_MAX || len > SUGGEST_WORD_MAX)
		return;
	size_t d = distance(s->word, wlen, name, len);
	if (wlen >= 3 && len > wlen && !strncmp(s->word, name, wlen))
		d = 1; /* an abbreviation */
	/* Of two that are as near, the one that has every letter: "rn" is "run" before "rm". */
	bool whole = s->name && len == wlen + d && strlen(s->name) != wlen + d;
	if (d > s->distance || (d == s->distance && !whole))
		return;
	s->name = name;
	s->distance = d;
}
