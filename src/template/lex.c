/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From template text to tokens, one at each call. Rests on the syntax in the documentation of
 * Go's text/template ("Text and spaces", "Actions") and the literals of the Go language.
 * Read lex.h first.
 */
#include "template/lex.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "template/quote.h"

enum { DIGITS_MAX = 128 };

/* In the order of the token types. */
static const char *const keywords[] = {"block", "break", "continue", "define",   "else",
				       "end",   "if",    "range",    "template", "with"};
static const struct {
	const char *word;
	struct value value;
} constants[] = {
	{"true", {.kind = VALUE_BOOL, .truth = true}},
	{"false", {.kind = VALUE_BOOL}},
	{"nil", {.kind = VALUE_NIL}},
};

unsigned template_line(const char *text, size_t pos)
{
	unsigned line = 1;
	while (pos--)
		line += text[pos] == '\n';
	return line;
}

/* The byte at @ahead from here; NUL at the end, which is no part of any token. */
static char peek(const struct lexer *l, size_t ahead)
{
	return l->pos + ahead < l->len ? l->text[l->pos + ahead] : '\0';
}

static bool at(const struct lexer *l, const char *text)
{
	size_t len = strlen(text);
	return l->len - l->pos >= len && !memcmp(l->text + l->pos, text, len);
}

static bool is_space(char c)
{
	return c && strchr(" \t\r\n", c);
}

