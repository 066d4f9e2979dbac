/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parsing what stands inside an action: operands, commands, pipelines, declarations.
 * Rests on the documentation of Go's text/template ("Arguments", "Pipelines", "Variables").
 * Read parser.h first.
 */
#include "template/parser.h"

#include <string.h>

#include "base/cleanup.h"
#include "template/func.h"
#include "template/number.h"
#include "template/quote.h"

static struct span field_name(struct token t)
{
	return (struct span){t.text.s + 1, t.text.len - 1};
}

/* --- operands --- */

static struct node *string_term(struct parser *p, struct token t)
{
	struct node *n = parser_node(p, NODE_STRING, t.pos);
	n->source = t.text;
	return parser_unquote(p, t.text, &n->text) ? n : NULL;
}

static struct node *number_term(struct parser *p, struct token t)
{
	CLEANUP_STRBUF struct strbuf quoted = STRBUF_MAX(300);
	struct node *n = parser_node(p, NODE_NUMBER, t.pos);
	n->source = t.text;
	const char *wrong = template_number_parse(t.text, t.type == TOKEN_RUNE, &n->number);
	if (!wrong)
		return n;
	if (t.type == TOKEN_RUNE)
		strbuf_add(&quoted, t.text.s, t.text.len);
	else
		template_quote(&quoted, t.text, false);
	size_t head = strcspn(wrong, "%");
	return parser_fail(p, "%.*s%s", (int)head, wrong, wrong[head] ? strbuf_text(&quoted) : "");
}

static struct node *function_term(struct parser *p, struct token t)
{
	CLEANUP_STRBUF struct strbuf quoted = STRBUF_MAX(300);
	struct node *n = parser_node(p, NODE_IDENTIFIER, t.pos);
	n->text = t.text;
	n->func = template_func_find(t.text);
	if (n->func)
		return n;
	template_quote(&quoted, t.text, false);
	return parser_fail(p, "function %s not defined", strbuf_text(&quoted));
}

static struct node *variable_term(struct parser *p, struct token t)
{
	struct node *n = parser_node(p, NODE_VARIABLE, t.pos);
	n->text = t.text;
	for (size_t i = p->var_first; i < p->var_count; i++)
		if (template_span_equal(p->vars[i], t.text))
			return n;
	CLEANUP_STRBUF struct strbuf quoted = STRBUF_MAX(300);
	template_quote(&quoted, t.text, false);
	return parser_fail(p, "undefined variable %s", strbuf_text(&quoted));
}

static struct node *paren_term(struct parser *p, struct token t)
{
	(void)t;
	if (!parser_enter(p))
		return NULL;
	struct node *n = template_parse_pipe(p, "parenthesized pipeline", TOKEN_RIGHT_PAREN);
	p->depth--;
	return n;
}

static struct node *simple_term(struct parser *p, struct token t)
{
	enum node_type type = t.type == TOKEN_DOT    ? NODE_DOT
			      : t.type == TOKEN_NIL  ? NODE_NIL
			      : t.type == TOKEN_BOOL ? NODE_BOOL
						     : NODE_FIELD;
	struct node *n = parser_node(p, type, t.pos);
	n->truth = t.text.s[0] == 't';
	if (type == NODE_FIELD)
		parser_add_name(p, n, field_name(t));
	return n;
}

/* What an operand may start with. */
static struct node *(*const terms[])(struct parser *p, struct token t) = {
	[TOKEN_IDENTIFIER] = function_term, [TOKEN_DOT] = simple_term,
	[TOKEN_NIL] = simple_term,          [TOKEN_BOOL] = simple_term,
	[TOKEN_FIELD] = simple_term,        [TOKEN_VARIABLE] = variable_term,
	[TOKEN_RUNE] = number_term,         [TOKEN_NUMBER] = number_term,
	[TOKEN_STRING] = string_term,       [TOKEN_RAW_STRING] = string_term,
	[TOKEN_LEFT_PAREN] = paren_term,    [TOKEN_WITH] = NULL,
};

static bool is_literal(const struct node *n)
{
	return n->type >= NODE_BOOL && n->type <= NODE_STRING;
}

/* Fields that follow a term. Go reports such a chain at its first dot. */
static struct node *parse_fields(struct parser *p, struct node *n)
{
	struct token first = parser_peek(p);
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(400), quoted = STRBUF_MAX(400);
	struct node *chain = n;
	if (n->type != NODE_FIELD && n->type != NODE_VARIABLE) {
		chain = parser_node(p, NODE_CHAIN, first.pos);
		chain->first = n;
		chain->count = 1;
	}
	chain->pos = first.pos;
	while (parser_peek(p).type == TOKEN_FIELD)
		parser_add_name(p, chain, field_name(parser_next(p)));
	if (!is_literal(n))
		return chain;
	template_node_print(n, &text);
	template_quote(&quoted, (struct span){strbuf_text(&text), text.len}, false);
	return parser_fail(p, "unexpected . after term %s", strbuf_text(&quoted));
}

