/* SPDX-License-Identifier: Apache-2.0 */
/* Small texts as docker's client prints them. Read text.h first. */
#include "cli/text.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/units.h"
#include "base/utf8.h"
#include "template/quote.h"

char *text_ellipsis(struct arena *a, const char *text, size_t max)
{
	size_t len = strlen(text), cut = 0;
	uint32_t c;
	if (utf8_count(text, len) <= max)
		return arena_strdup(a, text);
	for (size_t i = 1; i < max; i++)
		cut += utf8_decode(text + cut, len - cut, &c);
	return arena_printf(a, "%.*s…", (int)cut, text);
}

size_t text_control(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	if (*c < ' ' || *c == 0x7f)
		return 1;
	return c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f ? 2 : 0;
}

const char *text_plain(struct arena *a, const char *text)
{
	char *copy = NULL;
	for (size_t i = 0, width; text[i]; i += width ? width : 1) {
		width = text_control(text + i);
		if (!width)
			continue;
		copy = copy ? copy : arena_strdup(a, text);
		memset(copy + i, text[i] >= '\t' && text[i] <= '\r' ? ' ' : '?', width);
	}
	return copy ? copy : text;
}

char *text_quote(struct arena *a, const char *text)
{
	size_t len = strlen(text);
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(len * 10 + 2);
	template_quote(&out, text, len, '"');
	return arena_strdup(a, strbuf_text(&out));
}

char *text_time(struct arena *a, int64_t real_ns)
{
	time_t seconds = real_ns / 1000000000;
	struct tm tm;
	char text[64];
	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z %Z", &tm);
	return arena_strdup(a, text);
}

char *text_ago(struct arena *a, int64_t real_ns)
{
	char human[TIME_TEXT_SIZE];
	return arena_printf(a, "%s ago", duration_human(clock_real_ns() - real_ns, human));
}

char *text_size(struct arena *a, int64_t bytes)
{
	char human[SIZE_TEXT_SIZE];
	return arena_strdup(a, size_human(bytes, human));
}

char *text_image_id(struct arena *a, const char *id, bool whole)
{
	return whole ? arena_printf(a, "sha256:%s", id) : arena_strndup(a, id, ID_SHORT_LEN);
}

char *text_labels(struct arena *a, const struct kvs *labels)
{
	struct kvs sorted = {0};
	struct strv items = {0};
	for (size_t i = 0; i < labels->count; i++)
		kvs_set(a, &sorted, labels->items[i].key, labels->items[i].value);
	kvs_sort(&sorted);
	for (size_t i = 0; i < sorted.count; i++)
		strv_push(a, &items,
			  arena_printf(a, "%s=%s", sorted.items[i].key, sorted.items[i].value));
	return strv_join(a, &items, ",");
}
