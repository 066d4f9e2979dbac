/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's package fmt for the kinds of values that templates have.
 * Source: the documentation of Go's fmt ("Printing", "Format errors").
 * Invariant: widths and precisions are at most WIDTH_MAX, nesting at most DEPTH_MAX, and the
 * caller's strbuf has a maximum: no format can make more than that. Read format.h first.
 */
#include "template/format.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "template/quote.h"

enum { WIDTH_MAX = 1000000, REAL_PRECISION_MAX = 1000, DEPTH_MAX = 128, NONE = -1 };

/* One directive: %[flags][width][.precision]verb */
struct directive {
	bool plus, minus, sharp, space, zero;
	bool names, syntax;   /* what + and # mean for %v: field names, Go syntax */
	int width, precision; /* NONE: not given */
	uint32_t verb;
};

struct printer {
	struct strbuf *out;
	struct arena *scratch;
	struct directive d;
	int depth;
};

static void print_value(struct printer *p, const struct value *v, uint32_t verb);

static void put(struct printer *p, struct span s)
{
	strbuf_add(p->out, s.s, s.len);
}

static void fill(struct printer *p, char c, long count)
{
	char *at = count > 0 ? strbuf_reserve(p->out, (size_t)count) : NULL;
	if (!at)
		return;
	memset(at, c, (size_t)count);
	p->out->len += (size_t)count;
	p->out->buf[p->out->len] = '\0';
}

/* @s, @runes long, in the field's width. */
static void put_padded(struct printer *p, struct span s, char padding)
{
	long missing = p->d.width - (long)template_rune_count(s);
	if (p->d.width == NONE || missing <= 0) {
		put(p, s);
	} else if (p->d.minus) {
		put(p, s);
		fill(p, ' ', missing);
	} else {
		fill(p, padding, missing);
		put(p, s);
	}
}

static void put_text(struct printer *p, struct span s)
{
	put_padded(p, s, p->d.zero ? '0' : ' ');
}

static void put_built(struct printer *p, const struct strbuf *built)
{
	if (!strbuf_ok(built))
		p->out->failed = true;
	put_text(p, (struct span){strbuf_text(built), built->len});
}

static struct strbuf builder(const struct printer *p)
{
	return (struct strbuf)STRBUF_MAX(p->out->max);
}

/* --- wrong verbs --- */

static void bad_verb(struct printer *p, const struct value *v, uint32_t verb)
{
	strbuf_puts(p->out, "%!");
	template_rune_put(p->out, verb);
	strbuf_putc(p->out, '(');
	if (v->kind == VALUE_NONE || v->kind == VALUE_NIL) {
		strbuf_puts(p->out, "<nil>");
	} else {
		strbuf_puts(p->out, value_type_name(v));
		strbuf_putc(p->out, '=');
		print_value(p, v, 'v');
	}
	strbuf_putc(p->out, ')');
}

/* --- integers --- */

static const struct {
	char verb;
	uint8_t base;
	bool upper;
	const char *sharp; /* what # puts in front */
} bases[] = {
	{'v', 10, false, ""}, {'d', 10, false, ""},   {'b', 2, false, "0b"}, {'o', 8, false, "0"},
	{'O', 8, false, ""},  {'x', 16, false, "0x"}, {'X', 16, true, "0X"},
};

static struct span digits_of(uint64_t u, unsigned base, bool upper, char *room, size_t size)
{
	char *at = room + size;
	do
		*--at = (upper ? "0123456789ABCDEF" : "0123456789abcdef")[u % base];
	while (u /= base);
	return (struct span){at, (size_t)(room + size - at)};
}

static const char *sign_of(const struct printer *p, bool negative)
{
	return negative ? "-" : p->d.plus ? "+" : p->d.space ? " " : "";
}

