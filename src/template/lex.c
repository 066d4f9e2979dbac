/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From template text to tokens, one at each call. Rests on the syntax in the documentation of
 * Go's text/template ("Text and spaces", "Actions"). Read lex.h first.
 */
#include "template/lex.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "template/quote.h"

enum { END_OF_TEXT = -1 };

static const struct {
	const char *word;
	enum token_type type;
} keywords[] = {
	{"block", TOKEN_BLOCK},   {"break", TOKEN_BREAK}, {"continue", TOKEN_CONTINUE},
	{"define", TOKEN_DEFINE}, {"else", TOKEN_ELSE},   {"end", TOKEN_END},
	{"false", TOKEN_BOOL},    {"if", TOKEN_IF},       {"nil", TOKEN_NIL},
	{"range", TOKEN_RANGE},   {"true", TOKEN_BOOL},   {"template", TOKEN_TEMPLATE},
	{"with", TOKEN_WITH},
};

/* Characters that are a token by themselves inside an action. */
static const struct {
	char c;
	enum token_type type;
	int8_t parens;
} marks[] = {
	{'=', TOKEN_ASSIGN, 0},
	{'|', TOKEN_PIPE, 0},
	{'(', TOKEN_LEFT_PAREN, 1},
	{')', TOKEN_RIGHT_PAREN, -1},
};

static bool is_space(int32_t r)
{
	return r == ' ' || r == '\t' || r == '\r' || r == '\n';
}

static bool is_digit(int32_t r)
{
	return r >= '0' && r <= '9';
}

/* Letters beyond ASCII are not told from other characters: hull carries no Unicode tables. */
static bool is_word(int32_t r)
{
	return r == '_' || is_digit(r) || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') ||
	       (r > 0x7F && r != RUNE_ERROR);
}

static struct span rest(const struct lexer *l)
{
	return (struct span){l->text + l->pos, l->len - l->pos};
}

static bool starts_with(struct span s, const char *prefix)
{
	size_t len = strlen(prefix);
	return s.len >= len && !memcmp(s.s, prefix, len);
}

static int32_t peek_rune(const struct lexer *l, size_t *ret_width)
{
	*ret_width = 0;
	if (l->pos >= l->len)
		return END_OF_TEXT;
	return (int32_t)template_rune(rest(l), ret_width);
}

static int32_t next_rune(struct lexer *l)
{
	size_t width;
	int32_t r = peek_rune(l, &width);
	l->pos += width;
	return r;
}

static unsigned line_of_start(struct lexer *l)
{
	for (; l->counted < l->start; l->counted++)
		l->line += l->text[l->counted] == '\n';
	return l->line;
}

static struct token emit(struct lexer *l, enum token_type type)
{
	struct token t = {
		.type = type,
		.pos = l->start,
		.line = line_of_start(l),
		.text = {l->text + l->start, l->pos - l->start},
	};
	l->start = l->pos;
	return t;
}

static struct token fail(struct lexer *l, const char *message)
{
	snprintf(l->message, sizeof(l->message), "%s", message);
	l->failed = true;
	l->failure = (struct token){
		.type = TOKEN_ERROR,
		.pos = l->start,
		.line = line_of_start(l),
		.text = {l->message, strlen(l->message)},
	};
	return l->failure;
}

static struct token fail_rune(struct lexer *l, const char *message, int32_t r)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(80);
	strbuf_printf(&text, "%s ", message);
	template_quote_unicode(&text, (uint32_t)r, true);
	return fail(l, strbuf_text(&text));
}

static bool left_trim(struct span s)
{
	return s.len >= 2 && s.s[0] == '-' && is_space(s.s[1]);
}

static bool right_trim(struct span s)
{
	return s.len >= 2 && is_space(s.s[0]) && s.s[1] == '-';
}

/* At "}}" or " -}}"? */
static bool at_right(const struct lexer *l, bool *ret_trim)
{
	struct span s = rest(l);
	*ret_trim = right_trim(s) && starts_with((struct span){s.s + 2, s.len - 2}, "}}");
	return *ret_trim || starts_with(s, "}}");
}

static void skip_spaces(struct lexer *l)
{
	while (l->pos < l->len && is_space(l->text[l->pos]))
		l->pos++;
	l->start = l->pos;
}

/* May a word end here? ".x+1" must not be read as ".x" and "+1". */
static bool at_terminator(const struct lexer *l)
{
	size_t width;
	int32_t r = peek_rune(l, &width);
	return r == END_OF_TEXT || is_space(r) || (r > 0 && r < 0x80 && strchr(".,|:()", r)) ||
	       starts_with(rest(l), "}}");
}

