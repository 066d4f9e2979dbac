/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The json-file driver: docker's log format, byte for byte, escapes included. Docker follows Go's
 * encoding/json: '<', '>', '&' and U+2028, U+2029 are escaped too, and each byte that is no valid
 * UTF-8 becomes U+FFFD. Nothing here formats with printf: this is the path of every byte. Read
 * log.h first.
 */
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "monitor/log.h"

static const char hex[] = "0123456789abcdef";

static uint8_t *put(uint8_t *out, const char *text, size_t len)
{
	memcpy(out, text, len);
	return out + len;
}

#define PUT(out, literal) put((out), (literal), sizeof(literal) - 1)

/* Bytes that stand for themselves, as a bitmap of the 128 of ASCII. */
static inline bool is_plain(uint8_t c)
{
	static const uint32_t special[4] = {
		0xffffffff,                              /* control characters */
		1u << 2 | 1u << 6 | 1u << 28 | 1u << 30, /* " & < > */
		1u << 28,                                /* \ */
		0,
	};
	return c < 0x80 && !(special[c >> 5] >> (c & 31) & 1);
}

/* Sixteen bytes at once (a GNU vector: SSE2, NEON, or plain registers). */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

static bool all_plain(const uint8_t *text)
{
	bytes16 v;
	memcpy(&v, text, sizeof(v));
	bytes16 odd = (bytes16)(v < 0x20) | (bytes16)(v > 0x7f) | (bytes16)(v == '"') |
		      (bytes16)(v == '\\') | (bytes16)(v == '<') | (bytes16)(v == '>') |
		      (bytes16)(v == '&');
	uint64_t halves[2];
	memcpy(halves, &odd, sizeof(halves));
	return (halves[0] | halves[1]) == 0;
}

static size_t plain_run(const uint8_t *text, size_t len)
{
	size_t n = 0;
	while (len - n >= sizeof(bytes16) && all_plain(text + n))
		n += sizeof(bytes16);
	while (n < len && is_plain(text[n]))
		n++;
	return n;
}

static uint8_t *put_ascii(uint8_t *out, uint8_t c)
{
	switch (c) {
	case '"':
		return PUT(out, "\\\"");
	case '\\':
		return PUT(out, "\\\\");
	case '\n':
		return PUT(out, "\\n");
	case '\r':
		return PUT(out, "\\r");
	default:
		out = PUT(out, "\\u00");
		*out++ = (uint8_t)hex[c >> 4];
		*out++ = (uint8_t)hex[c & 15];
		return out;
	}
}

/* One character from 0x80 on; adds its length to *used. */
static uint8_t *put_wide(const uint8_t *text, size_t len, uint8_t *out, size_t *used)
{
	uint32_t c;
	size_t n = utf8_decode((const char *)text, len, &c);
	*used += n;
	if (n == 1)
		return PUT(out, "\\ufffd");
	if (c == 0x2028 || c == 0x2029)
		return c == 0x2028 ? PUT(out, "\\u2028") : PUT(out, "\\u2029");
	memcpy(out, text, n);
	return out + n;
}

uint8_t *log_put_json(const uint8_t *text, size_t len, uint8_t *out)
{
	for (size_t i = 0; i < len;) {
		size_t n = plain_run(text + i, len - i);
		memcpy(out, text + i, n);
		out += n;
		i += n;
		if (i == len)
			break;
		if (text[i] < 0x80)
			out = put_ascii(out, text[i++]);
		else
			out = put_wide(text + i, len - i, out, &i);
	}
	return out;
}

static uint8_t *put_number(uint8_t *out, unsigned value, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; value /= 10)
		out[i] = (uint8_t)('0' + value % 10);
	return out + digits;
}

static void spell_second(struct log *l, int64_t second)
{
	time_t t = second;
	struct tm tm;
	gmtime_r(&t, &tm);
	uint8_t *out = (uint8_t *)l->second_text;
	const struct {
		unsigned value, digits;
		uint8_t end;
	} parts[] = {
		{(unsigned)tm.tm_year + 1900, 4, '-'}, {(unsigned)tm.tm_mon + 1, 2, '-'},
		{(unsigned)tm.tm_mday, 2, 'T'},        {(unsigned)tm.tm_hour, 2, ':'},
		{(unsigned)tm.tm_min, 2, ':'},         {(unsigned)tm.tm_sec, 2, '\0'},
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		out = put_number(out, parts[i].value, parts[i].digits);
		*out++ = parts[i].end;
	}
	l->second = second;
}

uint8_t *log_put_time(struct log *l, int64_t time_ns, uint8_t *out)
{
	if (time_ns / 1000000000 != l->second)
		spell_second(l, time_ns / 1000000000);
	out = put(out, l->second_text, 19);
	unsigned fraction = (unsigned)(time_ns % 1000000000);
	if (fraction) {
		*out++ = '.';
		out = put_number(out, fraction, 9);
		while (out[-1] == '0')
			out--;
	}
	*out++ = 'Z';
	return out;
}

static size_t json_put(struct log *l, const struct log_piece *p, uint8_t *out)
{
	uint8_t *start = out;
	out = PUT(out, "{\"log\":\"");
	out = log_put_json(p->text, p->len, out);
	out = p->stream == 2 ? PUT(out, "\",\"stream\":\"stderr\"")
			     : PUT(out, "\",\"stream\":\"stdout\"");
	out = put(out, l->attrs, strlen(l->attrs));
	out = PUT(out, ",\"time\":\"");
	out = log_put_time(l, p->time_ns, out);
	out = PUT(out, "\"}\n");
	return (size_t)(out - start);
}

const struct log_ops log_json_ops = {LOG_JSON_SUFFIX, 6, json_put, logfile_write};
