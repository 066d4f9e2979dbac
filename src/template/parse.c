/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From tokens to nodes: recursive descent, as the grammar in the documentation of Go's
 * text/template reads. Invariant: after the first failure every function returns NULL or false, and
 * `err` is filled. Read parse.h first.
 */
#include "template/parse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "template/exec.h"
#include "template/lex.h"
#include "template/quote.h"

struct parser {
	struct template *t;
	struct arena *arena;
	struct lexer lexer;
	struct token now, ahead;
	size_t end; /* where the last token that was taken ended */
	const char *vars[TEMPLATE_VARIABLES_MAX];
	size_t var_first, var_count; /* those that this definition may see */
	int depth, range_depth;
	struct err *err;
};

static struct node *parse_pipe(struct parser *p, const char *context, int end);
static struct node *parse_block(struct parser *p);

/* --- tokens, failures, nodes --- */

static struct token take(struct parser *p)
{
	struct token t = p->now;
	p->end = t.pos + t.text.len;
	p->now = p->ahead;
	p->ahead = template_lex(&p->lexer);
	return t;
}

static void *__attribute__((format(printf, 2, 3))) fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *message = arena_vprintf(p->arena, fmt, ap);
	va_end(ap);
	err_set(p->err, EINVAL, ERR_INVALID, "template: :%u: %s",
		template_line(p->t->text, p->now.pos), message);
	return NULL;
}

const char *template_quoted(struct arena *a, const char *s, size_t len)
{
	CLEANUP_STRBUF struct strbuf quoted = STRBUF_MAX(4 * TEMPLATE_TEXT_MAX);
	template_quote(&quoted, s, len, '"');
	return arena_strdup(a, strbuf_text(&quoted));
}

/* A long token is cut after ten characters. */
static void *unexpected(struct parser *p, const char *context)
{
	const struct token *t = &p->now;
	size_t len = 0;
	uint32_t c;
	if (t->type == TOKEN_ERROR)
		return fail(p, "%s", t->text.s);
	if (t->type == TOKEN_EOF)
		return fail(p, "unexpected EOF in %s", context);
	if (t->type > TOKEN_KEYWORD)
		return fail(p, "unexpected <%.*s> in %s", (int)t->text.len, t->text.s, context);
	for (int i = 0; len < t->text.len && (t->text.len <= 10 || i < 10); i++)
		len += utf8_decode(t->text.s + len, t->text.len - len, &c);
	return fail(p, "unexpected %s%s in %s", template_quoted(p->arena, t->text.s, len),
		    len < t->text.len ? "..." : "", context);
}

static bool expect(struct parser *p, int type, const char *context)
{
	if (p->now.type != type)
		return unexpected(p, context);
	take(p);
	return true;
}

/* One level deeper; the caller takes it back from `depth`. */
static bool enter(struct parser *p)
{
	if (p->depth == TEMPLATE_NESTING_MAX) {
		fail(p, "nested deeper than %d levels", TEMPLATE_NESTING_MAX);
		p->err->number = E2BIG;
		return false;
	}
	p->depth++;
	return true;
}

static struct node *new_node(struct parser *p, enum node_type type)
{
	struct node *n = arena_new(p->arena, struct node);
	n->type = type;
	n->pos = p->now.pos;
	n->source.s = p->t->text + n->pos;
	return n;
}

/* @n ends with the last token that was taken. */
static struct node *finish(struct parser *p, struct node *n)
{
	n->source.len = (size_t)(p->t->text + p->end - n->source.s);
	return n;
}

static const char *name_of(struct parser *p, struct span s)
{
	return arena_strndup(p->arena, s.s, s.len);
}

static bool declare(struct parser *p, const char *name)
{
	if (p->var_count == TEMPLATE_VARIABLES_MAX)
		return fail(p, "more than %d variables", TEMPLATE_VARIABLES_MAX);
	p->vars[p->var_count++] = name;
	return true;
}

static bool is_declared(struct parser *p, const char *name)
{
	for (size_t i = p->var_first; i < p->var_count; i++)
		if (!strcmp(p->vars[i], name))
			return true;
	return fail(p, "undefined variable %s", template_quoted(p->arena, name, strlen(name)));
}

/* --- operands --- */