static void print_digits(struct printer *p, uint64_t u, bool negative, size_t base)
{
	char room[64];
	CLEANUP_STRBUF struct strbuf text = builder(p);
	struct span digits = digits_of(u, bases[base].base, bases[base].upper, room, sizeof(room));
	const char *sign = sign_of(p, negative);
	long precision = p->d.precision;
	if (precision == NONE && p->d.zero && p->d.width != NONE)
		precision = p->d.width - (long)strlen(sign);
	if (p->d.precision == 0 && !u)
		digits.len = 0, sign = "";
	strbuf_puts(&text, sign);
	long zeros = precision - (long)digits.len;
	bool octal = p->d.sharp && bases[base].verb == 'o' && zeros <= 0 && u;
	if (p->d.sharp && bases[base].verb != 'o' && (digits.len || zeros > 0))
		strbuf_puts(&text, bases[base].sharp);
	strbuf_puts(&text, octal ? "0" : bases[base].verb == 'O' ? "0o" : "");
	struct printer inner = {.out = &text};
	fill(&inner, '0', zeros);
	put(&inner, digits);
	if (!strbuf_ok(&text))
		p->out->failed = true;
	put_padded(p, (struct span){strbuf_text(&text), text.len}, ' ');
}

static void print_rune(struct printer *p, uint64_t u, uint32_t verb)
{
	CLEANUP_STRBUF struct strbuf text = builder(p);
	uint32_t r = u > 0x10FFFF ? RUNE_ERROR : (uint32_t)u;
	if (verb == 'c')
		template_rune_put(&text, r);
	else if (verb == 'q')
		template_quote_rune(&text, r, p->d.plus);
	else if (u > 0x10FFFF)
		strbuf_printf(&text, "U+%llX", (unsigned long long)u);
	else
		template_quote_unicode(&text, r, p->d.sharp);
	put_built(p, &text);
}

static void print_int(struct printer *p, const struct value *v, uint32_t verb)
{
	bool negative = v->kind == VALUE_INT && v->integer < 0;
	uint64_t u = v->kind == VALUE_INT ? (uint64_t)v->integer : v->natural;
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		if ((uint32_t)bases[i].verb == verb) {
			print_digits(p, negative ? 0 - u : u, negative, i);
			return;
		}
	}
	if (verb == 'c' || verb == 'q' || verb == 'U')
		print_rune(p, u, verb);
	else
		bad_verb(p, v, verb);
}

/* --- floating point --- */

/* Shortest digits that read back as @real: "d.ddde+xx". Returns the number of digits. */
static int shortest(double real, char *room, size_t size, int *ret_exponent)
{
	int digits = 0;
	do
		snprintf(room, size, "%.*e", digits++, real);
	while (digits < 17 && strtod(room, NULL) != real);
	*ret_exponent = (int)strtol(strchr(room, 'e') + 1, NULL, 10);
	return digits;
}

void template_format_real(struct strbuf *out, double real, bool json)
{
	char room[64];
	int exponent;
	if (!isfinite(real)) {
		strbuf_puts(out, isnan(real) ? "NaN" : real > 0 ? "+Inf" : "-Inf");
		return;
	}
	int digits = shortest(real, room, sizeof(room), &exponent);
	int low = json ? -6 : -4;
	int high = json ? 21 : 6;
	if (real == 0 || (exponent >= low && exponent < high)) {
		int decimals = digits - 1 - exponent;
		strbuf_printf(out, "%.*f", decimals > 0 ? decimals : 0, real);
		return;
	}
	char *e = strchr(room, 'e');
	if (json && e[2] == '0') /* encoding/json writes e-7 where fmt writes e-07 */
		memmove(e + 2, e + 3, strlen(e + 3) + 1);
	strbuf_puts(out, room);
}

static void real_digits(const struct printer *p, double real, uint32_t verb, struct strbuf *out)
{
	char format[16];
	int precision = p->d.precision;
	if (precision > REAL_PRECISION_MAX)
		precision = REAL_PRECISION_MAX;
	if (!isfinite(real)) {
		strbuf_puts(out, isnan(real) ? "NaN" : real > 0 ? "Inf" : "-Inf");
		return;
	}
	if (precision == NONE && strchr("vgG", (int)verb)) {
		template_format_real(out, real, false);
		char *e = verb == 'G' ? strchr(out->buf, 'e') : NULL;
		if (e)
			*e = 'E';
		return;
	}
	char conversion = verb == 'F' ? 'f' : verb == 'v' ? 'g' : (char)verb;
	snprintf(format, sizeof(format), p->d.sharp ? "%%#.*%c" : "%%.*%c", conversion);
	char text[REAL_PRECISION_MAX + 400];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), format, precision == NONE ? 6 : precision, real);
#pragma GCC diagnostic pop
	strbuf_puts(out, text);
}

