/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rests on RFC 9110 (5.6: lists, tokens, quoted strings; 10.2.3: Retry-After; 14.4: Content-Range)
 * and RFC 8288 (Link). Nothing is allocated and nothing is trusted. Read headers.h first.
 */
#include "transport/headers.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/id.h"
#include "base/units.h"

enum { NUMBER_TEXT_MAX = 24 };

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static size_t token_len(const char *p)
{
	size_t n = 0;
	while (isalnum((unsigned char)p[n]) || (p[n] && strchr("!#$%&'*+-.^_`|~", p[n])))
		n++;
	return n;
}

/* A token or a quoted string to @ret; where it ends, or NULL when it never does. What does not fit
 * is cut off, and *@ret_fits false. */
static const char *take_value(const char *p, char *ret, size_t size, bool *ret_fits)
{
	size_t n = 0;
	bool quoted = *p == '"';
	const char *end = quoted ? p + 1 : p + token_len(p);
	*ret_fits = true;
	for (p += quoted; quoted ? *p != '"' : p < end; p++) {
		if (quoted && *p == '\\' && p[1])
			p++;
		if (!*p)
			return NULL;
		if (n + 1 < size && !iscntrl((unsigned char)*p))
			ret[n++] = *p;
		else
			*ret_fits = false;
	}
	ret[n] = '\0';
	return p + quoted;
}

/* The parameters behind a scheme; where the next scheme begins, or NULL at the end. */
static const char *take_params(const char *p, struct challenge *c, bool bearer)
{
	const struct {
		const char *name;
		char *to;
	} known[] = {{"realm", c->realm}, {"service", c->service}, {"scope", c->scope}};
	for (;;) {
		p = skip_blanks(p);
		size_t len = token_len(p);
		const char *after = skip_blanks(p + len);
		if (!len || *after != '=')
			return len ? p : NULL;
		char value[CHALLENGE_TEXT_MAX];
		bool fits;
		const char *end = take_value(skip_blanks(after + 1), value, sizeof(value), &fits);
		if (!end)
			return NULL;
		for (size_t i = 0; bearer && fits && i < sizeof(known) / sizeof(known[0]); i++)
			if (len == strlen(known[i].name) && !strncasecmp(p, known[i].name, len))
				memcpy(known[i].to, value, strlen(value) + 1);
		p = skip_blanks(end);
		if (*p && *p != ',')
			return NULL;
		p += strspn(p, ", \t");
	}
}

int challenge_parse(const char *value, struct challenge *ret)
{
	bool any = false;
	for (const char *p = skip_blanks(value); p && *p;) {
		size_t len = token_len(p);
		if (!len)
			break;
		bool bearer = len == 6 && !strncasecmp(p, "Bearer", 6);
		bool basic = len == 5 && !strncasecmp(p, "Basic", 5);
		ret->bearer |= bearer;
		ret->basic |= basic;
		any |= bearer || basic;
		p += len;
		p += strspn(p, ", \t");
		p = take_params(p, ret, bearer);
	}
	return any ? 0 : -EINVAL;
}

/* The number that @text begins with; its digits, 0: none, or above @most, which @ret is then. */
static size_t take_number(const char *text, uint64_t most, uint64_t *ret)
{
	char number[NUMBER_TEXT_MAX];
	size_t digits = strspn(text, "0123456789");
	*ret = most;
	if (!digits || digits >= sizeof(number))
		return 0;
	memcpy(number, text, digits);
	number[digits] = '\0';
	return uint_parse(number, most, ret) == 0 ? digits : 0;
}

int64_t retry_after_parse(const char *value, int64_t now)
{
	uint64_t seconds;
	struct tm tm = {0};
	size_t digits = strspn(value, "0123456789");
	if (digits && digits < NUMBER_TEXT_MAX && !value[digits + strspn(value + digits, " \t")]) {
		take_number(value, INT32_MAX, &seconds);
		return (int64_t)seconds;
	}
	const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	if (!end || *end)
		return -EINVAL;
	int64_t at = timegm(&tm);
	return at > now ? at - now : 0;
}

int content_range_parse(const char *value, uint64_t *ret_first)
{
	uint64_t first;
	if (strncasecmp(value, "bytes ", 6))
		return -EINVAL;
	value = skip_blanks(value + 6);
	size_t digits = take_number(value, INT64_MAX, &first);
	if (!digits || value[digits] != '-')
		return -EINVAL;
	*ret_first = first;
	return 0;
}

uint64_t content_range_total(const char *value)
{
	uint64_t total;
	const char *slash = strrchr(value, '/');
	return slash && take_number(slash + 1, INT64_MAX, &total) ? total : UINT64_MAX;
}

int upload_range_parse(const char *value, uint64_t *ret_next)
{
	uint64_t last;
	value = skip_blanks(strncasecmp(value, "bytes=", 6) ? value : value + 6);
	if (strncmp(value, "0-", 2))
		return -EINVAL;
	size_t digits = take_number(value + 2, INT64_MAX, &last);
	if (!digits || value[2 + digits])
		return -EINVAL;
	*ret_next = last ? last + 1 : 0;
	return 0;
}

uint64_t chunk_length_parse(const char *value)
{
	uint64_t length;
	return take_number(value, INT64_MAX, &length) ? length : 0;
}

int link_next_parse(const char *value, char *ret, size_t size)
{
	while ((value = strchr(value, '<'))) {
		const char *end = strchr(++value, '>');
		if (!end)
			return -EINVAL;
		size_t len = (size_t)(end - value), rest = strcspn(end, ",");
		const char *rel = memmem(end, rest, "rel=", 4);
		bool next =
			rel && (!strncmp(rel + 4, "\"next\"", 6) || !strncmp(rel + 4, "next", 4));
		if (next && len && len < size) {
			memcpy(ret, value, len);
			ret[len] = '\0';
			return 0;
		}
		value = end;
	}
	return -EINVAL;
}

bool digest_header_is_valid(const char *value)
{
	return !strncmp(value, "sha256:", 7) && strlen(value) == 7 + ID_LEN &&
	       id_is_hex(value + 7, ID_LEN);
}
