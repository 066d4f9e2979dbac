/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing a template: walk the nodes, print the values of actions. Pipelines are evaluated in
 * eval.c. Rests on the documentation of Go's text/template ("Actions", "Variables").
 * Invariant: an int function returns 0, a negative errno with `err` filled, or (walking only)
 * WALK_BREAK, WALK_CONTINUE. Recursion is bounded by the nesting of the template and by
 * NESTING_MAX, time by TEMPLATE_STEPS_MAX. Read exec.h first.
 */
#include "template/exec.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "template/format.h"
#include "template/lex.h"

enum { WALK_BREAK = 1, WALK_CONTINUE = 2, NESTING_MAX = 512 };

static int walk_list(struct exec *x, const struct value *dot, const struct node *list);

/* --- failures, memory --- */

int template_exec_fail(struct exec *x, int number, const char *fmt, ...)
{
	char message[700];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	size_t line_start = x->at->pos;
	while (line_start && x->t->text[line_start - 1] != '\n')
		line_start--;
	const char *name = x->definition->name;
	return err_set(
		x->err, number, ERR_INVALID, "template: :%u:%zu: executing %.100s at <%.*s>: %s",
		template_line(x->t->text, x->at->pos), x->at->pos - line_start,
		template_quoted(&x->arena, name, strlen(name)),
		x->at->source.len < 200 ? (int)x->at->source.len : 200, x->at->source.s, message);
}

struct strbuf template_exec_buffer(const struct exec *x)
{
	return (struct strbuf)STRBUF_MAX(TEMPLATE_SCRATCH_MAX - x->scratch);
}

int template_exec_keep(struct exec *x, const struct strbuf *built, struct value *ret)
{
	if (!strbuf_ok(built) || built->len >= TEMPLATE_SCRATCH_MAX - x->scratch)
		return err_set(x->err, ENOBUFS, ERR_INVALID, "strings longer than %d bytes",
			       TEMPLATE_SCRATCH_MAX);
	x->scratch += built->len + 1;
	const char *text = arena_strndup(&x->arena, strbuf_text(built), built->len);
	*ret = value_string((struct span){text, built->len});
	return 0;
}

int template_exec_step(struct exec *x)
{
	if (++x->steps > TEMPLATE_STEPS_MAX)
		return template_exec_fail(x, ELOOP, "more than %d steps", TEMPLATE_STEPS_MAX);
	return 0;
}

static int print(struct exec *x, const struct value *v)
{
	if (value_is_nothing(v))
		strbuf_puts(x->out, "<no value>");
	else
		template_print(x->out, &x->arena, v, 1, false);
	if (!strbuf_ok(x->out))
		return template_exec_fail(x, ENOBUFS, "output longer than %zu bytes", x->out->max);
	return 0;
}

/* --- variables --- */

struct variable *template_exec_var(struct exec *x, const char *name)
{
	size_t i = x->var_count;
	while (i > x->var_first && strcmp(x->vars[i - 1].name, name))
		i--;
	assert(i > x->var_first);
	return &x->vars[i - 1];
}

int template_exec_declare(struct exec *x, const char *name, const struct value *v)
{
	if (x->var_count == TEMPLATE_VARIABLES_MAX)
		return template_exec_fail(x, ELOOP, "more than %d variables",
					  TEMPLATE_VARIABLES_MAX);
	x->vars[x->var_count++] = (struct variable){name, *v};
	return 0;
}

/* --- walking --- */

static int walk_if_or_with(struct exec *x, const struct value *dot, const struct node *n)
{
	struct value v;
	int r = template_eval(x, dot, n->pipe, &v);
	if (r)
		return r;
	if (value_truth(&v))
		return walk_list(x, n->type == NODE_WITH ? &v : dot, n->body);
	return n->otherwise ? walk_list(x, dot, n->otherwise) : 0;
}

/* One turn of a range: set its variables, walk its body. */
static int range_turn(struct exec *x, const struct node *n, const struct value *index,
		      const struct value *element)
{
	size_t vars = x->var_count;
	const struct node *p = n->pipe;
	int r = template_exec_step(x);
	if (r)
		return r;
	if (p->var_count)
		template_exec_var(x, p->vars[p->var_count - 1])->value = *element;
	if (p->var_count > 1)
		template_exec_var(x, p->vars[0])->value = *index;
	r = walk_list(x, element, n->body);
	x->var_count = vars;
	return r == WALK_CONTINUE ? 0 : r;
}

/* Lists and maps; since Go 1.22 {{range 3}} counts 0, 1, 2. The steps bound it. */
static int range_over(struct exec *x, const struct node *n, const struct value *v, int64_t count)
{
	const char **keys = v->kind == VALUE_MAP ? value_keys(v, &x->arena) : NULL;
	int r = 0;
	for (int64_t i = 0; !r && i < count; i++) {
		struct value index = value_int(i), element = index;
		if (v->kind == VALUE_LIST) {
			element = value_element(v, (size_t)i);
		} else if (keys) {
			index = value_string(span_of(keys[i]));
			value_member(v, index.text, &element);
		}
		r = range_turn(x, n, &index, &element);
	}
	return r > 0 ? 0 : r;
}