/* At a comment: to the end of the comment, which must be the end of the action. */
static bool skip_comment(struct lexer *l, struct token *ret_failure)
{
	bool trim;
	l->start = l->pos;
	l->pos += 2;
	const char *end = memmem(l->text + l->pos, l->len - l->pos, "*/", 2);
	if (!end) {
		*ret_failure = fail(l, "unclosed comment");
		return false;
	}
	l->pos = (size_t)(end - l->text) + 2;
	if (!at_right(l, &trim)) {
		*ret_failure = fail(l, "comment ends before closing delimiter");
		return false;
	}
	l->pos += trim ? 4 : 2;
	l->start = l->pos;
	if (trim)
		skip_spaces(l);
	return true;
}

/* At "{{": enter the action, or step over it when it is a comment. */
static bool enter_action(struct lexer *l, struct token *ret)
{
	size_t marker = left_trim((struct span){l->text + l->pos + 2, l->len - l->pos - 2}) ? 2 : 0;
	l->start = l->pos;
	l->pos += 2;
	if (starts_with((struct span){l->text + l->pos + marker, l->len - l->pos - marker}, "/*")) {
		l->pos += marker;
		return !skip_comment(l, ret);
	}
	*ret = emit(l, TOKEN_LEFT);
	l->pos += marker;
	l->start = l->pos;
	l->inside = true;
	l->parens = 0;
	return true;
}

/* Text up to the next action, or that action when no text is left. Loops over comments only. */
static struct token lex_text(struct lexer *l)
{
	struct token t;
	for (;;) {
		const char *left = memmem(l->text + l->pos, l->len - l->pos, "{{", 2);
		size_t delimiter = left ? (size_t)(left - l->text) : l->len;
		size_t end = delimiter;
		if (left && left_trim((struct span){left + 2, l->len - delimiter - 2}))
			while (end > l->start && is_space(l->text[end - 1]))
				end--;
		if (end > l->start) {
			l->pos = end;
			return emit(l, TOKEN_TEXT);
		}
		l->pos = l->start = delimiter;
		if (!left)
			return emit(l, TOKEN_EOF);
		if (enter_action(l, &t))
			return t;
	}
}

static struct token lex_right(struct lexer *l, bool trim)
{
	l->pos += trim ? 2 : 0;
	l->start = l->pos;
	l->pos += 2;
	struct token t = emit(l, TOKEN_RIGHT);
	if (trim)
		skip_spaces(l);
	l->inside = false;
	return t;
}

static struct token lex_space(struct lexer *l)
{
	while (l->pos < l->len && is_space(l->text[l->pos]))
		l->pos++;
	struct lexer last = *l;
	bool trim;
	last.pos--;
	if (at_right(&last, &trim) && trim) {
		l->pos--; /* the last space belongs to " -}}" */
		if (l->pos == l->start)
			return lex_right(l, true);
	}
	return emit(l, TOKEN_SPACE);
}

static bool is_keyword(struct span word, enum token_type *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (word.len == strlen(keywords[i].word) && starts_with(word, keywords[i].word)) {
			*ret = keywords[i].type;
			return true;
		}
	}
	return false;
}

/* A word, or what follows "." or "$". */
static struct token lex_word(struct lexer *l, enum token_type type)
{
	size_t width;
	int32_t r = peek_rune(l, &width);
	while (is_word(r)) {
		l->pos += width;
		r = peek_rune(l, &width);
	}
	if (!at_terminator(l))
		return fail_rune(l, "bad character", r);
	if (type == TOKEN_IDENTIFIER)
		is_keyword((struct span){l->text + l->start, l->pos - l->start}, &type);
	return emit(l, type);
}

static struct token lex_field_or_variable(struct lexer *l, char c)
{
	enum token_type type = c == '$' ? TOKEN_VARIABLE : TOKEN_FIELD;
	if (at_terminator(l))
		return emit(l, c == '$' ? TOKEN_VARIABLE : TOKEN_DOT);
	return lex_word(l, type);
}

static const struct quoting {
	char quote;
	bool raw;
	enum token_type type;
	const char *unterminated;
} quotings[] = {
	{'"', false, TOKEN_STRING, "unterminated quoted string"},
	{'`', true, TOKEN_RAW_STRING, "unterminated raw quoted string"},
	{'\'', false, TOKEN_RUNE, "unterminated character constant"},
};

