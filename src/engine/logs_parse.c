/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing log records without allocation. JSON is read by a small scanner because a log may hold
 * millions of lines and only three members of each count. Invariant: nothing before `at` is read
 * again, nothing at or behind `end` is touched; unescaping writes at or before where it reads. Read
 * logs_parse.h first.
 */
#include "engine/logs_parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/logformat.h"
#include "base/utf8.h"

struct scan {
	char *at, *end;
};

static void skip_blank(struct scan *s)
{
	while (s->at < s->end && strchr(" \t\r", *s->at) && *s->at)
		s->at++;
}

static bool take(struct scan *s, char c)
{
	skip_blank(s);
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits, or -1. */
static int32_t take_hex(struct scan *s)
{
	int32_t value = 0;
	if (s->end - s->at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int d = hex_digit(*s->at++);
		if (d < 0)
			return -1;
		value = value * 16 + d;
	}
	return value;
}

/* Behind "\u". A surrogate pair is one character; half of one becomes U+FFFD, as in Go. */
static char *take_unicode(struct scan *s, char *out)
{
	int32_t c = take_hex(s);
	if (c < 0)
		return NULL;
	if (c >= 0xd800 && c < 0xdc00 && s->end - s->at >= 6 && s->at[0] == '\\' &&
	    s->at[1] == 'u') {
		struct scan low = {s->at + 2, s->end};
		int32_t d = take_hex(&low);
		if (d >= 0xdc00 && d < 0xe000) {
			s->at = low.at;
			c = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
		}
	}
	return out + utf8_encode((uint32_t)c, out);
}

static char *take_escape(struct scan *s, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (s->at == s->end)
		return NULL;
	char c = *s->at++;
	if (c == 'u')
		return take_unicode(s, out);
	const char *known = c ? strchr(from, c) : NULL;
	if (!known)
		return NULL;
	*out++ = to[known - from];
	return out;
}

/* A string, unescaped in place. */
static bool take_string(struct scan *s, char **ret, size_t *ret_len)
{
	if (!take(s, '"'))
		return false;
	char *start = s->at, *out = start;
	while (s->at < s->end && *s->at != '"') {
		if (*s->at != '\\') {
			*out++ = *s->at++;
			continue;
		}
		s->at++;
		out = take_escape(s, out);
		if (!out)
			return false;
	}
	if (s->at == s->end)
		return false;
	s->at++;
	*ret = start;
	*ret_len = (size_t)(out - start);
	return true;
}

/* Any value, unread: up to the comma or brace that ends it. */
static bool skip_value(struct scan *s)
{
	int depth = 0;
	bool quoted = false;
	for (; s->at < s->end; s->at++) {
		char c = *s->at;
		if (quoted) {
			if (c == '\\')
				s->at += s->at + 1 < s->end;
			else if (c == '"')
				quoted = false;
		} else if (depth == 0 && (c == ',' || c == '}')) {
			return true;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !memcmp(text, word, len);
}

static bool read_time(const char *text, size_t len, int64_t *ret)
{
	char copy[TIME_TEXT_SIZE];
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return time_parse(copy, ret) == 0;
}

enum { HAS_LOG = 1, HAS_TIME = 2 };

static bool take_member(struct scan *s, struct logs_record *r, unsigned *has)
{
	char *name, *value;
	size_t name_len, len;
	if (!take_string(s, &name, &name_len) || !take(s, ':'))
		return false;
	skip_blank(s);
	if (is_word(name, name_len, "attrs")) {
		r->attrs = s->at;
		if (!skip_value(s))
			return false;
		r->attrs_len = (size_t)(s->at - r->attrs);
		return true;
	}
	bool log = is_word(name, name_len, "log"), stream = is_word(name, name_len, "stream");
	bool time = is_word(name, name_len, "time");
	if (!log && !stream && !time)
		return skip_value(s);
	if (!take_string(s, &value, &len))
		return false;
	if (log) {
		r->bytes = value;
		r->len = len;
		*has |= HAS_LOG;
	} else if (stream) {
		r->stream = is_word(value, len, "stderr") ? 2 : 1;
	} else if (read_time(value, len, &r->time_ns)) {
		*has |= HAS_TIME;
	}
	return true;
}

int logs_parse_json(char *line, size_t len, struct logs_record *ret)
{
	struct scan s = {line, line + len};
	struct logs_record r = {.stream = 1, .attrs = ""};
	unsigned has = 0;
	if (!take(&s, '{'))
		return -EINVAL;
	do {
		if (!take_member(&s, &r, &has))
			return -EINVAL;
	} while (take(&s, ','));
	if (!take(&s, '}') || has != (HAS_LOG | HAS_TIME))
		return -EINVAL;
	skip_blank(&s);
	if (s.at != s.end)
		return -EINVAL;
	*ret = r;
	return 0;
}

ssize_t logs_parse_local(const char *data, size_t len, struct logs_record *ret)
{
	struct log_local_head h;
	uint32_t again;
	if (len < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	if (h.len == 0 || h.len > LOG_PIECE_MAX || h.stream < 1 || h.stream > 2)
		return -EINVAL;
	size_t total = sizeof(h) + h.len + sizeof(again);
	if (len < total)
		return 0;
	memcpy(&again, data + sizeof(h) + h.len, sizeof(again));
	if (again != h.len)
		return -EINVAL;
	*ret = (struct logs_record){.stream = h.stream,
				    .time_ns = h.time_ns,
				    .bytes = data + sizeof(h),
				    .len = h.len,
				    .attrs = ""};
	return (ssize_t)total;
}
