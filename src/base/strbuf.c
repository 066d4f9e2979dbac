/* SPDX-License-Identifier: Apache-2.0 */
/* Growing strings with a maximum. Read strbuf.h first. */
#include "base/strbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *strbuf_reserve(struct strbuf *s, size_t len)
{
	size_t need;
	if (s->failed || __builtin_add_overflow(s->len, len, &need) || need > s->max) {
		s->failed = true;
		return NULL;
	}
	if (need + 1 > s->room) {
		size_t room = s->room ? s->room : 64;
		while (room < need + 1)
			room *= 2;
		char *bigger = realloc(s->buf, room);
		if (!bigger) {
			s->failed = true;
			return NULL;
		}
		s->buf = bigger;
		s->room = room;
	}
	return s->buf + s->len;
}

void strbuf_add(struct strbuf *s, const void *data, size_t len)
{
	char *at = strbuf_reserve(s, len);
	if (!at)
		return;
	if (len) /* of nothing there may be no address */
		memcpy(at, data, len);
	s->len += len;
	s->buf[s->len] = '\0';
}

void strbuf_puts(struct strbuf *s, const char *text)
{
	strbuf_add(s, text, strlen(text));
}

void strbuf_putc(struct strbuf *s, char c)
{
	strbuf_add(s, &c, 1);
}

void strbuf_fill(struct strbuf *s, char c, size_t count)
{
	char *at = strbuf_reserve(s, count);
	if (!at)
		return;
	memset(at, c, count);
	s->len += count;
	s->buf[s->len] = '\0';
}

void strbuf_printf(struct strbuf *s, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *at = len >= 0 ? strbuf_reserve(s, (size_t)len) : NULL;
	if (at) {
		vsnprintf(at, (size_t)len + 1, fmt, again);
		s->len += (size_t)len;
	}
	va_end(again);
}

void strbuf_free(struct strbuf *s)
{
	free(s->buf);
	*s = (struct strbuf){.max = s->max};
}

const char *strbuf_text(const struct strbuf *s)
{
	return s->buf && s->len ? s->buf : "";
}