static void print_real(struct printer *p, const struct value *v, uint32_t verb)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(4096);
	if (!verb || verb > 0x7F || !strchr("vgGeEfF", (int)verb)) {
		bad_verb(p, v, verb);
		return;
	}
	real_digits(p, v->real, verb, &text);
	struct span digits = {strbuf_text(&text), text.len};
	const char *sign = sign_of(p, digits.s[0] == '-');
	if (digits.s[0] == '-' || digits.s[0] == '+')
		digits.s++, digits.len--;
	if (isinf(v->real) && !*sign)
		sign = v->real > 0 ? "+" : "-";
	CLEANUP_STRBUF struct strbuf built = builder(p);
	strbuf_puts(&built, sign);
	struct printer inner = {.out = &built};
	if (p->d.zero && p->d.width != NONE && isfinite(v->real))
		fill(&inner, '0', p->d.width - (long)(strlen(sign) + digits.len));
	put(&inner, digits);
	if (!strbuf_ok(&built))
		p->out->failed = true;
	put_padded(p, (struct span){strbuf_text(&built), built.len}, ' ');
}

/* --- strings --- */

static struct span truncated(const struct printer *p, struct span s)
{
	struct span rest = s;
	size_t width = 0;
	for (long n = p->d.precision; n != NONE && rest.len; n--) {
		if (n == 0) {
			s.len -= rest.len;
			break;
		}
		template_rune(rest, &width);
		rest.s += width;
		rest.len -= width;
	}
	return s;
}

static bool can_be_raw(struct span s)
{
	size_t width = 0;
	for (; s.len; s.s += width, s.len -= width) {
		uint32_t r = template_rune(s, &width);
		if (r == '`' || r == 0x7F || r == 0xFEFF || (r < 0x20 && r != '\t') ||
		    (r == RUNE_ERROR && width == 1))
			return false;
	}
	return true;
}

static void print_quoted(struct printer *p, struct span s)
{
	CLEANUP_STRBUF struct strbuf text = builder(p);
	s = truncated(p, s);
	if (p->d.sharp && can_be_raw(s)) {
		strbuf_putc(&text, '`');
		strbuf_add(&text, s.s, s.len);
		strbuf_putc(&text, '`');
	} else {
		template_quote(&text, s, p->d.plus);
	}
	put_built(p, &text);
}

static void print_hex(struct printer *p, struct span s, uint32_t verb)
{
	CLEANUP_STRBUF struct strbuf text = builder(p);
	const char *prefix = !p->d.sharp ? "" : verb == 'x' ? "0x" : "0X";
	if (p->d.precision != NONE && (size_t)p->d.precision < s.len)
		s.len = (size_t)p->d.precision;
	for (size_t i = 0; i < s.len; i++) {
		strbuf_puts(&text, i && p->d.space ? " " : "");
		strbuf_puts(&text, !i || p->d.space ? prefix : "");
		strbuf_printf(&text, verb == 'x' ? "%02x" : "%02X", (uint8_t)s.s[i]);
	}
	put_built(p, &text);
}

static void print_string(struct printer *p, const struct value *v, uint32_t verb)
{
	if (verb == 'v' && p->d.syntax)
		print_quoted(p, v->text);
	else if (verb == 'v' || verb == 's')
		put_text(p, truncated(p, v->text));
	else if (verb == 'q')
		print_quoted(p, v->text);
	else if (verb == 'x' || verb == 'X')
		print_hex(p, v->text, verb);
	else
		bad_verb(p, v, verb);
}

/* --- containers --- */

static void print_member(struct printer *p, const struct value *v, uint32_t verb)
{
	if (v->kind == VALUE_NIL)
		strbuf_puts(p->out, "<nil>");
	else
		print_value(p, v, verb);
}

static void print_list(struct printer *p, const struct value *v, uint32_t verb)
{
	strbuf_putc(p->out, '[');
	for (size_t i = 0; i < v->count && strbuf_ok(p->out); i++) {
		if (i)
			strbuf_putc(p->out, ' ');
		struct value element = value_element(v, i);
		print_member(p, &element, verb);
	}
	strbuf_putc(p->out, ']');
}