/* False: failed. *@ret stays NULL when the next token is no operand. */
static bool parse_operand(struct parser *p, struct node **ret)
{
	struct token t = parser_next_word(p);
	if (!terms[t.type]) {
		parser_backup(p);
		return true;
	}
	struct node *n = terms[t.type](p, t);
	if (n && parser_peek(p).type == TOKEN_FIELD)
		n = parse_fields(p, n);
	*ret = n;
	return n != NULL;
}

/* --- pipelines --- */

/* Operands up to "|" (consumed) or the end of the pipeline (not consumed). */
static struct node *parse_command(struct parser *p)
{
	struct node *command = parser_node(p, NODE_COMMAND, parser_peek_word(p).pos);
	struct node **tail = &command->first;
	for (;;) {
		struct node *operand = NULL;
		if (!parse_operand(p, &operand))
			return NULL;
		if (operand)
			parser_append(command, &tail, operand);
		struct token t = parser_next(p);
		if (t.type == TOKEN_SPACE)
			continue;
		if (t.type == TOKEN_RIGHT || t.type == TOKEN_RIGHT_PAREN)
			parser_backup(p);
		else if (t.type != TOKEN_PIPE)
			return parser_unexpected(p, t, "operand");
		return command->count ? command : parser_fail(p, "empty command");
	}
}

enum declared { DECLARED_FAILED, DECLARED_NONE, DECLARED_DONE, DECLARED_MORE };

static enum declared declare(struct parser *p, struct node *pipe, struct token variable)
{
	parser_next_word(p);
	parser_add_name(p, pipe, variable.text);
	return parser_add_variable(p, variable.text) ? DECLARED_DONE : DECLARED_FAILED;
}

/* "$i," before the second variable of a range. */
static enum declared declare_first(struct parser *p, struct node *pipe, struct token variable,
				   const char *context)
{
	if (declare(p, pipe, variable) == DECLARED_FAILED)
		return DECLARED_FAILED;
	if (strcmp(context, "range") || pipe->name_count >= 2) {
		parser_fail(p, "too many declarations in %s", context);
		return DECLARED_FAILED;
	}
	struct token t = parser_peek_word(p);
	if (t.type == TOKEN_VARIABLE || t.type == TOKEN_RIGHT || t.type == TOKEN_RIGHT_PAREN)
		return DECLARED_MORE;
	parser_fail(p, "range can only initialize variables");
	return DECLARED_FAILED;
}

/* At a variable: is it set here ("$x :=", "$x =", "$i, $x :=") or used? */
static enum declared parse_declaration(struct parser *p, struct node *pipe, const char *context)
{
	struct token seen[2] = {parser_next_word(p)};
	seen[1] = parser_peek(p);
	struct token t = parser_peek_word(p);
	if (t.type == TOKEN_ASSIGN || t.type == TOKEN_DECLARE) {
		pipe->assign = t.type == TOKEN_ASSIGN;
		return declare(p, pipe, seen[0]);
	}
	if (t.type == TOKEN_CHAR && t.text.s[0] == ',')
		return declare_first(p, pipe, seen[0], context);
	parser_backup_before(p, seen, seen[1].type == TOKEN_SPACE ? 2 : 1);
	return DECLARED_NONE;
}

static bool parse_declarations(struct parser *p, struct node *pipe, const char *context)
{
	enum declared d = DECLARED_MORE;
	while (d == DECLARED_MORE && parser_peek_word(p).type == TOKEN_VARIABLE)
		d = parse_declaration(p, pipe, context);
	return d != DECLARED_FAILED;
}

/* Only the first command of a pipeline may be a plain value. */
static struct node *check_pipe(struct parser *p, struct node *pipe, const char *context)
{
	if (!pipe->count)
		return parser_fail(p, "missing value for %s", context);
	int stage = 2;
	for (const struct node *c = pipe->first->next; c; c = c->next, stage++)
		if (is_literal(c->first))
			return parser_fail(p, "non executable command in pipeline stage %d", stage);
	return pipe;
}

struct node *template_parse_pipe(struct parser *p, const char *context, enum token_type end)
{
	struct node *pipe = parser_node(p, NODE_PIPE, parser_peek_word(p).pos);
	struct node **tail = &pipe->first;
	if (!parse_declarations(p, pipe, context))
		return NULL;
	for (;;) {
		struct token t = parser_next_word(p);
		if (t.type == end)
			return check_pipe(p, pipe, context);
		if (!terms[t.type])
			return parser_unexpected(p, t, context);
		parser_backup(p);
		struct node *command = parse_command(p);
		if (!command)
			return NULL;
		parser_append(pipe, &tail, command);
	}
}
