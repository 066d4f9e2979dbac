/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing a template: walk the nodes, print the values of actions. Pipelines are evaluated in
 * eval.c. Rests on the documentation of Go's text/template ("Actions", "Variables").
 * Invariant: an int function returns 0, a negative errno with `err` filled, or (walking only)
 * WALK_BREAK, WALK_CONTINUE. Recursion is bounded by the nesting of the template and by
 * EXEC_NESTING_MAX, time by TEMPLATE_STEPS_MAX. Read exec.h first.
 */
#include "template/exec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "template/eval.h"
#include "template/format.h"
#include "template/quote.h"

enum { WALK_BREAK = 1, WALK_CONTINUE = 2 };

static int walk_list(struct exec *x, const struct value *dot, const struct node *list);

/* --- failures, memory --- */

static void locate(const struct exec *x, unsigned *ret_line, size_t *ret_column)
{
	const char *text = x->t->text.s, *end = text + x->at->pos, *start = text;
	*ret_line = 1;
	for (const char *c = text; c < end; c++) {
		if (*c == '\n') {
			++*ret_line;
			start = c + 1;
		}
	}
	*ret_column = (size_t)(end - start);
}

int template_exec_fail(struct exec *x, int number, const char *fmt, ...)
{
	char message[700];
	unsigned line;
	size_t column;
	CLEANUP_STRBUF struct strbuf context = STRBUF_MAX(TEMPLATE_TEXT_MAX * 2);
	CLEANUP_STRBUF struct strbuf name = STRBUF_MAX(TEMPLATE_TEXT_MAX * 4);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	locate(x, &line, &column);
	template_node_print(x->at, &context);
	template_quote(&name, x->definition->name, false);
	return err_set(x->err, number, ERR_INVALID,
		       "template: :%u:%zu: executing %.100s at <%.200s>: %s", line, column,
		       strbuf_text(&name), strbuf_text(&context), message);
}