static struct node *parse_function(struct parser *p)
{
	struct token t = p->now;
	struct node *n = new_node(p, NODE_FUNCTION);
	n->name = name_of(p, t.text);
	n->func = template_func_find(n->name);
	if (!n->func)
		return fail(p, "function %s not defined",
			    template_quoted(p->arena, t.text.s, t.text.len));
	take(p);
	return n;
}

static struct node *parse_variable(struct parser *p)
{
	struct node *n = new_node(p, NODE_VARIABLE);
	n->name = name_of(p, take(p).text);
	return is_declared(p, n->name) ? n : NULL;
}

static struct node *parse_parens(struct parser *p)
{
	const char *start = p->t->text + p->now.pos;
	take(p);
	if (!enter(p))
		return NULL;
	struct node *n = parse_pipe(p, "parenthesized pipeline", ')');
	p->depth--;
	if (n)
		n->source.s = start;
	return n;
}

/* ".name" of @of, NULL for dot. */
static struct node *parse_field(struct parser *p, struct node *of)
{
	struct node *n = new_node(p, NODE_FIELD);
	n->name = name_of(p, (struct span){p->now.text.s + 1, p->now.text.len - 1});
	n->first = of;
	if (of)
		n->source.s = of->source.s;
	take(p);
	return n;
}

static bool starts_operand(const struct token *t)
{
	return t->type == TOKEN_FUNCTION || t->type == TOKEN_CONST || t->type == TOKEN_DOT ||
	       t->type == TOKEN_FIELD || t->type == TOKEN_VARIABLE || t->type == '(';
}

static struct node *parse_term(struct parser *p)
{
	struct node *n;
	switch (p->now.type) {
	case TOKEN_FUNCTION:
		return parse_function(p);
	case TOKEN_VARIABLE:
		return parse_variable(p);
	case TOKEN_FIELD:
		return parse_field(p, NULL);
	case '(':
		return parse_parens(p);
	default:
		n = new_node(p, p->now.type == TOKEN_DOT ? NODE_DOT : NODE_CONST);
		n->value = take(p).value;
		return n;
	}
}

/* A term and the fields that follow it. */
static struct node *parse_operand(struct parser *p)
{
	struct node *n = parse_term(p);
	for (int fields = 0; n && p->now.type == TOKEN_FIELD && !p->now.spaced; fields++) {
		finish(p, n);
		if (n->type == NODE_CONST)
			return fail(p, "unexpected . after term %s",
				    template_quoted(p->arena, n->source.s, n->source.len));
		if (fields == TEMPLATE_NESTING_MAX)
			return fail(p, "more than %d fields", TEMPLATE_NESTING_MAX);
		n = parse_field(p, n);
	}
	return n ? finish(p, n) : NULL;
}

/* --- pipelines --- */

static struct node *parse_command(struct parser *p)
{
	struct node *command = new_node(p, NODE_COMMAND), **tail = &command->first;
	do {
		struct node *n = parse_operand(p);
		if (!n)
			return NULL;
		*tail = n;
		tail = &n->next;
	} while (starts_operand(&p->now) && p->now.spaced);
	finish(p, command);
	if (p->now.type == '|' || p->now.type == TOKEN_RIGHT || p->now.type == ')')
		return command;
	return unexpected(p, "operand");
}

/* "$x :=", "$x =" or, in a range, "$i, $x :=", if they are there. */
static bool parse_declarations(struct parser *p, struct node *pipe, const char *context)
{
	int mark = p->ahead.type;
	if (p->now.type != TOKEN_VARIABLE || (mark != '=' && mark != TOKEN_DECLARE && mark != ','))
		return true;
	do {
		if (pipe->var_count == (strcmp(context, "range") ? 1 : 2))
			return fail(p, "too many declarations in %s", context);
		pipe->vars[pipe->var_count++] = name_of(p, take(p).text);
		mark = take(p).type;
	} while (mark == ',' && p->now.type == TOKEN_VARIABLE);
	if (mark != '=' && mark != TOKEN_DECLARE)
		return fail(p, "range can only initialize variables");
	pipe->assign = mark == '=';
	return true;
}

static bool is_plain(const struct node *n)
{
	return n->type == NODE_CONST || n->type == NODE_DOT;
}

