/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing Go's quoted strings. Read quote.h first. */
#include "template/quote.h"

#include <string.h>

#include "base/cleanup.h"

/* Lead byte pattern -> length and the smallest rune that may be written so long. */
static const struct {
	uint8_t mask, lead, width;
	uint32_t least;
} utf8_table[] = {
	{0x80, 0x00, 1, 0},
	{0xE0, 0xC0, 2, 0x80},
	{0xF0, 0xE0, 3, 0x800},
	{0xF8, 0xF0, 4, 0x10000},
};

static bool rune_valid(uint32_t r)
{
	return r < 0xD800 || (r > 0xDFFF && r <= 0x10FFFF);
}

static uint32_t rune_broken(size_t *ret_width)
{
	*ret_width = 1;
	return RUNE_ERROR;
}

uint32_t template_rune(struct span s, size_t *ret_width)
{
	uint8_t lead = (uint8_t)s.s[0];
	for (size_t i = 0; i < ARRAY_LEN(utf8_table); i++) {
		if ((lead & utf8_table[i].mask) != utf8_table[i].lead)
			continue;
		size_t width = utf8_table[i].width;
		uint32_t r = lead & (uint8_t)~utf8_table[i].mask;
		if (width > s.len)
			return rune_broken(ret_width);
		for (size_t k = 1; k < width; k++) {
			uint8_t c = (uint8_t)s.s[k];
			if ((c & 0xC0) != 0x80)
				return rune_broken(ret_width);
			r = r << 6 | (c & 0x3F);
		}
		if (r < utf8_table[i].least || !rune_valid(r))
			return rune_broken(ret_width);
		*ret_width = width;
		return r;
	}
	return rune_broken(ret_width);
}

void template_rune_put(struct strbuf *out, uint32_t r)
{
	if (!rune_valid(r))
		r = RUNE_ERROR;
	if (r < 0x80) {
		strbuf_putc(out, (char)r);
		return;
	}
	int more = r < 0x800 ? 1 : r < 0x10000 ? 2 : 3;
	strbuf_putc(out, (char)(utf8_table[more].lead | r >> (6 * more)));
	while (more--)
		strbuf_putc(out, (char)(0x80 | ((r >> (6 * more)) & 0x3F)));
}

size_t template_rune_count(struct span s)
{
	size_t count = 0, width = 0;
	for (; s.len; s.s += width, s.len -= width, count++)
		template_rune(s, &width);
	return count;
}

bool template_rune_printable(uint32_t r)
{
	static const struct {
		uint32_t from, to;
	} hidden[] = {
		{0, 0x1F},        {0x7F, 0xA0},     {0xAD, 0xAD},     {0x2000, 0x200F},
		{0x2028, 0x202F}, {0x205F, 0x206F}, {0x3000, 0x3000}, {0xD800, 0xF8FF},
		{0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0x10FFFF},
	};
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (r >= hidden[i].from && r <= hidden[i].to)
			return false;
	return true;
}

/* The letters after a backslash, and what they stand for. */
static const char escape_letters[] = "abfnrtv\\";
static const char escape_values[] = "\a\b\f\n\r\t\v\\";

static void quote_one(struct strbuf *out, uint32_t r, char quote, bool ascii)
{
	const char *known = r && r < 0x80 ? strchr(escape_values, (int)r) : NULL;
	if (known)
		strbuf_printf(out, "\\%c", escape_letters[known - escape_values]);
	else if (r == (uint32_t)quote)
		strbuf_printf(out, "\\%c", quote);
	else if (template_rune_printable(r) && (r < 0x80 || !ascii))
		template_rune_put(out, r);
	else if (r < 0x80)
		strbuf_printf(out, "\\x%02x", r);
	else
		strbuf_printf(out, r < 0x10000 ? "\\u%04x" : "\\U%08x", r);
}

void template_quote(struct strbuf *out, struct span s, bool ascii)
{
	strbuf_putc(out, '"');
	size_t width = 0;
	for (; s.len; s.s += width, s.len -= width) {
		uint32_t r = template_rune(s, &width);
		if (r == RUNE_ERROR && width == 1)
			strbuf_printf(out, "\\x%02x", (uint8_t)s.s[0]);
		else
			quote_one(out, r, '"', ascii);
	}
	strbuf_putc(out, '"');
}

