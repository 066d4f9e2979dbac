/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From tokens to nodes: recursive descent. Rests on the documentation of Go's text/template
 * ("Actions", "Pipelines", "Variables"), and on its messages.
 * Invariant: after the first failure every function returns NULL or false and `err` is filled.
 * Read template_node.h first.
 */
#include "cli/template_parse.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/template.h"
#include "cli/template_func.h"
#include "cli/template_number.h"
#include "cli/template_quote.h"

enum { LOOKAHEAD = 3 };

struct parser {
	struct template *t;
	struct arena *arena;
	struct lexer lexer;
	struct token tokens[LOOKAHEAD]; /* tokens[0] is what was read last, or is read next */
	int peeked;                     /* of them not yet consumed; the top one is next */
	unsigned action_line;           /* where the open action starts, 0 outside */
	struct span vars[TEMPLATE_VARIABLES_MAX];
	size_t var_first; /* the first that this definition may see */
	size_t var_count;
	int depth;
	int range_depth;
	struct err *err;
};

/* A list of nodes ends at one of these. */
enum list_end { LIST_FAILED, LIST_END, LIST_ELSE, LIST_ELSE_BRANCH };

static struct node *parse_pipe(struct parser *p, const char *context, enum token_type end);
static enum list_end parse_list(struct parser *p, struct node **ret);

/* --- tokens --- */

static struct token next(struct parser *p)
{
	if (p->peeked > 0)
		p->peeked--;
	else
		p->tokens[0] = template_lex_next(&p->lexer);
	return p->tokens[p->peeked];
}

static void backup(struct parser *p)
{
	p->peeked++;
}

static struct token peek(struct parser *p)
{
	struct token t = next(p);
	backup(p);
	return t;
}

static struct token next_word(struct parser *p)
{
	struct token t;
	do
		t = next(p);
	while (t.type == TOKEN_SPACE);
	return t;
}

static struct token peek_word(struct parser *p)
{
	struct token t = next_word(p);
	backup(p);
	return t;
}

/* Put tokens back before the one that is next (which stays tokens[0]). */
static void backup_before(struct parser *p, const struct token *older, int count)
{
	for (int i = 0; i < count; i++)
		p->tokens[count - i] = older[i];
	p->peeked = count + 1;
}

/* --- failures --- */

static void *fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void *fail(struct parser *p, const char *fmt, ...)
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
		return fail(p, "%.*s", (int)t.text.len, what);
	bool action = t.text.len > 7 && !memcmp(what + t.text.len - 7, " action", 7);
	return fail(p, "%.*s%s started at :%u", (int)t.text.len, what, action ? "" : " in action",
		    from);
}

static void *unexpected(struct parser *p, struct token t, const char *context)
{
	CLEANUP_STRBUF struct strbuf word = STRBUF_MAX(256);
	if (t.type == TOKEN_ERROR)
		return fail_token(p, t);
	if (t.type == TOKEN_EOF)
		return fail(p, "unexpected EOF in %s", context);
	if (t.type > TOKEN_KEYWORD)
		return fail(p, "unexpected <%.*s> in %s", (int)t.text.len, t.text.s, context);
	struct span head = {t.text.s, 0};
	size_t width = 0;
	for (int runes = 0; head.len < t.text.len && (t.text.len <= 10 || runes < 10); runes++) {
		template_rune((struct span){t.text.s + head.len, t.text.len - head.len}, &width);
		head.len += width;
	}
	template_quote(&word, head, false);
	return fail(p, "unexpected %s%s in %s", strbuf_text(&word), t.text.len > 10 ? "..." : "",
		    context);
}

static bool expect(struct parser *p, enum token_type type, const char *context)
{
	struct token t = next_word(p);
	if (t.type == type)
		return true;
	unexpected(p, t, context);
	return false;
}

static bool enter(struct parser *p)
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

static struct node *node_new(struct parser *p, enum node_type type, size_t pos)
{
	struct node *n = arena_new(p->arena, struct node);
	n->type = type;
	n->pos = pos;
	return n;
}

/* Append to @parent; @tail is the end of its members. */
static void node_add(struct node *parent, struct node ***tail, struct node *n)
{
	**tail = n;
	*tail = &n->next;
	parent->count++;
}

