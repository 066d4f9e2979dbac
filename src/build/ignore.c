/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns of .dockerignore and of --exclude. Read ignore.h first. */
#include "build/ignore.h"

#include <string.h>

#include "base/path.h"
#include "build/expand.h"

void ignore_add(struct ignore *ig, const char *line, struct arena *a)
{
	static const char blank[] = " \t\r";
	line += strspn(line, blank);
	size_t len = strlen(line);
	while (len && strchr(blank, line[len - 1]))
		len--;
	bool negated = *line == '!';
	char *pattern = arena_strndup(a, line + negated, len - negated);
	pattern += strspn(pattern, blank);
	/* path_clean() makes it absolute: "/a/b", and the root is no pattern. */
	pattern = path_clean(a, pattern) + 1;
	if (!len || !*pattern || ig->patterns.count == IGNORE_PATTERNS_MAX)
		return;
	ig->negations |= negated;
	strv_push(a, &ig->patterns, arena_printf(a, "%s%s", negated ? "!" : "", pattern));
}

void ignore_parse(const char *text, struct arena *a, struct ignore *ret)
{
	*ret = (struct ignore){0};
	if (!strncmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (*text) {
		size_t n = strcspn(text, "\n");
		if (*text != '#')
			ignore_add(ret, arena_strndup(a, text, n), a);
		text += n + (text[n] == '\n');
	}
}

bool ignore_matches(const struct ignore *ig, const char *path)
{
	bool ignored = false;
	for (size_t i = 0; i < ig->patterns.count; i++) {
		const char *pattern = ig->patterns.items[i];
		bool negated = *pattern == '!';
		if (negated == ignored && pattern_matches(pattern + negated, path, true))
			ignored = !negated;
	}
	return ignored;
}
