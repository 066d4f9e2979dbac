/* SPDX-License-Identifier: Apache-2.0 */
/* Request lines, headers and queries. Read http_parse.h first. */
#include "api/http_parse.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"

static int bad(struct err *e, const char *what)
{
	return err_set(e, EINVAL, ERR_INVALID, "bad request: %s", what);
}

size_t http_head_end(const char *data, size_t len)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);
	return end ? (size_t)(end - data) + 4 : 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place. A NUL would end the text before its end. */
static int decode(char *text, bool plus)
{
	char *to = text;
	for (const char *p = text; *p; p++) {
		int high, low;
		char c = *p == '+' && plus ? ' ' : *p;
		if (*p == '%') {
			if ((high = hex(p[1])) < 0 || (low = hex(p[2])) < 0 || !(high | low))
				return -EINVAL;
			c = (char)(high << 4 | low);
			p += 2;
		}
		*to++ = c;
	}
	*to = '\0';
	return 0;
}

static void push(struct arena *a, struct kvs *m, char *key, char *value)
{
	m->items = arena_grow(a, m->items, m->count, &m->room, sizeof(*m->items));
	m->items[m->count++] = (struct kv){key, value};
}

static int parse_query(char *text, struct arena *a, struct kvs *ret, struct err *e)
{
	for (char *next; text; text = next) {
		next = strchr(text, '&');
		if (next)
			*next++ = '\0';
		if (!*text)
			continue;
		char *value = text + strcspn(text, "=");
		if (*value)
			*value++ = '\0';
		if (decode(text, true) < 0 || decode(value, true) < 0)
			return bad(e, "an escape in the query is none");
		if (ret->count == HTTP_PARAMS_MAX)
			return bad(e, "too many parameters");
		push(a, ret, text, value);
	}
	return 0;
}

static int parse_line(char *line, struct arena *a, struct http_request *ret, struct err *e)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	if (!version)
		return bad(e, "no request line");
	*target++ = *version++ = '\0';
	if (strncmp(version, "HTTP/", 5) || !isdigit((unsigned char)version[5]) ||
	    version[6] != '.' || !isdigit((unsigned char)version[7]) || version[8])
		return bad(e, "no request line");
	if (version[5] != '1')
		return err_set(e, EPROTONOSUPPORT, ERR_INVALID,
			       "%s: hulld speaks HTTP/1.1 and HTTP/1.0", version);
	/* Later ones of 1 are understood as 1.1, RFC 9110 2.5. */
	ret->old = version[7] == '0';
	ret->keep = !ret->old;
	ret->method = line;
	/* Through a proxy the target may be a whole URL. */
	if (!strncasecmp(target, "http://", 7)) {
		target = strchr(target + 7, '/');
		if (!target)
			return bad(e, "no path");
	}
	if (*target != '/')
		return bad(e, "no path");
	char *query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	ret->path = target;
	if (decode(target, false) < 0)
		return bad(e, "an escape in the path is none");
	return parse_query(query, a, &ret->params, e);
}

/* Is @word one of the list? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		p += strspn(p, " \t");
		if (!strncasecmp(p, word, len) && (!p[len] || strchr(", \t", p[len])))
			return true;
	}
	return false;
}

static int note_header(struct http_request *q, const char *name, const char *value, struct err *e)
{
	if (!strcmp(name, "content-length")) {
		uint64_t length;
		if (uint_parse(value, INT64_MAX, &length) < 0 || http_header(q, name))
			return bad(e, "Content-Length is no number, or there are several");
		q->length = length;
	} else if (!strcmp(name, "transfer-encoding")) {
		if (strcasecmp(value, "chunked") || q->chunked)
			return bad(e, "Transfer-Encoding is not chunked");
		q->chunked = true;
	} else if (!strcmp(name, "connection")) {
		q->upgrade |= !q->old && has_word(value, "upgrade");
		q->keep &= !has_word(value, "close");
	} else if (!strcmp(name, "expect")) {
		q->expects = !q->old && !strcasecmp(value, "100-continue");
	} else if (!strcmp(name, "host") && http_header(q, name)) {
		return bad(e, "several Host headers");
	}
	return 0;
}

static int parse_header(char *line, struct arena *a, struct http_request *ret, struct err *e)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	char *colon = strchr(line, ':');
	if (!colon || colon == line)
		return bad(e, "a header without a name");
	for (char *p = line; p < colon; p++) {
		if (!isalnum((unsigned char)*p) && !strchr(others, *p))
			return bad(e, "a header's name has other characters");
		*p = (char)tolower((unsigned char)*p);
	}
	*colon++ = '\0';
	colon += strspn(colon, " \t");
	for (char *end = colon + strlen(colon); end > colon && strchr(" \t", end[-1]);)
		*--end = '\0';
	int r = note_header(ret, line, colon, e);
	push(a, &ret->headers, line, colon);
	return r;
}

int http_parse(const char *head, size_t len, struct arena *a, struct http_request *ret,
	       struct err *e)
{
	struct http_request q = {0};
	char *line = arena_strndup(a, head, len);
	if (strlen(line) != len || len < 4)
		return bad(e, "a NUL byte in its head");
	char *end = strstr(line, "\r\n");
	if (!end)
		return bad(e, "no request line");
	*end = '\0';
	if (strpbrk(line, "\r\n"))
		return bad(e, "a line's end within its first line");
	int r = parse_line(line, a, &q, e);
	for (line = end + 2; r == 0 && strncmp(line, "\r\n", 2); line = end + 2) {
		end = strstr(line, "\r\n");
		if (!end)
			return bad(e, "a line without an end");
		*end = '\0';
		if (strpbrk(line, "\r\n") || *line == ' ' || *line == '\t')
			return bad(e, "a header that goes over several lines");
		if (q.headers.count == HTTP_HEADERS_MAX)
			return bad(e, "too many headers");
		r = parse_header(line, a, &q, e);
	}
	if (r < 0)
		return r;
	if (!q.old && !http_header(&q, "host"))
		return bad(e, "no Host header");
	if (q.chunked && q.old)
		return bad(e, "Transfer-Encoding in HTTP/1.0");
	if (q.chunked && http_header(&q, "content-length"))
		return bad(e, "both Content-Length and Transfer-Encoding");
	*ret = q;
	return 0;
}

const char *http_header(const struct http_request *q, const char *name)
{
	return kvs_get(&q->headers, name);
}

const char *http_param(const struct http_request *q, const char *name)
{
	return kvs_get(&q->params, name);
}

int http_parse_chunk(const char *line, uint64_t *ret)
{
	uint64_t size = 0;
	size_t digits = 0;
	for (; hex(*line) >= 0; line++, digits++)
		size = size << 4 | (uint64_t)hex(*line);
	if (!digits || digits > 15 || (*line && !strchr("; \t", *line)))
		return -EINVAL;
	*ret = size;
	return 0;
}