/* Letters beyond ASCII are not told from other characters: hull carries no Unicode tables. */
static bool is_word(char c)
{
	return c == '_' || isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

static void skip_spaces(struct lexer *l)
{
	while (is_space(peek(l, 0)))
		l->pos++;
}

static struct token token(const struct lexer *l, int type, size_t start)
{
	return (struct token){
		.type = type, .pos = start, .text = {l->text + start, l->pos - start}};
}

static struct token __attribute__((format(printf, 2, 3)))
fail(struct lexer *l, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *message = arena_vprintf(l->arena, fmt, ap);
	va_end(ap);
	l->failure = (struct token){.type = TOKEN_ERROR, .pos = l->pos, .text = span_of(message)};
	return l->failure;
}

static struct token fail_character(struct lexer *l, const char *message)
{
	unsigned char c = (unsigned char)peek(l, 0);
	if (isprint(c))
		return fail(l, "%s U+%04X '%c'", message, c, c);
	return fail(l, "%s U+%04X", message, c);
}

static struct token fail_quoted(struct lexer *l, const char *message, size_t start)
{
	CLEANUP_STRBUF struct strbuf quoted = STRBUF_MAX(TEMPLATE_TEXT_MAX);
	template_quote(&quoted, l->text + start, l->pos - start, '"');
	return fail(l, "%s: %s", message, strbuf_text(&quoted));
}

/* --- text and comments --- */

/* At "{{" of a comment: behind it. False: it has no end, or more follows it. */
static bool skip_comment(struct lexer *l, size_t marker)
{
	const char *from = l->text + l->pos + marker;
	const char *end = memmem(from, l->len - l->pos - marker, "*/", 2);
	if (!end) {
		fail(l, "unclosed comment");
		return false;
	}
	l->pos = (size_t)(end - l->text) + 2;
	bool trim = is_space(peek(l, 0)) && peek(l, 1) == '-';
	l->pos += trim ? 2 : 0;
	if (!at(l, "}}")) {
		fail(l, "comment ends before closing delimiter");
		return false;
	}
	l->pos += 2;
	if (trim)
		skip_spaces(l);
	return true;
}

/* Text up to the next action, or that action when no text is left. Loops over comments only. */
static struct token lex_text(struct lexer *l)
{
	for (;;) {
		size_t start = l->pos, end;
		const char *left = memmem(l->text + l->pos, l->len - l->pos, "{{", 2);
		l->pos = end = left ? (size_t)(left - l->text) : l->len;
		bool trim = peek(l, 2) == '-' && is_space(peek(l, 3));
		while (trim && end > start && is_space(l->text[end - 1]))
			end--;
		if (end > start)
			return (struct token){.type = TOKEN_TEXT,
					      .pos = start,
					      .text = {l->text + start, end - start}};
		if (!left)
			return token(l, TOKEN_EOF, l->pos);
		size_t marker = trim ? 4 : 2;
		if (peek(l, marker) == '/' && peek(l, marker + 1) == '*') {
			if (!skip_comment(l, marker + 2))
				return l->failure;
			continue;
		}
		l->action = l->pos;
		l->pos += trim ? 3 : 2;
		l->inside = true;
		l->parens = 0;
		return token(l, TOKEN_LEFT, l->action);
	}
}

/* --- words and constants --- */

/* May a word end here? ".x+1" must not be read as ".x" and "+1". */
static bool at_terminator(const struct lexer *l)
{
	char c = peek(l, 0);
	return l->pos == l->len || is_space(c) || (c && strchr(".,|:()", c)) || at(l, "}}");
}

/* A word, a field or a variable; or a lone "." or "$". */
static struct token lex_word(struct lexer *l)
{
	size_t start = l->pos;
	char first = peek(l, 0);
	int type = first == '.' ? TOKEN_FIELD : first == '$' ? TOKEN_VARIABLE : TOKEN_FUNCTION;
	l->pos += type != TOKEN_FUNCTION;
	while (is_word(peek(l, 0)))
		l->pos++;
	if (!at_terminator(l))
		return fail_character(l, "bad character");
	struct token t = token(l, type, start);
	if (type == TOKEN_FIELD && t.text.len == 1)
		t.type = TOKEN_DOT;
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (span_is(t.text, keywords[i]))
			t.type = TOKEN_KEYWORD + 1 + (int)i;
	for (size_t i = 0; i < ARRAY_LEN(constants); i++)
		if (span_is(t.text, constants[i].word))
			t.type = TOKEN_CONST, t.value = constants[i].value;
	return t;
}

static struct token lex_string(struct lexer *l, const char *unterminated)
{
	CLEANUP_STRBUF struct strbuf value = STRBUF_MAX(2 * TEMPLATE_TEXT_MAX);
	size_t start = l->pos;
	char quote = l->text[l->pos++];
	while (peek(l, 0) != quote) {
		if (peek(l, 0) == '\\' && quote != '`')
			l->pos++;
		if (l->pos >= l->len || (peek(l, 0) == '\n' && quote != '`'))
			return fail(l, "%s", unterminated);
		l->pos++;
	}
	l->pos++;
	struct token t = token(l, TOKEN_CONST, start);
	if (!template_unquote(&value, t.text.s, t.text.len))
		return fail(l, "invalid syntax");
	const char *text = arena_strndup(l->arena, strbuf_text(&value), value.len);
	t.value = value_string((struct span){text, value.len});
	return t;
}

static struct token lex_character(struct lexer *l)
{
	struct token t = lex_string(l, "unterminated character constant");
	if (t.type != TOKEN_CONST)
		return t;
	uint32_t c = 0;
	struct span s = t.value.text;
	if (!s.len || (utf8_decode(s.s, s.len, &c) != s.len))
		return fail(l, "malformed character constant: %.*s", (int)t.text.len, t.text.s);
	t.value = value_int(s.len == 1 ? (unsigned char)s.s[0] : c);
	return t;
}

/* strtoll knows the prefixes of C, which are Go's but for 0b and 0o. */
static bool read_integer(const char *digits, int64_t *ret)
{
	int base = !strncasecmp(digits, "0b", 2) ? 2 : !strncasecmp(digits, "0o", 2) ? 8 : 0;
	char *end;
	digits += base ? 2 : 0;
	errno = 0;
	*ret = strtoll(digits, &end, base);
	return end > digits && !*end && !errno;
}

/* strtod also takes words such as "inf" and "nan". */
static bool read_real(const char *digits, double *ret)
{
	const char *first = digits + (*digits == '+' || *digits == '-');
	char *end;
	*ret = strtod(digits, &end);
	return (isdigit((unsigned char)*first) || *first == '.') && !*end && isfinite(*ret) &&
	       strpbrk(digits, ".eEpP");
}

/* Whatever may belong to a number; read_integer and read_real are strict. */
static bool continues_number(const struct lexer *l, size_t start)
{
	char c = peek(l, 0), before = l->text[l->pos - 1];
	bool hex = l->pos - start > 1 && memchr("xX", l->text[start + 1], 2);
	bool sign = (c == '+' || c == '-') && (before == 'e' || before == 'E') && !hex;
	return is_word(c) || c == '.' || sign;
}

static struct token lex_number(struct lexer *l)
{
	char digits[DIGITS_MAX + 1] = "";
	size_t start = l->pos++;
	while (continues_number(l, start))
		l->pos++;
	struct token t = token(l, TOKEN_CONST, start);
	for (size_t i = 0, count = 0; i < t.text.len && count < DIGITS_MAX; i++)
		if (t.text.s[i] != '_')
			digits[count++] = t.text.s[i];
	if (t.text.len <= DIGITS_MAX && read_integer(digits, &t.value.integer)) {
		t.value.kind = VALUE_INT;
	} else if (t.text.len <= DIGITS_MAX && read_real(digits, &t.value.real)) {
		t.value.kind = VALUE_FLOAT;
	} else {
		/* Go's lexer knows imaginary numbers, its parser refuses them. */
		bool imaginary = t.text.s[t.text.len - 1] == 'i';
		return fail_quoted(l, imaginary ? "illegal number syntax" : "bad number syntax",
				   start);
	}
	return t;
}

/* --- inside an action --- */

static struct token lex_right(struct lexer *l, bool trim)
{
	l->pos += trim;
	size_t start = l->pos;
	l->pos += 2;
	struct token t = token(l, TOKEN_RIGHT, start);
	if (trim)
		skip_spaces(l);
	l->inside = false;
	return t;
}

static struct token lex_mark(struct lexer *l)
{
	size_t start = l->pos;
	char c = peek(l, 0);
	if (c == ':' && !at(l, ":="))
		return fail(l, "expected :=");
	if (!isprint((unsigned char)c))
		return fail_character(l, "unrecognized character in action:");
	l->parens += (c == '(') - (c == ')'); /* below 0 the parser complains */
	l->pos += c == ':' ? 2 : 1;
	return token(l, c == ':' ? TOKEN_DECLARE : c, start);
}

static struct token lex_inside(struct lexer *l)
{
	size_t start = l->pos;
	skip_spaces(l);
	bool spaced = l->pos > start, trim = spaced && at(l, "-}}");
	char c = peek(l, 0), next = peek(l, 1);
	struct token t;
	if (trim || at(l, "}}"))
		t = l->parens ? fail(l, "unclosed left paren") : lex_right(l, trim);
	else if (l->pos == l->len &&
		 template_line(l->text, l->pos) > template_line(l->text, l->action))
		t = fail(l, "unclosed action started at :%u", template_line(l->text, l->action));
	else if (l->pos == l->len)
		t = fail(l, "unclosed action");
	else if (isdigit((unsigned char)c) || c == '+' || c == '-' ||
		 (c == '.' && isdigit((unsigned char)next)))
		t = lex_number(l);
	else if (is_word(c) || c == '.' || c == '$')
		t = lex_word(l);
	else if (c == '"')
		t = lex_string(l, "unterminated quoted string");
	else if (c == '`')
		t = lex_string(l, "unterminated raw quoted string");
	else if (c == '\'')
		t = lex_character(l);
	else
		t = lex_mark(l);
	t.spaced = spaced;
	return t;
}

struct token template_lex(struct lexer *l)
{
	if (l->failure.type)
		return l->failure;
	return l->inside ? lex_inside(l) : lex_text(l);
}