void template_quote_rune(struct strbuf *out, uint32_t r, bool ascii)
{
	strbuf_putc(out, '\'');
	quote_one(out, rune_valid(r) ? r : RUNE_ERROR, '\'', ascii);
	strbuf_putc(out, '\'');
}

void template_quote_unicode(struct strbuf *out, uint32_t r, bool with_character)
{
	strbuf_printf(out, "U+%04X", r);
	if (with_character && rune_valid(r) && template_rune_printable(r)) {
		strbuf_puts(out, " '");
		template_rune_put(out, r);
		strbuf_putc(out, '\'');
	}
}

/* Take @digits digits of @base off the front of @s. */
static bool take_digits(struct span *s, size_t digits, uint32_t base, uint32_t *ret)
{
	static const char all[] = "0123456789abcdef";
	if (s->len < digits)
		return false;
	uint32_t r = 0;
	for (size_t i = 0; i < digits; i++) {
		char c = s->s[i];
		const char *at = memchr(all, c >= 'A' && c <= 'F' ? c | 0x20 : c, base);
		if (!at)
			return false;
		r = r * base + (uint32_t)(at - all);
	}
	s->s += digits;
	s->len -= digits;
	*ret = r;
	return true;
}

/* The escapes with digits: which letter, how many digits, and whether they name a byte. */
static const struct {
	char letter;
	uint8_t digits;
	bool byte;
} escape_table[] = {{'x', 2, true}, {'u', 4, false}, {'U', 8, false}};

static bool take_escape(struct span *s, char quote, uint32_t *ret, bool *ret_byte)
{
	if (!s->len)
		return false;
	char c = *s->s;
	const char *known = c ? strchr(escape_letters, c) : NULL;
	*ret_byte = false;
	if (known || c == quote) {
		*ret = known ? (uint8_t)escape_values[known - escape_letters] : (uint8_t)quote;
		s->s++;
		s->len--;
		return true;
	}
	if (c >= '0' && c <= '7') {
		*ret_byte = true;
		return take_digits(s, 3, 8, ret) && *ret <= 0xFF;
	}
	for (size_t i = 0; i < ARRAY_LEN(escape_table); i++) {
		if (escape_table[i].letter != c)
			continue;
		s->s++;
		s->len--;
		*ret_byte = escape_table[i].byte;
		return take_digits(s, escape_table[i].digits, 16, ret) &&
		       (*ret_byte || rune_valid(*ret));
	}
	return false;
}

/* One character of a literal. @ret_byte: it is a byte, not a rune. */
static bool take_one(struct span *s, char quote, uint32_t *ret, bool *ret_byte)
{
	size_t width;
	*ret_byte = false;
	if (*s->s == '\n' || *s->s == quote)
		return false;
	if (*s->s == '\\') {
		s->s++;
		s->len--;
		return take_escape(s, quote, ret, ret_byte);
	}
	*ret = template_rune(*s, &width);
	s->s += width;
	s->len -= width;
	return true;
}

static bool unquote_raw(struct span s, struct strbuf *out)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] != '\r')
			strbuf_putc(out, s.s[i]);
	return true;
}

bool template_unquote(struct span literal, struct strbuf *out)
{
	if (literal.len < 2 || literal.s[literal.len - 1] != literal.s[0])
		return false;
	char quote = literal.s[0];
	struct span s = {literal.s + 1, literal.len - 2};
	if (quote == '`')
		return unquote_raw(s, out);
	while (s.len) {
		uint32_t r;
		bool byte;
		if (!take_one(&s, quote, &r, &byte))
			return false;
		if (byte)
			strbuf_putc(out, (char)r);
		else
			template_rune_put(out, r);
	}
	return true;
}

bool template_unquote_rune(struct span literal, uint32_t *ret_rune, size_t *ret_rest)
{
	bool byte;
	if (literal.len < 3)
		return false;
	struct span s = {literal.s + 1, literal.len - 2};
	if (!take_one(&s, '\'', ret_rune, &byte))
		return false;
	*ret_rest = s.len;
	return true;
}
