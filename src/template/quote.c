/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing Go's quoted strings. Read quote.h first. */
#include "template/quote.h"

#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

/* The letters after a backslash, and what they stand for. */
static const char escape_letters[] = "abfnrtv\\";
static const char escape_values[] = "\a\b\f\n\r\t\v\\";

bool template_printable(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} hidden[] = {
		{0, 0x1F},        {0x7F, 0xA0},     {0xAD, 0xAD},     {0x2000, 0x200F},
		{0x2028, 0x202F}, {0x205F, 0x206F}, {0x3000, 0x3000}, {0xD800, 0xF8FF},
		{0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0x10FFFF},
	};
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (c >= hidden[i].from && c <= hidden[i].to)
			return false;
	return true;
}

void template_quote(struct strbuf *out, const char *s, size_t len, char quote)
{
	strbuf_putc(out, quote);
	for (size_t width; len; s += width, len -= width) {
		uint32_t c;
		width = utf8_decode(s, len, &c);
		const char *known = c && c < 0x80 ? strchr(escape_values, (int)c) : NULL;
		if (known)
			strbuf_printf(out, "\\%c", escape_letters[known - escape_values]);
		else if (c == (uint32_t)quote)
			strbuf_printf(out, "\\%c", quote);
		else if (width == 1 && (c == UTF8_BROKEN || !template_printable(c)))
			strbuf_printf(out, "\\x%02x", (uint8_t)*s);
		else if (!template_printable(c))
			strbuf_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
		else
			strbuf_add(out, s, width);
	}
	strbuf_putc(out, quote);
}

/* The escapes with digits: the letter in front, how many digits, and whether they name a byte. */
static const struct escape {
	char letter;
	uint8_t digits, base;
	bool byte;
} escapes[] = {{'x', 2, 16, true}, {'u', 4, 16, false}, {'U', 8, 16, false}, {'\0', 3, 8, true}};

/* Append what the digits at @s name. False: too few, or no such character. */
static bool put_digits(struct strbuf *out, const char *s, const char *end, const struct escape *e)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t c = 0;
	char character[UTF8_MAX];
	if (end - s < e->digits)
		return false;
	for (size_t i = 0; i < e->digits; i++) {
		const char *at = memchr(digits, tolower((unsigned char)s[i]), e->base);
		if (!at)
			return false;
		c = c * e->base + (uint64_t)(at - digits);
	}
	if (c > (e->byte ? 0xFF : 0x10FFFF) || (!e->byte && c >= 0xD800 && c <= 0xDFFF))
		return false;
	if (e->byte)
		strbuf_putc(out, (char)c);
	else
		strbuf_add(out, character, utf8_encode((uint32_t)c, character));
	return true;
}

/* Append what the escape at @s, behind the backslash, stands for. Its length; 0: there is none. */
static size_t put_escape(struct strbuf *out, const char *s, const char *end, char quote)
{
	const char *known = s < end && *s ? strchr(escape_letters, *s) : NULL;
	if (known || (s < end && *s == quote)) {
		strbuf_putc(out, known ? escape_values[known - escape_letters] : quote);
		return 1;
	}
	for (size_t i = 0; s < end && i < ARRAY_LEN(escapes); i++) {
		const struct escape *e = &escapes[i];
		if (e->letter && e->letter != *s)
			continue;
		s += e->letter != '\0';
		return put_digits(out, s, end, e) ? (e->letter != '\0') + e->digits : 0;
	}
	return 0;
}

bool template_unquote(struct strbuf *out, const char *literal, size_t len)
{
	char quote = *literal;
	const char *s = literal + 1, *end = literal + len - 1;
	if (len < 2 || *end != quote)
		return false;
	for (; s < end; s++) {
		if (quote == '`') {
			strbuf_add(out, s, *s != '\r');
		} else if (*s == '\n' || *s == quote) {
			return false;
		} else if (*s == '\\') {
			size_t used = put_escape(out, s + 1, end, quote);
			if (!used)
				return false;
			s += used;
		} else {
			strbuf_putc(out, *s);
		}
	}
	return strbuf_ok(out);
}