/* Past the first quote. Whether the escapes make sense is the parser's question. */
static struct token lex_quoted(struct lexer *l, const struct quoting *q)
{
	for (;;) {
		int32_t r = next_rune(l);
		if (r == q->quote)
			return emit(l, q->type);
		if (r == '\\' && !q->raw)
			r = next_rune(l);
		if (r == END_OF_TEXT || (r == '\n' && !q->raw))
			return fail(l, q->unterminated);
	}
}

static bool accept(struct lexer *l, const char *set)
{
	if (l->pos >= l->len || !l->text[l->pos] || !strchr(set, l->text[l->pos]))
		return false;
	l->pos++;
	return true;
}

static void accept_run(struct lexer *l, const char *set)
{
	while (accept(l, set))
		;
}

static const char *accept_base(struct lexer *l)
{
	if (!accept(l, "0"))
		return "0123456789_";
	if (accept(l, "xX"))
		return "0123456789abcdefABCDEF_";
	if (accept(l, "oO"))
		return "01234567_";
	return accept(l, "bB") ? "01_" : "0123456789_";
}

/* Roughly a number; the parser reads it strictly. False: a word follows at once. */
static bool scan_number(struct lexer *l)
{
	size_t width;
	accept(l, "+-");
	const char *digits = accept_base(l);
	bool hex = strlen(digits) > 20, decimal = strlen(digits) == 11;
	accept_run(l, digits);
	if (accept(l, "."))
		accept_run(l, digits);
	if ((decimal && accept(l, "eE")) || (hex && accept(l, "pP"))) {
		accept(l, "+-");
		accept_run(l, "0123456789_");
	}
	accept(l, "i"); /* imaginary: refused by the parser */
	int32_t r = peek_rune(l, &width);
	l->pos += is_word(r) ? width : 0;
	return !is_word(r);
}

static struct token lex_number(struct lexer *l)
{
	size_t width;
	bool ok = scan_number(l);
	int32_t r = peek_rune(l, &width);
	if (ok && r != '+' && r != '-')
		return emit(l, TOKEN_NUMBER);
	if (ok) /* 1+2i: complex numbers are not for templates */
		scan_number(l);
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(80);
	strbuf_puts(&text, "bad number syntax: ");
	template_quote(&text, (struct span){l->text + l->start, l->pos - l->start}, false);
	return fail(l, strbuf_ok(&text) ? strbuf_text(&text) : "bad number syntax");
}

static struct token lex_mark(struct lexer *l, int32_t r)
{
	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (marks[i].c != r)
			continue;
		l->parens += marks[i].parens; /* below 0 the parser complains */
		return emit(l, marks[i].type);
	}
	if (r == ':') {
		if (next_rune(l) != '=')
			return fail(l, "expected :=");
		return emit(l, TOKEN_DECLARE);
	}
	if (r >= 0x20 && r < 0x7F)
		return emit(l, TOKEN_CHAR);
	return fail_rune(l, "unrecognized character in action:", r);
}

static bool starts_number(const struct lexer *l, int32_t r)
{
	if (r == '.')
		return l->pos + 1 == l->len || is_digit(l->text[l->pos + 1]);
	return is_digit(r) || r == '+' || r == '-';
}

static struct token lex_inside(struct lexer *l)
{
	bool trim;
	size_t width;
	if (at_right(l, &trim))
		return l->parens ? fail(l, "unclosed left paren") : lex_right(l, trim);
	int32_t r = peek_rune(l, &width);
	if (r == END_OF_TEXT)
		return fail(l, "unclosed action");
	if (is_space(r))
		return lex_space(l);
	if (starts_number(l, r))
		return lex_number(l);
	if (is_word(r))
		return lex_word(l, TOKEN_IDENTIFIER);
	l->pos += width;
	for (size_t i = 0; i < ARRAY_LEN(quotings); i++)
		if (quotings[i].quote == r)
			return lex_quoted(l, &quotings[i]);
	if (r == '.' || r == '$')
		return lex_field_or_variable(l, (char)r);
	return lex_mark(l, r);
}

void template_lex_start(struct lexer *l, const char *text, size_t len)
{
	*l = (struct lexer){.text = text, .len = len, .line = 1};
}

struct token template_lex_next(struct lexer *l)
{
	if (l->failed)
		return l->failure;
	return l->inside ? lex_inside(l) : lex_text(l);
}