static int walk_range(struct exec *x, const struct value *dot, const struct node *n)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(TEMPLATE_TEXT_MAX);
	struct value v;
	int r = template_eval(x, dot, n->pipe, &v);
	if (r)
		return r;
	int64_t count = v.kind == VALUE_INT      ? v.integer
			: value_is_container(&v) ? (int64_t)v.count
						 : 0;
	if (v.kind == VALUE_INT && n->pipe->var_count > 1)
		return template_exec_fail(x, EINVAL,
					  "can't use %lld to iterate over more than one variable",
					  (long long)v.integer);
	if (count > 0)
		return range_over(x, n, &v, count);
	if (v.kind == VALUE_NIL || v.kind == VALUE_INT || value_is_container(&v))
		return n->otherwise ? walk_list(x, dot, n->otherwise) : 0;
	template_print(&text, &x->arena, &v, 1, false);
	return template_exec_fail(x, EINVAL, "range can't iterate over %s", strbuf_text(&text));
}

/* The body of a definition: sees only "$". */
static int run_definition(struct exec *x, const struct definition *d, const struct value *dot)
{
	const struct definition *caller = x->definition;
	size_t first = x->var_first;
	x->var_first = x->var_count;
	int r = template_exec_declare(x, "$", dot);
	x->definition = d;
	if (!r)
		r = walk_list(x, dot, d->body);
	x->definition = caller;
	x->var_first = first;
	return r;
}

static int walk_template(struct exec *x, const struct value *dot, const struct node *n)
{
	struct value v = {0};
	const struct definition *d = template_definition(x->t, n->name);
	if (!d)
		return template_exec_fail(x, EINVAL, "template %s not defined",
					  template_quoted(&x->arena, n->name, strlen(n->name)));
	if (x->calls >= TEMPLATE_CALLS_MAX)
		return template_exec_fail(x, ELOOP, "exceeded maximum template depth (%d)",
					  TEMPLATE_CALLS_MAX);
	int r = n->pipe ? template_eval(x, dot, n->pipe, &v) : 0;
	if (r)
		return r;
	x->calls++;
	r = run_definition(x, d, &v);
	x->calls--;
	return r;
}

static int walk_action(struct exec *x, const struct value *dot, const struct node *n)
{
	struct value v;
	int r = template_eval(x, dot, n->pipe, &v);
	if (r || n->pipe->var_count)
		return r;
	x->at = n;
	return print(x, &v);
}

static int walk_text(struct exec *x, const struct value *dot, const struct node *n)
{
	return print(x, &n->value);
}

static int walk_jump(struct exec *x, const struct value *dot, const struct node *n)
{
	return n->type == NODE_BREAK ? WALK_BREAK : WALK_CONTINUE;
}

static int (*const walkers[])(struct exec *x, const struct value *dot, const struct node *n) = {
	[NODE_TEXT] = walk_text,       [NODE_ACTION] = walk_action,     [NODE_IF] = walk_if_or_with,
	[NODE_WITH] = walk_if_or_with, [NODE_RANGE] = walk_range,       [NODE_BREAK] = walk_jump,
	[NODE_CONTINUE] = walk_jump,   [NODE_TEMPLATE] = walk_template,
};

/* What {{if}}, {{with}} and {{range}} declare ends with them, all else with the list. */
static int walk_list(struct exec *x, const struct value *dot, const struct node *list)
{
	size_t vars = x->var_count;
	int r = 0;
	if (x->nesting >= NESTING_MAX)
		return template_exec_fail(x, ELOOP, "nested deeper than %d", NESTING_MAX);
	x->nesting++;
	for (const struct node *n = list->first; !r && n; n = n->next) {
		size_t outer = x->var_count;
		x->at = n;
		r = template_exec_step(x);
		if (!r)
			r = walkers[n->type](x, dot, n);
		if (n->body)
			x->var_count = outer;
	}
	x->nesting--;
	x->var_count = vars;
	return r;
}

static void exec_end(struct exec *x)
{
	json_object_put(x->owned);
	arena_free(&x->arena);
}

int template_execute(const struct template *t, const struct template_data *data, struct strbuf *out,
		     struct err *e)
{
	struct value root = value_from_json(data->root, data->type);
	root.boxed = false;
	root.root = true;
	CLEANUP(exec_end)
	struct exec x = {.t = t,
			 .data = data,
			 .out = out,
			 .definition = &t->main,
			 .at = t->main.body,
			 .err = e};
	x.owned = json_object_new_array();
	return run_definition(&x, &t->main, &root);
}

/* --- which fields are used --- */

struct finder {
	void (*found)(void *ctx, const char *name);
	void *ctx;
	bool whole;
};

/* Inside {{with}} and {{range}} dot is something else; "$" stays what it was. */
static void find(struct finder *f, const struct node *n, bool dot_is_root)
{
	for (; n; n = n->next) {
		bool moves = n->type == NODE_WITH || n->type == NODE_RANGE;
		bool dollar = n->type == NODE_VARIABLE && !strcmp(n->name, "$");
		const struct node *of = n->type == NODE_FIELD ? n->first : NULL;
		bool of_dollar = of && of->type == NODE_VARIABLE && !strcmp(of->name, "$");
		if (n->type == NODE_FIELD && (of_dollar || (!of && dot_is_root)))
			f->found(f->ctx, n->name);
		else if (dollar || (n->type == NODE_DOT && dot_is_root))
			f->whole = true;
		if (!of_dollar)
			find(f, n->first, dot_is_root);
		find(f, n->pipe, dot_is_root);
		find(f, n->body, dot_is_root && !moves);
		find(f, n->otherwise, dot_is_root);
	}
}

bool template_fields(const struct template *t, void (*found)(void *ctx, const char *name),
		     void *ctx)
{
	struct finder f = {.found = found, .ctx = ctx};
	find(&f, t->main.body, true);
	return f.whole;
}