/* map[a:1 b:2]; a struct is {1 2}, with %+v {A:1 B:2}. */
static void print_map(struct printer *p, const struct value *v, uint32_t verb)
{
	bool is_struct = value_is_struct(v);
	strbuf_puts(p->out, is_struct ? "{" : "map[");
	const char **keys = value_keys(v, p->scratch);
	for (size_t i = 0; keys[i] && strbuf_ok(p->out); i++) {
		struct value member = {0}, key = value_string(value_span(keys[i]));
		value_member(v, key.text, &member);
		if (i)
			strbuf_putc(p->out, ' ');
		if (!is_struct)
			print_value(p, &key, verb);
		else if (p->d.names)
			put(p, key.text);
		if (!is_struct || p->d.names)
			strbuf_putc(p->out, ':');
		print_member(p, &member, verb);
	}
	strbuf_putc(p->out, is_struct ? '}' : ']');
}

static void print_container(struct printer *p, const struct value *v, uint32_t verb)
{
	if (p->depth >= DEPTH_MAX) {
		strbuf_puts(p->out, "...");
		return;
	}
	p->depth++;
	if (v->kind == VALUE_LIST)
		print_list(p, v, verb);
	else
		print_map(p, v, verb);
	p->depth--;
}

static void print_value(struct printer *p, const struct value *v, uint32_t verb)
{
	switch (v->kind) {
	case VALUE_BOOL:
		if (verb == 'v' || verb == 't')
			put_text(p, value_span(v->truth ? "true" : "false"));
		else
			bad_verb(p, v, verb);
		break;
	case VALUE_INT:
	case VALUE_UINT:
		print_int(p, v, verb);
		break;
	case VALUE_FLOAT:
		print_real(p, v, verb);
		break;
	case VALUE_STRING:
		print_string(p, v, verb);
		break;
	case VALUE_LIST:
	case VALUE_MAP:
		print_container(p, v, verb);
		break;
	default:
		if (verb == 'v')
			put_text(p, value_span("<nil>"));
		else
			bad_verb(p, v, verb);
	}
}

static void print_argument(struct printer *p, const struct value *v)
{
	struct directive *d = &p->d;
	if (d->verb == 'T') {
		put_text(p, value_span(value_type_name(v)));
		return;
	}
	if (d->verb == 'v') {
		d->names = d->plus;
		d->syntax = d->sharp;
		d->plus = d->sharp = false;
	}
	print_value(p, v, d->verb);
}

/* --- the three functions --- */

void template_print(struct strbuf *out, struct arena *scratch, const struct value *v, size_t count)
{
	struct printer p = {
		.out = out, .scratch = scratch, .d = {.width = NONE, .precision = NONE}};
	for (size_t i = 0; i < count; i++) {
		if (i && v[i].kind != VALUE_STRING && v[i - 1].kind != VALUE_STRING)
			strbuf_putc(out, ' ');
		print_value(&p, &v[i], 'v');
	}
}

void template_println(struct strbuf *out, struct arena *scratch, const struct value *v,
		      size_t count)
{
	struct printer p = {
		.out = out, .scratch = scratch, .d = {.width = NONE, .precision = NONE}};
	for (size_t i = 0; i < count; i++) {
		if (i)
			strbuf_putc(out, ' ');
		print_value(&p, &v[i], 'v');
	}
	strbuf_putc(out, '\n');
}

/* Where a format and its arguments are read. */
struct reader {
	struct span format;
	const struct value *v;
	size_t count;
	size_t next;    /* argument */
	bool reordered; /* some [n] was there: extra arguments are no mistake */
	bool bad_index; /* in this directive */
};

static bool take(struct reader *r, char c)
{
	if (!r->format.len || *r->format.s != c)
		return false;
	r->format.s++;
	r->format.len--;
	return true;
}

static void read_flags(struct reader *r, struct directive *d)
{
	*d = (struct directive){.width = NONE, .precision = NONE};
	for (;;) {
		if (take(r, '#'))
			d->sharp = true;
		else if (take(r, '+'))
			d->plus = true;
		else if (take(r, ' '))
			d->space = true;
		else if (take(r, '0'))
			d->zero = !d->minus;
		else if (take(r, '-'))
			d->minus = true, d->zero = false;
		else
			return;
	}
}

/* Digits; NONE when there are none or too many. */
static int read_number(struct reader *r)
{
	int n = NONE;
	bool huge = false;
	for (; r->format.len && isdigit((unsigned char)*r->format.s); take(r, *r->format.s)) {
		n = (n == NONE ? 0 : n) * 10 + (*r->format.s - '0');
		if (n > WIDTH_MAX)
			huge = true, n = 0;
	}
	return huge ? NONE : n;
}

