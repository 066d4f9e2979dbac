/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by RFC 3629, section 3. Read utf8.h first. */
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <stdbool.h>

/* By width: what the first byte looks like, and the least character that may be so wide. */
static const struct {
	uint8_t mask, lead;
	uint32_t least;
} widths[] = {
	{0x80, 0x00, 0},
	{0xE0, 0xC0, 0x80},
	{0xF0, 0xE0, 0x800},
	{0xF8, 0xF0, 0x10000},
};

static bool is_character(uint32_t c)
{
	return c < 0xD800 || (c > 0xDFFF && c <= 0x10FFFF);
}

size_t utf8_decode(const char *s, size_t len, uint32_t *ret)
{
	const uint8_t *t = (const uint8_t *)s;
	size_t more = 0, i;
	*ret = UTF8_BROKEN;
	while (more < UTF8_MAX && (t[0] & widths[more].mask) != widths[more].lead)
		more++;
	if (more >= UTF8_MAX || more >= len)
		return 1;
	uint32_t c = t[0] & (uint8_t)~widths[more].mask;
	for (i = 1; i <= more && (t[i] & 0xC0) == 0x80; i++)
		c = c << 6 | (t[i] & 0x3F);
	if (i <= more || c < widths[more].least || !is_character(c))
		return 1;
	*ret = c;
	return more + 1;
}

size_t utf8_encode(uint32_t c, char *out)
{
	size_t more = 0;
	if (!is_character(c))
		c = UTF8_BROKEN;
	while (more + 1 < UTF8_MAX && c >= widths[more + 1].least)
		more++;
	out[0] = (char)(widths[more].lead | c >> 6 * more);
	for (size_t i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3F));
	return more + 1;
}

size_t utf8_count(const char *s, size_t len)
{
	size_t count = 0;
	uint32_t c;
	for (size_t i = 0; i < len; count++)
		i += utf8_decode(s + i, len - i, &c);
	return count;
}

int utf8_check_json(const char *json, struct err *e)
{
	size_t len = strlen(json), width, i = 0;
	uint32_t c;
	for (; i < len; i += width) {
		width = utf8_decode(json + i, len - i, &c);
		if (c == UTF8_BROKEN && width == 1)
			break;
	}
	if (i >= len)
		return 0;
	/* The string around it, as far as the message has room. */
	enum { AROUND = 40 };
	size_t from = i;
	while (from > 0 && json[from - 1] != '"' && i - from < AROUND)
		from--;
	char word[4 * (2 * AROUND + 1) + 1], *out = word;
	for (; from < len && json[from] != '"' && from < i + AROUND; from++)
		out += snprintf(out, 5, (unsigned char)json[from] < 0x80 ? "%c" : "\\x%02x",
				(unsigned char)json[from]);
	*out = '\0';
	return err_set(e, EINVAL, ERR_INVALID, "invalid argument \"%s\": it is not UTF-8", word);
}

void utf8_repair(char *text)
{
	size_t len = strlen(text);
	uint32_t c;
	for (size_t i = 0, width; i < len; i += width) {
		width = utf8_decode(text + i, len - i, &c);
		if (c == UTF8_BROKEN && width == 1)
			text[i] = '?';
	}
}
