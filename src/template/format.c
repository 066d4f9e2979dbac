/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's package fmt for the kinds of values that templates have.
 * Source: the documentation of Go's fmt ("Printing", "Format errors").
 * Invariant: widths and precisions are at most WIDTH_MAX, nesting at most DEPTH_MAX, and the
 * caller's strbuf has a maximum: no format can make more than that. Read format.h first.
 */
#include "template/format.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "template/quote.h"

enum { WIDTH_MAX = 1000000, REAL_PRECISION_MAX = 1000, DEPTH_MAX = 128, NONE = -1 };

/* One directive: %[flags][width][.precision]verb */
struct printer {
	struct strbuf *out;
	struct arena *scratch;
	bool plus, minus, sharp, space, zero;
	bool names;           /* what + means for %v: the fields of structs have names */
	int width, precision; /* NONE: not given */
	int depth;
};

static void print_value(struct printer *p, const struct value *v, uint32_t verb);

/* @head (a sign, "0x") and @body in the field's width: zeros go between them, spaces outside. */
static void put_field(struct printer *p, const char *head, struct span body)
{
	size_t len = strlen(head) + utf8_count(body.s, body.len);
	size_t missing = p->width > 0 && (size_t)p->width > len ? (size_t)p->width - len : 0;
	bool zeros = p->zero && !p->minus;
	strbuf_fill(p->out, ' ', p->minus || zeros ? 0 : missing);
	strbuf_puts(p->out, head);
	strbuf_fill(p->out, '0', zeros ? missing : 0);
	strbuf_add(p->out, body.s, body.len);
	strbuf_fill(p->out, ' ', p->minus ? missing : 0);
}

static void put_built(struct printer *p, const char *head, const struct strbuf *body)
{
	p->out->failed |= body->failed;
	put_field(p, head, (struct span){strbuf_text(body), body->len});
}

static const char *sign_of(const struct printer *p, bool negative)
{
	return negative ? "-" : p->plus ? "+" : p->space ? " " : "";
}

static void put_rune(struct strbuf *out, uint32_t c)
{
	char text[UTF8_MAX];
	strbuf_add(out, text, utf8_encode(c, text));
}

static void bad_verb(struct printer *p, const struct value *v, uint32_t verb)
{
	strbuf_puts(p->out, "%!");
	put_rune(p->out, verb);
	if (v->kind == VALUE_NIL) {
		strbuf_puts(p->out, "(<nil>)");
		return;
	}
	strbuf_printf(p->out, "(%s=", value_type_name(v));
	print_value(p, v, 'v');
	strbuf_putc(p->out, ')');
}

/* --- scalars --- */

static const struct {
	char verb;
	const char *format; /* for the C library: without the sign, which Go writes for all */
	const char *sharp;  /* what # puts in front */
} bases[] = {
	{'v', "%.*llu", ""},  {'d', "%.*llu", ""},   {'b', "%.*llb", "0b"},
	{'o', "%.*llo", "0"}, {'x', "%.*llx", "0x"}, {'X', "%.*llX", "0X"},
};

static void print_digits(struct printer *p, int64_t integer, size_t base)
{
	CLEANUP_STRBUF struct strbuf body = STRBUF_MAX(WIDTH_MAX + 64);
	char head[4];
	uint64_t u = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
	snprintf(head, sizeof(head), "%s%s", sign_of(p, integer < 0),
		 p->sharp ? bases[base].sharp : "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	strbuf_printf(&body, bases[base].format, p->precision, (unsigned long long)u);
#pragma GCC diagnostic pop
	put_built(p, head, &body);
}

static void print_int(struct printer *p, const struct value *v, uint32_t verb)
{
	CLEANUP_STRBUF struct strbuf body = STRBUF_MAX(64);
	uint32_t c = v->integer < 0 || v->integer > 0x10FFFF ? UTF8_BROKEN : (uint32_t)v->integer;
	char text[UTF8_MAX];
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		if ((uint32_t)bases[i].verb == verb) {
			print_digits(p, v->integer, i);
			return;
		}
	}
	if (verb == 'c')
		put_rune(&body, c);
	else if (verb == 'q')
		template_quote(&body, text, utf8_encode(c, text), '\'');
	else if (verb == 'U')
		strbuf_printf(&body, "U+%04llX", (long long)v->integer);
	else
		bad_verb(p, v, verb);
	if (body.len)
		put_built(p, "", &body);
}