/* "[3]": the next argument is the third. */
static void read_index(struct reader *r)
{
	if (!r->format.len || *r->format.s != '[')
		return;
	r->reordered = true;
	const char *end = memchr(r->format.s, ']', r->format.len);
	if (!end) {
		r->bad_index = true;
		take(r, '[');
		return;
	}
	struct reader inside = {.format = {r->format.s + 1, (size_t)(end - r->format.s) - 1}};
	int n = read_number(&inside);
	size_t used = (size_t)(end - r->format.s) + 1;
	r->format.s += used;
	r->format.len -= used;
	if (inside.format.len || n < 1 || (size_t)n > r->count)
		r->bad_index = true;
	else
		r->next = (size_t)n - 1;
}

/* "*": the number is an argument. False: it is none. */
static bool read_star(struct reader *r, int *ret)
{
	if (r->next >= r->count)
		return false;
	const struct value *v = &r->v[r->next++];
	if (v->kind != VALUE_INT || v->integer > WIDTH_MAX || v->integer < -WIDTH_MAX)
		return false;
	*ret = (int)v->integer;
	return true;
}

static void read_width(struct reader *r, struct directive *d, struct strbuf *out)
{
	read_index(r);
	if (!take(r, '*')) {
		d->width = read_number(r);
		return;
	}
	if (!read_star(r, &d->width)) {
		strbuf_puts(out, "%!(BADWIDTH)");
		d->width = NONE;
	} else if (d->width < 0) {
		d->width = -d->width;
		d->minus = true;
		d->zero = false;
	}
}

static void read_precision(struct reader *r, struct directive *d, struct strbuf *out)
{
	if (!take(r, '.'))
		return;
	read_index(r);
	if (take(r, '*')) {
		if (!read_star(r, &d->precision) || d->precision < 0) {
			d->precision = NONE;
			strbuf_puts(out, "%!(BADPREC)");
		}
		return;
	}
	d->precision = read_number(r);
	if (d->precision == NONE)
		d->precision = 0;
}

static void print_directive(struct reader *r, struct printer *p)
{
	size_t width;
	r->bad_index = false;
	read_flags(r, &p->d);
	read_width(r, &p->d, p->out);
	read_precision(r, &p->d, p->out);
	read_index(r);
	if (!r->format.len) {
		strbuf_puts(p->out, "%!(NOVERB)");
		return;
	}
	p->d.verb = template_rune(r->format, &width);
	r->format.s += width;
	r->format.len -= width;
	if (p->d.verb == '%') {
		strbuf_putc(p->out, '%');
	} else if (r->bad_index || r->next >= r->count) {
		strbuf_puts(p->out, "%!");
		template_rune_put(p->out, p->d.verb);
		strbuf_puts(p->out, r->bad_index ? "(BADINDEX)" : "(MISSING)");
	} else {
		print_argument(p, &r->v[r->next++]);
	}
}

static void print_extra(struct reader *r, struct printer *p)
{
	p->d = (struct directive){.width = NONE, .precision = NONE};
	strbuf_puts(p->out, "%!(EXTRA ");
	for (size_t i = r->next; i < r->count; i++) {
		strbuf_puts(p->out, i > r->next ? ", " : "");
		if (r->v[i].kind > VALUE_NIL) {
			strbuf_puts(p->out, value_type_name(&r->v[i]));
			strbuf_putc(p->out, '=');
		}
		print_value(p, &r->v[i], 'v');
	}
	strbuf_putc(p->out, ')');
}

void template_printf(struct strbuf *out, struct arena *scratch, struct span format,
		     const struct value *v, size_t count)
{
	struct printer p = {.out = out, .scratch = scratch};
	struct reader r = {.format = format, .v = v, .count = count};
	while (r.format.len && strbuf_ok(out)) {
		const char *percent = memchr(r.format.s, '%', r.format.len);
		size_t plain = percent ? (size_t)(percent - r.format.s) : r.format.len;
		put(&p, (struct span){r.format.s, plain});
		r.format.s += plain;
		r.format.len -= plain;
		if (take(&r, '%'))
			print_directive(&r, &p);
	}
	if (!r.reordered && r.next < r.count)
		print_extra(&r, &p);
}
