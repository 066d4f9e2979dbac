/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading Go's number literals. Source: Go language specification, "Integer literals",
 * "Floating-point literals"; strconv.ParseInt with base 0. Read number.h first.
 */
#include "template/number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "template/quote.h"

enum { DIGITS_MAX = 128 };

static int literal_base(const char *digits)
{
	if (digits[0] != '0' || !digits[1])
		return 10;
	switch (tolower((unsigned char)digits[1])) {
	case 'x':
		return 16;
	case 'b':
		return 2;
	default:
		return 8;
	}
}

/* An underscore stands between two digits, or between the base prefix and a digit. */
static bool underscores_ok(const char *s, int base)
{
	bool digit = false; /* the character before may be followed by an underscore */
	if (*s == '+' || *s == '-')
		s++;
	if (s[0] == '0' && s[1] && strchr("xXbBoO", s[1])) {
		s += 2;
		digit = true;
	}
	for (; *s; s++) {
		bool is_digit =
			base == 16 ? isxdigit((unsigned char)*s) : isdigit((unsigned char)*s);
		if (*s == '_' && (!digit || !isxdigit((unsigned char)s[1])))
			return false;
		digit = is_digit;
	}
	return true;
}

static void drop_underscores(char *s)
{
	char *to = s;
	for (; *s; s++)
		if (*s != '_')
			*to++ = *s;
	*to = '\0';
}

/* @s: sign and digits, no underscores. */
static bool parse_integer(const char *s, int64_t *ret)
{
	bool minus = *s == '-';
	const char *digits = s + (*s == '+' || *s == '-');
	int base = literal_base(digits);
	if (base != 10)
		digits += strchr("xXbBoO", digits[1]) ? 2 : 1;
	if (!isxdigit((unsigned char)*digits))
		return false;
	char *end;
	errno = 0;
	unsigned long long u = strtoull(digits, &end, base);
	if (errno || *end || u > (unsigned long long)INT64_MAX + minus)
		return false;
	*ret = minus ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}

static bool parse_real(const char *s, double *ret)
{
	const char *digits = s + (*s == '+' || *s == '-');
	bool hex = literal_base(digits) == 16;
	if ((hex && !strpbrk(s, "pP")) || (!isdigit((unsigned char)*digits) && *digits != '.'))
		return false;
	char *end;
	double d = strtod(s, &end);
	if (*end || end == s || isinf(d))
		return false;
	*ret = d;
	return true;
}

static const char *parse_decimal(char *s, struct number *n)
{
	bool spaced = underscores_ok(s, literal_base(s + (*s == '+' || *s == '-')));
	drop_underscores(s);
	bool hex_int = s[0] == '0' && s[1] && strchr("xX", s[1]) && !strpbrk(s, "pP");
	n->is_int = spaced && parse_integer(s, &n->integer);
	if (n->is_int) {
		n->is_float = true;
		n->real = (double)n->integer;
		return NULL;
	}
	if (!spaced || !parse_real(s, &n->real))
		return "illegal number syntax: %s";
	if (!strpbrk(s, ".eEpP"))
		return "integer overflow: %s";
	n->is_float = true;
	n->prefers_float = !hex_int;
	n->is_int = n->real >= -0x1p63 && n->real < 0x1p63 && n->real == floor(n->real);
	if (n->is_int)
		n->integer = (int64_t)n->real;
	return NULL;
}

static const char *parse_rune(struct span text, struct number *n)
{
	uint32_t r;
	size_t rest;
	if (!template_unquote_rune(text, &r, &rest))
		return "invalid syntax";
	if (rest)
		return "malformed character constant: %s";
	*n = (struct number){.is_int = true, .is_float = true, .integer = r, .real = r};
	return NULL;
}

const char *template_number_parse(struct span text, bool rune, struct number *ret)
{
	char digits[DIGITS_MAX + 1];
	struct number n = {0};
	if (!rune && text.len > DIGITS_MAX)
		return "illegal number syntax: %s";
	if (!rune) {
		memcpy(digits, text.s, text.len);
		digits[text.len] = '\0';
	}
	const char *wrong = rune ? parse_rune(text, &n) : parse_decimal(digits, &n);
	if (!wrong)
		*ret = n;
	return wrong;
}