static void print_real(struct printer *p, const struct value *v, uint32_t verb)
{
	char text[REAL_PRECISION_MAX + 400], format[] = "%.*g";
	CLEANUP_STRBUF struct strbuf shortest = STRBUF_MAX(sizeof(text));
	int precision = p->precision > REAL_PRECISION_MAX ? REAL_PRECISION_MAX : p->precision;
	if (!verb || verb > 0x7F || !strchr("vgGeEfF", (int)verb)) {
		bad_verb(p, v, verb);
		return;
	}
	if (precision == NONE && strchr("vgG", (int)verb)) {
		value_put_real(&shortest, v->real, false);
		snprintf(text, sizeof(text), "%s", strbuf_text(&shortest));
	} else {
		format[3] = verb == 'v' ? 'g' : (char)verb;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof(text), format, precision == NONE ? 6 : precision, v->real);
#pragma GCC diagnostic pop
	}
	put_field(p, sign_of(p, *text == '-'), span_of(text + (*text == '-')));
}

/* The first characters, as many as the precision says. */
static struct span cut(const struct printer *p, struct span s)
{
	size_t len = 0;
	uint32_t c;
	for (int i = 0; i != p->precision && len < s.len; i++)
		len += utf8_decode(s.s + len, s.len - len, &c);
	return (struct span){s.s, len};
}

static void print_string(struct printer *p, const struct value *v, uint32_t verb)
{
	CLEANUP_STRBUF struct strbuf body = STRBUF_MAX(p->out->max);
	bool hex = verb == 'x' || verb == 'X';
	struct span s = v->text;
	if (hex && p->precision != NONE && (size_t)p->precision < s.len)
		s.len = (size_t)p->precision;
	else if (!hex)
		s = cut(p, s);
	if (verb == 'v' || verb == 's')
		put_field(p, "", s);
	else if (!hex && verb != 'q')
		bad_verb(p, v, verb);
	if (verb == 'q')
		template_quote(&body, s.s, s.len, '"');
	for (size_t i = 0; hex && i < s.len; i++)
		strbuf_printf(&body, verb == 'x' ? "%02x" : "%02X", (uint8_t)s.s[i]);
	if (verb == 'q' || hex)
		put_built(p, hex && p->sharp ? verb == 'x' ? "0x" : "0X" : "", &body);
}

/* --- containers --- */

static void print_list(struct printer *p, const struct value *v, uint32_t verb)
{
	strbuf_putc(p->out, '[');
	for (size_t i = 0; i < v->count && strbuf_ok(p->out); i++) {
		struct value element = value_element(v, i);
		strbuf_puts(p->out, i ? " " : "");
		print_value(p, &element, verb);
	}
	strbuf_putc(p->out, ']');
}

/* map[a:1 b:2]; a struct is {1 2}, with %+v {A:1 B:2}. */
static void print_map(struct printer *p, const struct value *v, uint32_t verb)
{
	bool is_struct = value_is_struct(v), names = is_struct && p->names;
	const char **keys = value_keys(v, p->scratch);
	strbuf_puts(p->out, is_struct ? "{" : "map[");
	for (size_t i = 0; keys[i] && strbuf_ok(p->out); i++) {
		struct value member = {0}, key = value_string(span_of(keys[i]));
		value_member(v, key.text, &member);
		strbuf_puts(p->out, i ? " " : "");
		if (names)
			strbuf_puts(p->out, keys[i]);
		else if (!is_struct)
			print_value(p, &key, verb);
		strbuf_puts(p->out, names || !is_struct ? ":" : "");
		print_value(p, &member, verb);
	}
	strbuf_putc(p->out, is_struct ? '}' : ']');
}

static void print_container(struct printer *p, const struct value *v, uint32_t verb)
{
	if (p->depth == DEPTH_MAX) {
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
	if (v->kind == VALUE_INT)
		print_int(p, v, verb);
	else if (v->kind == VALUE_FLOAT)
		print_real(p, v, verb);
	else if (v->kind == VALUE_STRING)
		print_string(p, v, verb);
	else if (v->kind >= VALUE_LIST)
		print_container(p, v, verb);
	else if (v->kind == VALUE_BOOL && (verb == 'v' || verb == 't'))
		put_field(p, "", span_of(v->truth ? "true" : "false"));
	else if (v->kind == VALUE_NIL && (verb == 'v' || p->depth))
		put_field(p, "", span_of("<nil>"));
	else
		bad_verb(p, v, verb);
}

/* --- the two functions --- */

void template_print(struct strbuf *out, struct arena *scratch, const struct value *v, size_t count,
		    bool line)
{
	struct printer p = {.out = out, .scratch = scratch, .width = NONE, .precision = NONE};
	for (size_t i = 0; i < count; i++) {
		if (i && (line || (v[i].kind != VALUE_STRING && v[i - 1].kind != VALUE_STRING)))
			strbuf_putc(out, ' ');
		print_value(&p, &v[i], 'v');
	}
	strbuf_puts(out, line ? "\n" : "");
}

/* Where a format and its arguments are read. */
struct reader {
	const char *at, *end;
	const struct value *v;
	size_t count;
	size_t next;    /* argument */
	bool reordered; /* some [n] was there: extra arguments are no mistake */
	bool bad_index; /* in this directive */
};

static bool take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static void read_flags(struct reader *r, struct printer *p)
{
	p->plus = p->minus = p->sharp = p->space = p->zero = false;
	const struct {
		char c;
		bool *flag;
	} flags[] = {{'+', &p->plus},
		     {'-', &p->minus},
		     {'#', &p->sharp},
		     {' ', &p->space},
		     {'0', &p->zero}};
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (take(r, flags[i].c)) {
			*flags[i].flag = true;
			i = SIZE_MAX; /* look for each again */
		}
	}
}