/* A field chain grows by doubling: ".a.b.c" has few names, but a hostile one thousands. */
static void name_add(struct parser *p, struct node *n, struct span name)
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

static struct span field_name(struct token t)
{
	return (struct span){t.text.s + 1, t.text.len - 1};
}

static bool var_add(struct parser *p, struct span name)
{
	if (p->var_count == TEMPLATE_VARIABLES_MAX) {
		fail(p, "more than %d variables", TEMPLATE_VARIABLES_MAX);
		return false;
	}
	p->vars[p->var_count++] = name;
	return true;
}

/* --- operands --- */

static bool unquote(struct parser *p, struct span literal, struct span *ret)
{
	CLEANUP_STRBUF struct strbuf value = STRBUF_MAX(2 * TEMPLATE_TEXT_MAX);
	if (!template_unquote(literal, &value) || !strbuf_ok(&value)) {
		fail(p, "invalid syntax");
		return false;
	}
	*ret = (struct span){arena_strndup(p->arena, strbuf_text(&value), value.len), value.len};
	return true;
}

static struct node *string_term(struct parser *p, struct token t)
{
	struct node *n = node_new(p, NODE_STRING, t.pos);
	n->source = t.text;
	return unquote(p, t.text, &n->text) ? n : NULL;
}

static struct node *number_term(struct parser *p, struct token t)
{
	CLEANUP_STRBUF struct strbuf quoted = STRBUF_MAX(300);
	struct node *n = node_new(p, NODE_NUMBER, t.pos);
	n->source = t.text;
	const char *wrong = template_number_parse(t.text, t.type == TOKEN_RUNE, &n->number);
	if (!wrong)
		return n;
	if (t.type == TOKEN_RUNE)
		strbuf_add(&quoted, t.text.s, t.text.len);
	else
		template_quote(&quoted, t.text, false);
	size_t head = strcspn(wrong, "%");
	return fail(p, "%.*s%s", (int)head, wrong, wrong[head] ? strbuf_text(&quoted) : "");
}

static struct node *function_term(struct parser *p, struct token t)
{
	CLEANUP_STRBUF struct strbuf quoted = STRBUF_MAX(300);
	struct node *n = node_new(p, NODE_IDENTIFIER, t.pos);
	n->text = t.text;
	n->func = template_func_find(t.text);
	if (n->func)
		return n;
	template_quote(&quoted, t.text, false);
	return fail(p, "function %s not defined", strbuf_text(&quoted));
}

static struct node *variable_term(struct parser *p, struct token t)
{
	struct node *n = node_new(p, NODE_VARIABLE, t.pos);
	n->text = t.text;
	for (size_t i = p->var_first; i < p->var_count; i++)
		if (template_span_equal(p->vars[i], t.text))
			return n;
	CLEANUP_STRBUF struct strbuf quoted = STRBUF_MAX(300);
	template_quote(&quoted, t.text, false);
	return fail(p, "undefined variable %s", strbuf_text(&quoted));
}

static struct node *paren_term(struct parser *p, struct token t)
{
	(void)t;
	if (!enter(p))
		return NULL;
	struct node *n = parse_pipe(p, "parenthesized pipeline", TOKEN_RIGHT_PAREN);
	p->depth--;
	return n;
}

static struct node *simple_term(struct parser *p, struct token t)
{
	enum node_type type = t.type == TOKEN_DOT    ? NODE_DOT
			      : t.type == TOKEN_NIL  ? NODE_NIL
			      : t.type == TOKEN_BOOL ? NODE_BOOL
						     : NODE_FIELD;
	struct node *n = node_new(p, type, t.pos);
	n->truth = t.text.s[0] == 't';
	if (type == NODE_FIELD)
		name_add(p, n, field_name(t));
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
	struct token first = peek(p);
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(400), quoted = STRBUF_MAX(400);
	struct node *chain = n;
	if (n->type != NODE_FIELD && n->type != NODE_VARIABLE) {
		chain = node_new(p, NODE_CHAIN, first.pos);
		chain->first = n;
		chain->count = 1;
	}
	chain->pos = first.pos;
	while (peek(p).type == TOKEN_FIELD)
		name_add(p, chain, field_name(next(p)));
	if (!is_literal(n))
		return chain;
	template_node_print(n, &text);
	template_quote(&quoted, (struct span){strbuf_text(&text), text.len}, false);
	return fail(p, "unexpected . after term %s", strbuf_text(&quoted));
}

