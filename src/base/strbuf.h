/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct strbuf: a growing string that is born with a maximum.
 *
 * Invariants: `buf` is always NUL-terminated and never NULL after the first append; `len` excludes
 * the NUL; len <= max. Appending past the maximum, or running out of memory, marks the buffer
 * `failed` and keeps what was there: check once at the end with strbuf_ok(), not after each call.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct strbuf {
	char *buf;
	size_t len;
	size_t room;
	size_t max;
	bool failed;
};

#define STRBUF_MAX(limit)                                                                          \
	{                                                                                          \
		.max = (limit)                                                                     \
	}
#define CLEANUP_STRBUF __attribute__((cleanup(strbuf_free)))

void strbuf_add(struct strbuf *s, const void *data, size_t len);
void strbuf_puts(struct strbuf *s, const char *text);
void strbuf_putc(struct strbuf *s, char c);
/** @count times @c. */
void strbuf_fill(struct strbuf *s, char c, size_t count);
void strbuf_printf(struct strbuf *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Make room for @len more bytes and return where to put them; NULL when that exceeds the maximum.
 *  The caller then adds what it wrote to `len`. */
char *strbuf_reserve(struct strbuf *s, size_t len);
void strbuf_free(struct strbuf *s);
static inline bool strbuf_ok(const struct strbuf *s)
{
	return !s->failed;
}
/** The text, "" when nothing was appended. Valid until the next append. */
const char *strbuf_text(const struct strbuf *s);