/* Digits; NONE when there are none or too many. */
static int read_digits(struct reader *r)
{
	int n = NONE;
	bool huge = false;
	for (; r->at < r->end && isdigit((unsigned char)*r->at); r->at++) {
		n = (n == NONE ? 0 : n) * 10 + (*r->at - '0');
		huge |= n > WIDTH_MAX;
		n = huge ? 0 : n;
	}
	return huge ? NONE : n;
}

/* "[3]": the next argument is the third. */
static void read_index(struct reader *r)
{
	if (!take(r, '['))
		return;
	int n = read_digits(r);
	r->reordered = true;
	r->bad_index = !take(r, ']') || n < 1 || (size_t)n > r->count;
	if (!r->bad_index)
		r->next = (size_t)n - 1;
}

/* A width or precision: digits, or "*" and an argument. @complaint: when that is no such number. */
static int read_number(struct reader *r, struct strbuf *out, const char *complaint)
{
	read_index(r);
	if (!take(r, '*'))
		return read_digits(r);
	const struct value *v = r->next < r->count ? &r->v[r->next++] : NULL;
	if (v && v->kind == VALUE_INT && v->integer <= WIDTH_MAX && v->integer >= -WIDTH_MAX)
		return (int)v->integer;
	strbuf_puts(out, complaint);
	return NONE;
}

static void print_directive(struct reader *r, struct printer *p)
{
	uint32_t verb;
	r->bad_index = false;
	read_flags(r, p);
	p->width = read_number(r, p->out, "%!(BADWIDTH)");
	if (p->width < NONE) {
		p->width = -p->width;
		p->minus = true;
	}
	p->precision = NONE;
	if (take(r, '.'))
		p->precision = read_number(r, p->out, "%!(BADPREC)");
	read_index(r);
	if (r->at == r->end) {
		strbuf_puts(p->out, "%!(NOVERB)");
		return;
	}
	r->at += utf8_decode(r->at, (size_t)(r->end - r->at), &verb);
	p->names = verb == 'v' && p->plus;
	p->plus &= verb != 'v';
	p->sharp &= verb != 'v';
	if (verb == '%') {
		strbuf_putc(p->out, '%');
	} else if (r->bad_index || r->next >= r->count) {
		strbuf_puts(p->out, "%!");
		put_rune(p->out, verb);
		strbuf_puts(p->out, r->bad_index ? "(BADINDEX)" : "(MISSING)");
	} else if (verb == 'T') {
		put_field(p, "", span_of(value_type_name(&r->v[r->next++])));
	} else {
		print_value(p, &r->v[r->next++], verb);
	}
}

static void print_extra(struct reader *r, struct strbuf *out, struct arena *scratch)
{
	strbuf_puts(out, "%!(EXTRA ");
	for (size_t i = r->next; i < r->count; i++) {
		strbuf_puts(out, i > r->next ? ", " : "");
		if (r->v[i].kind != VALUE_NIL)
			strbuf_printf(out, "%s=", value_type_name(&r->v[i]));
		template_print(out, scratch, &r->v[i], 1, false);
	}
	strbuf_putc(out, ')');
}

void template_printf(struct strbuf *out, struct arena *scratch, struct span format,
		     const struct value *v, size_t count)
{
	struct printer p = {.out = out, .scratch = scratch};
	struct reader r = {format.s, format.s + format.len, v, count, .next = 0};
	while (r.at < r.end && strbuf_ok(out)) {
		const char *percent = memchr(r.at, '%', (size_t)(r.end - r.at));
		percent = percent ? percent : r.end;
		strbuf_add(out, r.at, (size_t)(percent - r.at));
		r.at = percent;
		if (take(&r, '%'))
			print_directive(&r, &p);
	}
	if (!r.reordered && r.next < r.count)
		print_extra(&r, out, scratch);
}