/* False: failed. *@ret stays NULL when the next token is no operand. */
static bool parse_operand(struct parser *p, struct node **ret)
{
	struct token t = next_word(p);
	if (!terms[t.type]) {
		backup(p);
		return true;
	}
	struct node *n = terms[t.type](p, t);
	if (n && peek(p).type == TOKEN_FIELD)
		n = parse_fields(p, n);
	*ret = n;
	return n != NULL;
}

/* --- pipelines --- */

/* Operands up to "|" (consumed) or the end of the pipeline (not consumed). */
static struct node *parse_command(struct parser *p)
{
	struct node *command = node_new(p, NODE_COMMAND, peek_word(p).pos);
	struct node **tail = &command->first;
	for (;;) {
		struct node *operand = NULL;
		if (!parse_operand(p, &operand))
			return NULL;
		if (operand)
			node_add(command, &tail, operand);
		struct token t = next(p);
		if (t.type == TOKEN_SPACE)
			continue;
		if (t.type == TOKEN_RIGHT || t.type == TOKEN_RIGHT_PAREN)
			backup(p);
		else if (t.type != TOKEN_PIPE)
			return unexpected(p, t, "operand");
		return command->count ? command : fail(p, "empty command");
	}
}

enum declared { DECLARED_FAILED, DECLARED_NONE, DECLARED_DONE, DECLARED_MORE };

static enum declared declare(struct parser *p, struct node *pipe, struct token variable)
{
	next_word(p);
	name_add(p, pipe, variable.text);
	return var_add(p, variable.text) ? DECLARED_DONE : DECLARED_FAILED;
}

/* "$i," before the second variable of a range. */
static enum declared declare_first(struct parser *p, struct node *pipe, struct token variable,
				   const char *context)
{
	if (declare(p, pipe, variable) == DECLARED_FAILED)
		return DECLARED_FAILED;
	if (strcmp(context, "range") || pipe->name_count >= 2) {
		fail(p, "too many declarations in %s", context);
		return DECLARED_FAILED;
	}
	struct token t = peek_word(p);
	if (t.type == TOKEN_VARIABLE || t.type == TOKEN_RIGHT || t.type == TOKEN_RIGHT_PAREN)
		return DECLARED_MORE;
	fail(p, "range can only initialize variables");
	return DECLARED_FAILED;
}

/* At a variable: is it set here ("$x :=", "$x =", "$i, $x :=") or used? */
static enum declared parse_declaration(struct parser *p, struct node *pipe, const char *context)
{
	struct token seen[2] = {next_word(p)};
	seen[1] = peek(p);
	struct token t = peek_word(p);
	if (t.type == TOKEN_ASSIGN || t.type == TOKEN_DECLARE) {
		pipe->assign = t.type == TOKEN_ASSIGN;
		return declare(p, pipe, seen[0]);
	}
	if (t.type == TOKEN_CHAR && t.text.s[0] == ',')
		return declare_first(p, pipe, seen[0], context);
	backup_before(p, seen, seen[1].type == TOKEN_SPACE ? 2 : 1);
	return DECLARED_NONE;
}

static bool parse_declarations(struct parser *p, struct node *pipe, const char *context)
{
	enum declared d = DECLARED_MORE;
	while (d == DECLARED_MORE && peek_word(p).type == TOKEN_VARIABLE)
		d = parse_declaration(p, pipe, context);
	return d != DECLARED_FAILED;
}

/* Only the first command of a pipeline may be a plain value. */
static struct node *check_pipe(struct parser *p, struct node *pipe, const char *context)
{
	if (!pipe->count)
		return fail(p, "missing value for %s", context);
	int stage = 2;
	for (const struct node *c = pipe->first->next; c; c = c->next, stage++)
		if (is_literal(c->first))
			return fail(p, "non executable command in pipeline stage %d", stage);
	return pipe;
}