int template_exec_reason(struct exec *x, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(x->reason, sizeof(x->reason), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

struct strbuf template_exec_buffer(const struct exec *x)
{
	return (struct strbuf)STRBUF_MAX(TEMPLATE_SCRATCH_MAX - x->scratch);
}

int template_exec_keep(struct exec *x, const struct strbuf *built, struct value *ret)
{
	size_t used;
	if (!strbuf_ok(built) || __builtin_add_overflow(x->scratch, built->len + 1, &used) ||
	    used > TEMPLATE_SCRATCH_MAX) {
		template_exec_reason(x, "strings longer than %d bytes", TEMPLATE_SCRATCH_MAX);
		return -ENOBUFS;
	}
	x->scratch = used;
	*ret = value_string((struct span){arena_strndup(&x->arena, strbuf_text(built), built->len),
					  built->len});
	return 0;
}

struct json_object *template_exec_own(struct exec *x, struct json_object *json)
{
	struct exec_object *o = arena_new(&x->arena, struct exec_object);
	*o = (struct exec_object){json, x->objects};
	x->objects = o;
	return json;
}

int template_exec_step(struct exec *x)
{
	if (++x->steps > TEMPLATE_STEPS_MAX)
		return template_exec_fail(x, ELOOP, "more than %d steps", TEMPLATE_STEPS_MAX);
	return 0;
}

/* --- output --- */

static int flush(struct exec *x)
{
	size_t len = x->out_len;
	x->out_len = 0;
	return len ? x->write(x->write_ctx, x->out, len, x->err) : 0;
}

static int put(struct exec *x, struct span s)
{
	if (s.len > x->output_max - x->written)
		return template_exec_fail(x, ENOBUFS, "output longer than %zu bytes",
					  x->output_max);
	x->written += s.len;
	if (s.len > sizeof(x->out) - x->out_len) {
		int r = flush(x);
		if (r)
			return r;
	}
	if (s.len > sizeof(x->out))
		return x->write(x->write_ctx, s.s, s.len, x->err);
	memcpy(x->out + x->out_len, s.s, s.len);
	x->out_len += s.len;
	return 0;
}

static int print_value(struct exec *x, const struct value *v)
{
	if (v->kind == VALUE_STRING)
		return put(x, v->text);
	if (v->kind == VALUE_NONE)
		return put(x, value_span("<no value>"));
	strbuf_reset(&x->line);
	template_print(&x->line, &x->arena, v, 1);
	if (!strbuf_ok(&x->line))
		return template_exec_fail(x, ENOBUFS, "output longer than %zu bytes",
					  x->output_max);
	return put(x, (struct span){strbuf_text(&x->line), x->line.len});
}

/* --- variables --- */

struct variable *template_exec_var(struct exec *x, struct span name)
{
	for (size_t i = x->var_count; i > x->var_first; i--)
		if (template_span_equal(x->vars[i - 1].name, name))
			return &x->vars[i - 1];
	return NULL;
}

int template_exec_declare(struct exec *x, struct span name, const struct value *v)
{
	if (x->var_count == TEMPLATE_VARIABLES_MAX)
		return template_exec_fail(x, ELOOP, "more than %d variables",
					  TEMPLATE_VARIABLES_MAX);
	x->vars[x->var_count++] = (struct variable){name, *v};
	return 0;
}

int template_exec_assign(struct exec *x, struct span name, const struct value *v)
{
	struct variable *var = template_exec_var(x, name);
	if (!var)
		return template_exec_fail(x, EINVAL, "undefined variable: %.*s", (int)name.len,
					  name.s);
	var->value = *v;
	return 0;
}

/* --- walking --- */

static int walk_if_or_with(struct exec *x, const struct value *dot, const struct node *n)
{
	size_t vars = x->var_count;
	struct value v;
	int r = template_eval_pipe(x, dot, n->pipe, &v);
	if (r)
		return r;
	if (value_truth(&v))
		r = walk_list(x, n->type == NODE_WITH ? &v : dot, n->body);
	else if (n->otherwise)
		r = walk_list(x, dot, n->otherwise);
	x->var_count = vars;
	return r;
}

/* One turn of a range: set its variables, walk its body. */
static int range_turn(struct exec *x, const struct node *n, const struct value *index,
		      const struct value *element)
{
	size_t vars = x->var_count, declared = n->pipe->name_count;
	int r = template_exec_step(x);
	if (r)
		return r;
	if (declared > 0 && n->pipe->assign)
		r = template_exec_assign(x, n->pipe->names[declared - 1], element);
	else if (declared > 0)
		x->vars[vars - 1].value = *element;
	if (!r && declared > 1 && n->pipe->assign)
		r = template_exec_assign(x, n->pipe->names[0], index);
	else if (declared > 1)
		x->vars[vars - 2].value = *index;
	if (!r)
		r = walk_list(x, element, n->body);
	x->var_count = vars;
	return r == WALK_CONTINUE ? 0 : r;
}

static int range_list(struct exec *x, const struct node *n, const struct value *v)
{
	int r = 0;
	for (size_t i = 0; !r && i < v->count; i++) {
		struct value index = value_int((int64_t)i), element = value_element(v, i);
		r = range_turn(x, n, &index, &element);
	}
	return r;
}

static int range_map(struct exec *x, const struct node *n, const struct value *v)
{
	const char **keys = value_keys(v, &x->arena);
	int r = 0;
	for (size_t i = 0; !r && keys[i]; i++) {
		struct value key = value_string(value_span(keys[i])), element = {0};
		value_member(v, key.text, &element);
		r = range_turn(x, n, &key, &element);
	}
	return r;
}

/* Since Go 1.22: {{range 3}} counts 0, 1, 2. The steps bound it. */
static int range_int(struct exec *x, const struct node *n, const struct value *v)
{
	int r = 0;
	if (n->pipe->name_count > 1)
		return template_exec_fail(x, EINVAL,
					  "can't use %lld to iterate over more than one variable",
					  (long long)v->integer);
	for (int64_t i = 0; !r && i < v->integer; i++) {
		struct value index = value_int(i);
		r = range_turn(x, n, &index, &index);
	}
	return r;
}

static int range_fail(struct exec *x, const struct value *v)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(TEMPLATE_TEXT_MAX);
	template_print(&text, &x->arena, v, 1);
	return template_exec_fail(x, EINVAL, "range can't iterate over %s", strbuf_text(&text));
}

static int range_over(struct exec *x, const struct value *dot, const struct node *n,
		      const struct value *v)
{
	bool container = v->kind >= VALUE_LIST && !value_is_struct(v);
	if (v->kind > VALUE_NIL && v->kind != VALUE_INT && !container)
		return range_fail(x, v);
	if (v->kind == VALUE_INT && (v->integer > 0 || n->pipe->name_count > 1))
		return range_int(x, n, v);
	if (v->kind == VALUE_INT || v->kind <= VALUE_NIL || !v->count)
		return n->otherwise ? walk_list(x, dot, n->otherwise) : 0;
	return v->kind == VALUE_LIST ? range_list(x, n, v) : range_map(x, n, v);
}

static int walk_range(struct exec *x, const struct value *dot, const struct node *n)
{
	size_t vars = x->var_count;
	struct value v;
	int r = template_eval_pipe(x, dot, n->pipe, &v);
	if (!r)
		r = range_over(x, dot, n, &v);
	x->var_count = vars;
	return r == WALK_BREAK || r == WALK_CONTINUE ? 0 : r;
}

/* The body of a definition: sees only "$". */
static int run_definition(struct exec *x, const struct definition *d, const struct value *dot)
{
	const struct definition *caller = x->definition;
	size_t first = x->var_first, count = x->var_count;
	x->var_first = count;
	int r = template_exec_declare(x, (struct span){"$", 1}, dot);
	x->definition = d;
	if (!r)
		r = walk_list(x, dot, d->body);
	if (r >= 0) /* else the failure still needs to know where it was */
		x->definition = caller;
	x->var_first = first;
	x->var_count = count;
	return r;
}

static int walk_template(struct exec *x, const struct value *dot, const struct node *n)
{
	struct value v = {.kind = VALUE_NONE};
	const struct definition *d = template_definition(x->t, n->text);
	if (!d) {
		CLEANUP_STRBUF struct strbuf name = STRBUF_MAX(TEMPLATE_TEXT_MAX * 4);
		template_quote(&name, n->text, false);
		return template_exec_fail(x, EINVAL, "template %s not defined", strbuf_text(&name));
	}
	if (x->calls >= TEMPLATE_CALLS_MAX)
		return template_exec_fail(x, ELOOP, "exceeded maximum template depth (%d)",
					  TEMPLATE_CALLS_MAX);
	int r = n->pipe ? template_eval_pipe(x, dot, n->pipe, &v) : 0;
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
	int r = template_eval_pipe(x, dot, n->pipe, &v);
	if (r || n->pipe->name_count)
		return r;
	x->at = n;
	return print_value(x, &v);
}

static int walk_text(struct exec *x, const struct value *dot, const struct node *n)
{
	(void)dot;
	return put(x, n->text);
}

static int walk_jump(struct exec *x, const struct value *dot, const struct node *n)
{
	(void)x;
	(void)dot;
	return n->type == NODE_BREAK ? WALK_BREAK : WALK_CONTINUE;
}

static int (*const walkers[])(struct exec *x, const struct value *dot, const struct node *n) = {
	[NODE_TEXT] = walk_text,       [NODE_ACTION] = walk_action,     [NODE_IF] = walk_if_or_with,
	[NODE_WITH] = walk_if_or_with, [NODE_RANGE] = walk_range,       [NODE_BREAK] = walk_jump,
	[NODE_CONTINUE] = walk_jump,   [NODE_TEMPLATE] = walk_template,
};

static int walk_list(struct exec *x, const struct value *dot, const struct node *list)
{
	int r = 0;
	if (x->nesting >= EXEC_NESTING_MAX)
		return template_exec_fail(x, ELOOP, "nested deeper than %d", EXEC_NESTING_MAX);
	x->nesting++;
	for (const struct node *n = list->first; !r && n; n = n->next) {
		x->at = n;
		r = template_exec_step(x);
		if (!r)
			r = walkers[n->type](x, dot, n);
	}
	x->nesting--;
	return r;
}

int template_exec_run(struct exec *x)
{
	struct value root = value_from_json(x->data->root, x->data->type);
	value_unbox(&root);
	if (root.kind == VALUE_NONE && x->data->method_count)
		root = (struct value){.kind = VALUE_MAP};
	root.root = true;
	x->at = x->t->main->body;
	int r = run_definition(x, x->t->main, &root);
	return r ? r : flush(x);
}
