/* SPDX-License-Identifier: Apache-2.0 */
/* Looking ahead, failing, making nodes: the tools of the parser. Read parser.h first. */
#include "template/parser.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "template/quote.h"

/* --- tokens --- */

struct token parser_next(struct parser *p)
{
	if (p->peeked > 0)
		p->peeked--;
	else
		p->tokens[0] = template_lex_next(&p->lexer);
	return p->tokens[p->peeked];
}

void parser_backup(struct parser *p)
{
	p->peeked++;
}

struct token parser_peek(struct parser *p)
{
	struct token t = parser_next(p);
	parser_backup(p);
	return t;
}

struct token parser_next_word(struct parser *p)
{
	struct token t;
	do
		t = parser_next(p);
	while (t.type == TOKEN_SPACE);
	return t;
}

struct token parser_peek_word(struct parser *p)
{
	struct token t = parser_next_word(p);
	parser_backup(p);
	return t;
}

/* Put tokens back before the one that is next (which stays tokens[0]). */
void parser_backup_before(struct parser *p, const struct token *older, int count)
{
	for (int i = 0; i < count; i++)
		p->tokens[count - i] = older[i];
	p->peeked = count + 1;
}

/* --- failures --- */

void *parser_fail(struct parser *p, const char *fmt, ...)
{
	char message[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	err_set(p->err, EINVAL, ERR_INVALID, "template: :%u: %s", p->tokens[0].line, message);
	return NULL;
}

static void *fail_token(struct parser *p, struct token t)
{
	unsigned from = p->action_line;
	const char *what = t.text.s;
	if (!from || from == t.line)
		return parser_fail(p, "%.*s", (int)t.text.len, what);
	bool action = t.text.len > 7 && !memcmp(what + t.text.len - 7, " action", 7);
	return parser_fail(p, "%.*s%s started at :%u", (int)t.text.len, what,
			   action ? "" : " in action", from);
}

void *parser_unexpected(struct parser *p, struct token t, const char *context)
{
	CLEANUP_STRBUF struct strbuf word = STRBUF_MAX(256);
	if (t.type == TOKEN_ERROR)
		return fail_token(p, t);
	if (t.type == TOKEN_EOF)
		return parser_fail(p, "unexpected EOF in %s", context);
	if (t.type > TOKEN_KEYWORD)
		return parser_fail(p, "unexpected <%.*s> in %s", (int)t.text.len, t.text.s,
				   context);
	struct span head = {t.text.s, 0};
	size_t width = 0;
	for (int runes = 0; head.len < t.text.len && (t.text.len <= 10 || runes < 10); runes++) {
		template_rune((struct span){t.text.s + head.len, t.text.len - head.len}, &width);
		head.len += width;
	}
	template_quote(&word, head, false);
	return parser_fail(p, "unexpected %s%s in %s", strbuf_text(&word),
			   t.text.len > 10 ? "..." : "", context);
}

bool parser_expect(struct parser *p, enum token_type type, const char *context)
{
	struct token t = parser_next_word(p);
	if (t.type == type)
		return true;
	parser_unexpected(p, t, context);
	return false;
}

bool parser_enter(struct parser *p)
{
	if (p->depth >= TEMPLATE_NESTING_MAX) {
		err_set(p->err, E2BIG, ERR_INVALID, "template: :%u: nested deeper than %d levels",
			p->tokens[0].line, TEMPLATE_NESTING_MAX);
		return false;
	}
	p->depth++;
	return true;
}

/* --- nodes --- */

struct node *parser_node(struct parser *p, enum node_type type, size_t pos)
{
	struct node *n = arena_new(p->arena, struct node);
	n->type = type;
	n->pos = pos;
	return n;
}

/* Append to @parent; @tail is the end of its members. */
void parser_append(struct node *parent, struct node ***tail, struct node *n)
{
	**tail = n;
	*tail = &n->next;
	parent->count++;
}

/* A field chain grows by doubling: ".a.b.c" has few names, but a hostile one thousands. */
void parser_add_name(struct parser *p, struct node *n, struct span name)
{
	if ((n->name_count & (n->name_count - 1)) == 0) {
		struct span *more =
			arena_array(p->arena, n->name_count ? n->name_count * 2 : 1, sizeof(*more));
		if (n->name_count)
			memcpy(more, n->names, n->name_count * sizeof(*more));
		n->names = more;
	}
	n->names[n->name_count++] = name;
}

bool parser_add_variable(struct parser *p, struct span name)
{
	if (p->var_count == TEMPLATE_VARIABLES_MAX) {
		parser_fail(p, "more than %d variables", TEMPLATE_VARIABLES_MAX);
		return false;
	}
	p->vars[p->var_count++] = name;
	return true;
}

bool parser_unquote(struct parser *p, struct span literal, struct span *ret)
{
	CLEANUP_STRBUF struct strbuf value = STRBUF_MAX(2 * TEMPLATE_TEXT_MAX);
	if (!template_unquote(literal, &value) || !strbuf_ok(&value)) {
		parser_fail(p, "invalid syntax");
		return false;
	}
	*ret = (struct span){arena_strndup(p->arena, strbuf_text(&value), value.len), value.len};
	return true;
}