static struct node *parse_pipe(struct parser *p, const char *context, enum token_type end)
{
	struct node *pipe = node_new(p, NODE_PIPE, peek_word(p).pos);
	struct node **tail = &pipe->first;
	if (!parse_declarations(p, pipe, context))
		return NULL;
	for (;;) {
		struct token t = next_word(p);
		if (t.type == end)
			return check_pipe(p, pipe, context);
		if (!terms[t.type])
			return unexpected(p, t, context);
		backup(p);
		struct node *command = parse_command(p);
		if (!command)
			return NULL;
		node_add(pipe, &tail, command);
	}
}

/* --- actions --- */

static struct node *parse_control(struct parser *p, struct node *n, const char *context);

/* "{{else if x}}" is "{{else}}{{if x}}" with one "{{end}}" for both. */
static bool parse_else_branch(struct parser *p, struct node *n, const char *context)
{
	struct token t = next_word(p);
	struct node *branch = node_new(p, n->type, t.pos);
	n->otherwise = node_new(p, NODE_LIST, t.pos);
	struct node **tail = &n->otherwise->first;
	if (!parse_control(p, branch, context))
		return false;
	node_add(n->otherwise, &tail, branch);
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
		if (peek_word(p).type == word)
			return parse_else_branch(p, n, context);
		unexpected(p, next_word(p), "input");
		return false;
	}
	if (end != LIST_ELSE)
		return end == LIST_END;
	end = parse_list(p, &n->otherwise);
	if (end == LIST_ELSE || end == LIST_ELSE_BRANCH)
		fail(p, "expected end; found {{else}}");
	return end == LIST_END;
}

static struct node *parse_control(struct parser *p, struct node *n, const char *context)
{
	size_t vars = p->var_count;
	if (!enter(p))
		return NULL;
	n->pipe = parse_pipe(p, context, TOKEN_RIGHT);
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
	return parse_control(p, node_new(p, NODE_IF, t.pos), "if");
}

static struct node *range_action(struct parser *p, struct token t)
{
	return parse_control(p, node_new(p, NODE_RANGE, t.pos), "range");
}

static struct node *with_action(struct parser *p, struct token t)
{
	return parse_control(p, node_new(p, NODE_WITH, t.pos), "with");
}

static struct node *jump_action(struct parser *p, struct token t)
{
	bool is_break = t.type == TOKEN_BREAK;
	const char *name = is_break ? "{{break}}" : "{{continue}}";
	if (!expect(p, TOKEN_RIGHT, name))
		return NULL;
	if (!p->range_depth)
		return fail(p, "%s outside {{range}}", name);
	return node_new(p, is_break ? NODE_BREAK : NODE_CONTINUE, t.pos);
}

static bool parse_name(struct parser *p, struct token t, const char *context, struct span *ret)
{
	if (t.type == TOKEN_STRING || t.type == TOKEN_RAW_STRING)
		return unquote(p, t.text, ret);
	unexpected(p, t, context);
	return false;
}

static struct node *template_action(struct parser *p, struct token t)
{
	static const char context[] = "template clause";
	t = next_word(p);
	struct node *n = node_new(p, NODE_TEMPLATE, t.pos);
	if (!parse_name(p, t, context, &n->text))
		return NULL;
	if (next_word(p).type == TOKEN_RIGHT)
		return n;
	backup(p);
	n->pipe = parse_pipe(p, context, TOKEN_RIGHT);
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
		fail(p, "template: multiple definition of template %s", strbuf_text(&quoted));
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
	if (!enter(p))
		return false;
	p->var_first = count;
	p->range_depth = 0;
	bool ok = var_add(p, (struct span){"$", 1});
	enum list_end end = ok ? parse_list(p, &body) : LIST_FAILED;
	if (end == LIST_ELSE || end == LIST_ELSE_BRANCH)
		fail(p, "unexpected {{else}} in %s", context);
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
	return parse_name(p, next_word(p), context, &name) && expect(p, TOKEN_RIGHT, context) &&
	       parse_definition(p, name, context);
}

