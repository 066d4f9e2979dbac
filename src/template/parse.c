/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing lists, control actions and definitions, by recursive descent.
 * Rests on the documentation of Go's text/template ("Actions", "Nested template definitions").
 * Read parser.h first.
 */
#include "template/parse.h"

#include "base/cleanup.h"
#include "template/parser.h"
#include "template/quote.h"

/* A list of nodes ends at one of these. */
enum list_end { LIST_FAILED, LIST_END, LIST_ELSE, LIST_ELSE_BRANCH };

static enum list_end parse_list(struct parser *p, struct node **ret);

/* --- actions --- */

static struct node *parse_control(struct parser *p, struct node *n, const char *context);

/* "{{else if x}}" is "{{else}}{{if x}}" with one "{{end}}" for both. */
static bool parse_else_branch(struct parser *p, struct node *n, const char *context)
{
	struct token t = parser_next_word(p);
	struct node *branch = parser_node(p, n->type, t.pos);
	n->otherwise = parser_node(p, NODE_LIST, t.pos);
	struct node **tail = &n->otherwise->first;
	if (!parse_control(p, branch, context))
		return false;
	parser_append(n->otherwise, &tail, branch);
	return true;
}

static bool parse_branches(struct parser *p, struct node *n, const char *context)
{
	p->range_depth += n->type == NODE_RANGE;
	enum list_end end = parse_list(p, &n->body);
	p->range_depth -= n->type == NODE_RANGE;
	if (end == LIST_ELSE_BRANCH) {
		enum token_type word = n->type == NODE_IF     ? TOKEN_IF
				       : n->type == NODE_WITH ? TOKEN_WITH
							      : TOKEN_RIGHT;
		if (parser_peek_word(p).type == word)
			return parse_else_branch(p, n, context);
		parser_unexpected(p, parser_next_word(p), "input");
		return false;
	}
	if (end != LIST_ELSE)
		return end == LIST_END;
	end = parse_list(p, &n->otherwise);
	if (end == LIST_ELSE || end == LIST_ELSE_BRANCH)
		parser_fail(p, "expected end; found {{else}}");
	return end == LIST_END;
}

static struct node *parse_control(struct parser *p, struct node *n, const char *context)
{
	size_t vars = p->var_count;
	if (!parser_enter(p))
		return NULL;
	n->pipe = template_parse_pipe(p, context, TOKEN_RIGHT);
	bool ok = n->pipe && parse_branches(p, n, context);
	p->var_count = vars;
	p->depth--;
	if (!ok)
		return NULL;
	n->pos = n->pipe->pos;
	return n;
}

static struct node *if_action(struct parser *p, struct token t)
{
	return parse_control(p, parser_node(p, NODE_IF, t.pos), "if");
}

static struct node *range_action(struct parser *p, struct token t)
{
	return parse_control(p, parser_node(p, NODE_RANGE, t.pos), "range");
}

static struct node *with_action(struct parser *p, struct token t)
{
	return parse_control(p, parser_node(p, NODE_WITH, t.pos), "with");
}

static struct node *jump_action(struct parser *p, struct token t)
{
	bool is_break = t.type == TOKEN_BREAK;
	const char *name = is_break ? "{{break}}" : "{{continue}}";
	if (!parser_expect(p, TOKEN_RIGHT, name))
		return NULL;
	if (!p->range_depth)
		return parser_fail(p, "%s outside {{range}}", name);
	return parser_node(p, is_break ? NODE_BREAK : NODE_CONTINUE, t.pos);
}

static bool parse_name(struct parser *p, struct token t, const char *context, struct span *ret)
{
	if (t.type == TOKEN_STRING || t.type == TOKEN_RAW_STRING)
		return parser_unquote(p, t.text, ret);
	parser_unexpected(p, t, context);
	return false;
}

static struct node *template_action(struct parser *p, struct token t)
{
	static const char context[] = "template clause";
	t = parser_next_word(p);
	struct node *n = parser_node(p, NODE_TEMPLATE, t.pos);
	if (!parse_name(p, t, context, &n->text))
		return NULL;
	if (parser_next_word(p).type == TOKEN_RIGHT)
		return n;
	parser_backup(p);
	n->pipe = template_parse_pipe(p, context, TOKEN_RIGHT);
	return n->pipe ? n : NULL;
}

/* --- definitions --- */

static bool define(struct parser *p, struct span name, struct node *body)
{
	struct definition *d = p->t->definitions;
	while (d && !template_span_equal(d->name, name))
		d = d->next;
	if (!d) {
		d = arena_new(p->arena, struct definition);
		*d = (struct definition){name, body, p->t->definitions};
		p->t->definitions = d;
	} else if (template_node_empty(d->body)) {
		d->body = body;
	} else if (!template_node_empty(body)) {
		CLEANUP_STRBUF struct strbuf quoted = STRBUF_MAX(300);
		template_quote(&quoted, name, false);
		parser_fail(p, "template: multiple definition of template %s",
			    strbuf_text(&quoted));
		return false;
	}
	return true;
}

/* The body of {{define}} and {{block}}: it sees no variable of its surroundings but "$". */
static bool parse_definition(struct parser *p, struct span name, const char *context)
{
	size_t first = p->var_first, count = p->var_count;
	int ranges = p->range_depth;
	struct node *body = NULL;
	if (!parser_enter(p))
		return false;
	p->var_first = count;
	p->range_depth = 0;
	bool ok = parser_add_variable(p, (struct span){"$", 1});
	enum list_end end = ok ? parse_list(p, &body) : LIST_FAILED;
	if (end == LIST_ELSE || end == LIST_ELSE_BRANCH)
		parser_fail(p, "unexpected {{else}} in %s", context);
	p->var_first = first;
	p->var_count = count;
	p->range_depth = ranges;
	p->depth--;
	return end == LIST_END && define(p, name, body);
}