/* A pipeline up to and including the token @end. @context: for messages. */
static struct node *parse_pipe(struct parser *p, const char *context, int end)
{
	struct node *pipe = new_node(p, NODE_PIPE), **tail = &pipe->first;
	if (!parse_declarations(p, pipe, context))
		return NULL;
	if (p->now.type == end)
		return fail(p, "missing value for %s", context);
	for (int stage = 1; p->now.type != end; stage++) {
		if (!starts_operand(&p->now))
			return unexpected(p, context);
		struct node *command = parse_command(p);
		if (!command)
			return NULL;
		if (stage > 1 && is_plain(command->first))
			return fail(p, "non executable command in pipeline stage %d", stage);
		*tail = command;
		tail = &command->next;
		if (p->now.type == '|')
			take(p);
		else if (p->now.type != end)
			return unexpected(p, context);
	}
	take(p);
	for (int i = 0; i < pipe->var_count; i++)
		if (!(pipe->assign ? is_declared : declare)(p, pipe->vars[i]))
			return NULL;
	return finish(p, pipe);
}

/* --- actions, from their keyword to their "}}" or their {{end}} --- */

static bool parse_end(struct parser *p)
{
	if (p->now.type == TOKEN_ELSE)
		return fail(p, "expected end; found {{else}}");
	take(p);
	return expect(p, TOKEN_RIGHT, "end");
}

static struct node *parse_control(struct parser *p, enum node_type type);

/* "{{else if x}}" is "{{else}}{{if x}}" with one "{{end}}" for both. */
static bool parse_else(struct parser *p, struct node *n, int keyword)
{
	take(p);
	if (p->now.type == keyword && n->type != NODE_RANGE) {
		n->otherwise = new_node(p, NODE_LIST);
		n->otherwise->first = parse_control(p, n->type);
		return n->otherwise->first;
	}
	if (!expect(p, TOKEN_RIGHT, "else"))
		return false;
	n->otherwise = parse_block(p);
	return n->otherwise && parse_end(p);
}

static struct node *parse_control(struct parser *p, enum node_type type)
{
	struct node *n = new_node(p, type);
	struct token keyword = take(p);
	size_t vars = p->var_count;
	if (!enter(p))
		return NULL;
	n->pipe = parse_pipe(p, name_of(p, keyword.text), TOKEN_RIGHT);
	p->range_depth += type == NODE_RANGE;
	n->body = n->pipe ? parse_block(p) : NULL;
	p->range_depth -= type == NODE_RANGE;
	bool ok = n->body &&
		  (p->now.type == TOKEN_ELSE ? parse_else(p, n, keyword.type) : parse_end(p));
	p->var_count = vars;
	p->depth--;
	return ok ? n : NULL;
}

static struct node *parse_jump(struct parser *p, enum node_type type, const char *name)
{
	struct node *n = new_node(p, type);
	if (!p->range_depth)
		return fail(p, "%s outside {{range}}", name);
	take(p);
	return expect(p, TOKEN_RIGHT, name) ? n : NULL;
}

static const char *parse_name(struct parser *p, const char *context)
{
	if (p->now.type != TOKEN_CONST || p->now.value.kind != VALUE_STRING)
		return unexpected(p, context);
	return name_of(p, take(p).value.text);
}

static struct node *parse_template(struct parser *p)
{
	take(p);
	struct node *n = new_node(p, NODE_TEMPLATE);
	n->name = parse_name(p, "template clause");
	if (!n->name)
		return NULL;
	if (p->now.type == TOKEN_RIGHT) {
		take(p);
		return n;
	}
	n->pipe = parse_pipe(p, "template clause", TOKEN_RIGHT);
	return n->pipe ? n : NULL;
}

/* The body of {{define}} and {{block}}: it sees no variable of its surroundings but "$". */
static bool parse_definition(struct parser *p, const char *name)
{
	size_t first = p->var_first, count = p->var_count;
	int ranges = p->range_depth;
	struct definition *d = arena_new(p->arena, struct definition);
	if (template_definition(p->t, name))
		return fail(p, "template: multiple definition of template %s",
			    template_quoted(p->arena, name, strlen(name)));
	if (!enter(p))
		return false;
	p->var_first = count;
	p->range_depth = 0;
	d->body = declare(p, "$") ? parse_block(p) : NULL;
	p->var_first = first;
	p->var_count = count;
	p->range_depth = ranges;
	p->depth--;
	d->name = name;
	d->next = p->t->definitions;
	p->t->definitions = d;
	return d->body && parse_end(p);
}