static struct node *block_action(struct parser *p, struct token t)
{
	static const char context[] = "block clause";
	t = next_word(p);
	struct node *n = node_new(p, NODE_TEMPLATE, t.pos);
	if (!parse_name(p, t, context, &n->text))
		return NULL;
	n->pipe = parse_pipe(p, context, TOKEN_RIGHT);
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
	struct token t = next_word(p);
	if (t.type < ARRAY_LEN(actions) && actions[t.type])
		return actions[t.type](p, t);
	backup(p);
	struct node *n = node_new(p, NODE_ACTION, t.pos);
	n->pipe = parse_pipe(p, "command", TOKEN_RIGHT);
	return n->pipe ? n : NULL;
}

static enum list_end parse_else(struct parser *p)
{
	enum token_type type = peek_word(p).type;
	if (type == TOKEN_IF || type == TOKEN_WITH)
		return LIST_ELSE_BRANCH;
	return expect(p, TOKEN_RIGHT, "else") ? LIST_ELSE : LIST_FAILED;
}

/* Past "{{": the end of a list, or one more node of it. */
static enum list_end parse_in_list(struct parser *p, unsigned line, struct node **ret)
{
	struct token t = peek_word(p);
	enum list_end end = LIST_FAILED;
	p->action_line = line;
	if (t.type == TOKEN_END || t.type == TOKEN_ELSE) {
		next_word(p);
		if (t.type == TOKEN_ELSE)
			end = parse_else(p);
		else if (expect(p, TOKEN_RIGHT, "end"))
			end = LIST_END;
	} else {
		*ret = parse_action(p);
	}
	p->action_line = 0;
	return end;
}

static struct node *text_node(struct parser *p, struct token t)
{
	struct node *n = node_new(p, NODE_TEXT, t.pos);
	n->text = t.text;
	return n;
}

static enum list_end parse_list(struct parser *p, struct node **ret)
{
	struct node *list = node_new(p, NODE_LIST, peek_word(p).pos), *n;
	struct node **tail = &list->first;
	*ret = list;
	for (;;) {
		struct token t = next_word(p);
		n = NULL;
		if (t.type == TOKEN_TEXT) {
			n = text_node(p, t);
		} else if (t.type == TOKEN_LEFT) {
			enum list_end end = parse_in_list(p, t.line, &n);
			if (end != LIST_FAILED)
				return end;
		} else if (t.type == TOKEN_EOF) {
			fail(p, "unexpected EOF");
		} else {
			unexpected(p, t, "input");
		}
		if (!n)
			return LIST_FAILED;
		node_add(list, &tail, n);
	}
}

/* Past "{{" at the top level, where definitions may stand and nothing may end. */
static bool parse_top_action(struct parser *p, unsigned line, struct node *list,
			     struct node ***tail)
{
	struct node *n = NULL;
	enum token_type type = peek_word(p).type;
	if (type == TOKEN_DEFINE) {
		next_word(p);
		return define_action(p);
	}
	enum list_end end = parse_in_list(p, line, &n);
	if (end != LIST_FAILED)
		fail(p, "unexpected %s", end == LIST_END ? "{{end}}" : "{{else}}");
	if (n)
		node_add(list, tail, n);
	return n != NULL;
}

static struct node *parse_top(struct parser *p)
{
	struct node *list = node_new(p, NODE_LIST, 0);
	struct node **tail = &list->first;
	for (;;) {
		struct token t = next(p);
		if (t.type == TOKEN_EOF)
			return list;
		if (t.type == TOKEN_TEXT)
			node_add(list, &tail, text_node(p, t));
		else if (t.type != TOKEN_LEFT)
			return unexpected(p, t, "input");
		else if (!parse_top_action(p, t.line, list, &tail))
			return NULL;
	}
}

int template_parse_text(struct template *t, struct err *e)
{
	struct parser p = {.t = t, .arena = &t->arena, .err = e};
	template_lex_start(&p.lexer, t->text.s, t->text.len);
	var_add(&p, (struct span){"$", 1});
	struct node *body = parse_top(&p);
	if (!body || !define(&p, (struct span){"", 0}, body))
		return -e->number;
	t->main = template_definition(t, (struct span){"", 0});
	return 0;
}