static bool define_action(struct parser *p)
{
	static const char context[] = "define clause";
	struct span name;
	return parse_name(p, parser_next_word(p), context, &name) &&
	       parser_expect(p, TOKEN_RIGHT, context) && parse_definition(p, name, context);
}

static struct node *block_action(struct parser *p, struct token t)
{
	static const char context[] = "block clause";
	t = parser_next_word(p);
	struct node *n = parser_node(p, NODE_TEMPLATE, t.pos);
	if (!parse_name(p, t, context, &n->text))
		return NULL;
	n->pipe = template_parse_pipe(p, context, TOKEN_RIGHT);
	return n->pipe && parse_definition(p, n->text, context) ? n : NULL;
}

/* --- lists --- */

static struct node *(*const actions[])(struct parser *p, struct token t) = {
	[TOKEN_BLOCK] = block_action,   [TOKEN_BREAK] = jump_action,
	[TOKEN_CONTINUE] = jump_action, [TOKEN_IF] = if_action,
	[TOKEN_RANGE] = range_action,   [TOKEN_TEMPLATE] = template_action,
	[TOKEN_WITH] = with_action,
};

/* Past "{{": anything but else and end. */
static struct node *parse_action(struct parser *p)
{
	struct token t = parser_next_word(p);
	if (t.type < ARRAY_LEN(actions) && actions[t.type])
		return actions[t.type](p, t);
	parser_backup(p);
	struct node *n = parser_node(p, NODE_ACTION, t.pos);
	n->pipe = template_parse_pipe(p, "command", TOKEN_RIGHT);
	return n->pipe ? n : NULL;
}

static enum list_end parse_else(struct parser *p)
{
	enum token_type type = parser_peek_word(p).type;
	if (type == TOKEN_IF || type == TOKEN_WITH)
		return LIST_ELSE_BRANCH;
	return parser_expect(p, TOKEN_RIGHT, "else") ? LIST_ELSE : LIST_FAILED;
}

/* Past "{{": the end of a list, or one more node of it. */
static enum list_end parse_in_list(struct parser *p, unsigned line, struct node **ret)
{
	struct token t = parser_peek_word(p);
	enum list_end end = LIST_FAILED;
	p->action_line = line;
	if (t.type == TOKEN_END || t.type == TOKEN_ELSE) {
		parser_next_word(p);
		if (t.type == TOKEN_ELSE)
			end = parse_else(p);
		else if (parser_expect(p, TOKEN_RIGHT, "end"))
			end = LIST_END;
	} else {
		*ret = parse_action(p);
	}
	p->action_line = 0;
	return end;
}

static struct node *text_node(struct parser *p, struct token t)
{
	struct node *n = parser_node(p, NODE_TEXT, t.pos);
	n->text = t.text;
	return n;
}

static enum list_end parse_list(struct parser *p, struct node **ret)
{
	struct node *list = parser_node(p, NODE_LIST, parser_peek_word(p).pos), *n;
	struct node **tail = &list->first;
	*ret = list;
	for (;;) {
		struct token t = parser_next_word(p);
		n = NULL;
		if (t.type == TOKEN_TEXT) {
			n = text_node(p, t);
		} else if (t.type == TOKEN_LEFT) {
			enum list_end end = parse_in_list(p, t.line, &n);
			if (end != LIST_FAILED)
				return end;
		} else if (t.type == TOKEN_EOF) {
			parser_fail(p, "unexpected EOF");
		} else {
			parser_unexpected(p, t, "input");
		}
		if (!n)
			return LIST_FAILED;
		parser_append(list, &tail, n);
	}
}

/* Past "{{" at the top level, where definitions may stand and nothing may end. */
static bool parse_top_action(struct parser *p, unsigned line, struct node *list,
			     struct node ***tail)
{
	struct node *n = NULL;
	enum token_type type = parser_peek_word(p).type;
	if (type == TOKEN_DEFINE) {
		parser_next_word(p);
		return define_action(p);
	}
	enum list_end end = parse_in_list(p, line, &n);
	if (end != LIST_FAILED)
		parser_fail(p, "unexpected %s", end == LIST_END ? "{{end}}" : "{{else}}");
	if (n)
		parser_append(list, tail, n);
	return n != NULL;
}

static struct node *parse_top(struct parser *p)
{
	struct node *list = parser_node(p, NODE_LIST, 0);
	struct node **tail = &list->first;
	for (;;) {
		struct token t = parser_next(p);
		if (t.type == TOKEN_EOF)
			return list;
		if (t.type == TOKEN_TEXT)
			parser_append(list, &tail, text_node(p, t));
		else if (t.type != TOKEN_LEFT)
			return parser_unexpected(p, t, "input");
		else if (!parse_top_action(p, t.line, list, &tail))
			return NULL;
	}
}

int template_parse_text(struct template *t, struct err *e)
{
	struct parser p = {.t = t, .arena = &t->arena, .err = e};
	template_lex_start(&p.lexer, t->text.s, t->text.len);
	parser_add_variable(&p, (struct span){"$", 1});
	struct node *body = parse_top(&p);
	if (!body || !define(&p, (struct span){"", 0}, body))
		return -e->number;
	t->main = template_definition(t, (struct span){"", 0});
	return 0;
}