static bool parse_define(struct parser *p)
{
	take(p);
	const char *name = parse_name(p, "define clause");
	return name && expect(p, TOKEN_RIGHT, "define clause") && parse_definition(p, name);
}

static struct node *parse_block_action(struct parser *p)
{
	take(p);
	struct node *n = new_node(p, NODE_TEMPLATE);
	n->name = parse_name(p, "block clause");
	if (!n->name)
		return NULL;
	n->pipe = parse_pipe(p, "block clause", TOKEN_RIGHT);
	return n->pipe && parse_definition(p, n->name) ? n : NULL;
}

/* --- lists --- */

static struct node *parse_action(struct parser *p)
{
	struct node *n;
	switch (p->now.type) {
	case TOKEN_IF:
		return parse_control(p, NODE_IF);
	case TOKEN_RANGE:
		return parse_control(p, NODE_RANGE);
	case TOKEN_WITH:
		return parse_control(p, NODE_WITH);
	case TOKEN_BREAK:
		return parse_jump(p, NODE_BREAK, "{{break}}");
	case TOKEN_CONTINUE:
		return parse_jump(p, NODE_CONTINUE, "{{continue}}");
	case TOKEN_TEMPLATE:
		return parse_template(p);
	case TOKEN_BLOCK:
		return parse_block_action(p);
	default:
		n = new_node(p, NODE_ACTION);
		n->pipe = parse_pipe(p, "command", TOKEN_RIGHT);
		return n->pipe ? n : NULL;
	}
}

/* "{{" and what follows up to {{else}} or {{end}}, before whose keyword it stops, or to the end. */
static struct node *parse_list(struct parser *p)
{
	struct node *list = new_node(p, NODE_LIST), **tail = &list->first;
	while (p->now.type != TOKEN_EOF) {
		struct node *n;
		struct token t = p->now;
		if (t.type == TOKEN_TEXT) {
			n = new_node(p, NODE_TEXT);
			n->value = value_string(take(p).text);
		} else if (t.type != TOKEN_LEFT) {
			return unexpected(p, "input");
		} else {
			take(p);
			if (p->now.type == TOKEN_ELSE || p->now.type == TOKEN_END)
				return list;
			if (p->now.type == TOKEN_DEFINE && !p->depth) {
				if (!parse_define(p))
					return NULL;
				continue;
			}
			n = parse_action(p);
			if (!n)
				return NULL;
			n->source.s = t.text.s;
		}
		*tail = finish(p, n);
		tail = &n->next;
	}
	return list;
}

/* A list that {{else}} or {{end}} must end, and with it the variables that it declared. */
static struct node *parse_block(struct parser *p)
{
	size_t vars = p->var_count;
	struct node *list = parse_list(p);
	p->var_count = vars;
	return list && p->now.type == TOKEN_EOF ? fail(p, "unexpected EOF") : list;
}

int template_parse(const char *text, size_t len, struct template **ret, struct err *e)
{
	if (len > TEMPLATE_TEXT_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "template: longer than %d bytes",
			       TEMPLATE_TEXT_MAX);
	CLEANUP_TEMPLATE struct template *t = calloc(1, sizeof(*t));
	if (!t)
		return err_errno(e, ENOMEM, "template");
	t->text = arena_strndup(&t->arena, text, len);
	struct parser p = {
		.t = t, .arena = &t->arena, .err = e, .lexer = {&t->arena, t->text, len}};
	p.now = template_lex(&p.lexer);
	p.ahead = template_lex(&p.lexer);
	declare(&p, "$");
	t->main = (struct definition){.name = "", .body = parse_list(&p)};
	if (t->main.body && p.now.type != TOKEN_EOF)
		t->main.body =
			fail(&p, "unexpected {{%s}}", p.now.type == TOKEN_END ? "end" : "else");
	if (!t->main.body)
		return -e->number;
	*ret = ptr_steal(t);
	return 0;
}

void template_free(struct template *t)
{
	if (!t)
		return;
	arena_free(&t->arena);
	free(t);
}

const struct definition *template_definition(const struct template *t, const char *name)
{
	const struct definition *d = t->definitions;
	while (d && strcmp(d->name, name))
		d = d->next;
	return d;
}
