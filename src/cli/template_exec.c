/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executing a template: walk the nodes, evaluate the pipelines, print the values.
 * Rests on the documentation of Go's text/template ("Actions", "Arguments", "Pipelines").
 * Invariant: an int function returns 0, a negative errno with `err` filled, or (walking only)
 * WALK_BREAK, WALK_CONTINUE. Recursion is bounded by the nesting of the template and by
 * EXEC_NESTING_MAX, time by TEMPLATE_STEPS_MAX. Read template_exec.h first.
 */
#include "cli/template_exec.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/template_format.h"
#include "cli/template_func.h"
#include "cli/template_quote.h"

enum { WALK_BREAK = 1, WALK_CONTINUE = 2, ARGS_ON_STACK = 8 };

/* What a command is given: operands, and the value of the command before it in the pipeline. */
struct call {
	const struct value *dot;
	const struct node *node;   /* what a failure of the call is about */
	const struct node *first;  /* operands after the function; NULL: none */
	const struct value *final; /* NULL: none */
};

static int eval_pipe(struct exec *x, const struct value *dot, const struct node *n,
		     struct value *ret);
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

static int step(struct exec *x)
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

static struct variable *var_find(struct exec *x, struct span name)
{
	for (size_t i = x->var_count; i > x->var_first; i--)
		if (template_span_equal(x->vars[i - 1].name, name))
			return &x->vars[i - 1];
	return NULL;
}

static int var_push(struct exec *x, struct span name, const struct value *v)
{
	if (x->var_count == TEMPLATE_VARIABLES_MAX)
		return template_exec_fail(x, ELOOP, "more than %d variables",
					  TEMPLATE_VARIABLES_MAX);
	x->vars[x->var_count++] = (struct variable){name, *v};
	return 0;
}

static int var_set(struct exec *x, struct span name, const struct value *v)
{
	struct variable *var = var_find(x, name);
	if (!var)
		return template_exec_fail(x, EINVAL, "undefined variable: %.*s", (int)name.len,
					  name.s);
	var->value = *v;
	return 0;
}

/* --- arguments --- */

static const char *param_name(char param)
{
	return param == 's' ? "string" : param == 'i' ? "int" : "[]string";
}

static bool fits(const struct value *v, char param)
{
	switch (param) {
	case 's':
		return v->kind == VALUE_STRING;
	case 'i':
		return v->kind == VALUE_INT;
	case 'l':
		return v->kind == VALUE_NONE || value_is_string_list(v);
	default:
		return true;
	}
}

static int check_type(struct exec *x, char param, struct value *v)
{
	if (fits(v, param)) {
		if (param == 'l' && v->kind == VALUE_NONE)
			*v = (struct value){.kind = VALUE_LIST};
		return 0;
	}
	if (v->kind == VALUE_NONE)
		return template_exec_fail(x, EINVAL, "invalid value; expected %s",
					  param_name(param));
	const char *got = v->kind == VALUE_NIL ? value_static_type_name(v) : value_type_name(v);
	return template_exec_fail(x, EINVAL, "wrong type for value; expected %s; got %s",
				  param_name(param), got);
}

static int number_value(struct exec *x, const struct node *n, struct value *ret)
{
	(void)x;
	if (n->number.prefers_float || !n->number.is_int)
		*ret = (struct value){.kind = VALUE_FLOAT, .real = n->number.real};
	else
		*ret = value_int(n->number.integer);
	return 0;
}

/* A constant, of the type that the parameter asks for. */
static int eval_literal(struct exec *x, char param, const struct node *n, struct value *ret)
{
	if (param == 's' && n->type != NODE_STRING) {
		CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(TEMPLATE_TEXT_MAX);
		template_node_print(n, &text);
		return template_exec_fail(x, EINVAL, "expected string; found %s",
					  strbuf_text(&text));
	}
	if (param == 'i' && (n->type != NODE_NUMBER || !n->number.is_int)) {
		CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(TEMPLATE_TEXT_MAX);
		template_node_print(n, &text);
		return template_exec_fail(x, EINVAL, "expected integer; found %s",
					  strbuf_text(&text));
	}
	if (param == 'l') {
		CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(TEMPLATE_TEXT_MAX);
		template_node_print(n, &text);
		return template_exec_fail(x, EINVAL, "can't handle %s for arg of type []string",
					  strbuf_text(&text));
	}
	if (n->type == NODE_STRING)
		*ret = value_string(n->text);
	else if (n->type == NODE_BOOL)
		*ret = value_bool(n->truth);
	else if (param == 'i')
		*ret = value_int(n->number.integer);
	else
		return number_value(x, n, ret);
	return 0;
}

static int eval_nil(struct exec *x, char param, struct value *ret)
{
	if (param == 's' || param == 'i')
		return template_exec_fail(x, EINVAL, "cannot assign nil to %s", param_name(param));
	*ret = (struct value){.kind = VALUE_NONE};
	return 0;
}

static int eval_operand(struct exec *x, const struct node *n, const struct call *c,
			struct value *ret);

/* An operand in the place of an argument. */
static int eval_arg(struct exec *x, const struct value *dot, char param, const struct node *n,
		    struct value *ret)
{
	struct call bare = {.dot = dot, .node = n};
	int r = step(x);
	x->at = n;
	if (r)
		return r;
	switch (n->type) {
	case NODE_NIL:
		return eval_nil(x, param, ret);
	case NODE_BOOL:
	case NODE_NUMBER:
	case NODE_STRING:
		return eval_literal(x, param, n, ret);
	default:
		r = eval_operand(x, n, &bare, ret);
		return r ? r : check_type(x, param, ret);
	}
}

/* --- calls --- */

static size_t call_count(const struct call *c)
{
	size_t count = c->final != NULL;
	for (const struct node *n = c->first; n; n = n->next)
		count++;
	return count;
}

static int check_count(struct exec *x, const struct call *c, struct span name, const char *params)
{
	size_t count = call_count(c), want = strlen(params);
	bool more = want && params[want - 1] == '*';
	if (more && count < want - 2)
		return template_exec_fail(
			x, EINVAL, "wrong number of args for %.*s: want at least %zu got %zu",
			(int)name.len, name.s, want - 2, count - (c->final != NULL));
	if (!more && count != want)
		return template_exec_fail(x, EINVAL,
					  "wrong number of args for %.*s: want %zu got %zu",
					  (int)name.len, name.s, want, count);
	return 0;
}

static char param_at(const char *params, size_t i)
{
	size_t len = strlen(params);
	if (len && params[len - 1] == '*' && i >= len - 2)
		return params[len - 2];
	return params[i];
}

/* @args has room for call_count(). */
static int eval_args(struct exec *x, const struct call *c, const char *params, struct value *args)
{
	size_t i = 0;
	for (const struct node *n = c->first; n; n = n->next, i++) {
		int r = eval_arg(x, c->dot, param_at(params, i), n, &args[i]);
		if (r)
			return r;
	}
	if (!c->final)
		return 0;
	args[i] = *c->final;
	return check_type(x, param_at(params, i), &args[i]);
}

static int call_failed(struct exec *x, const struct call *c, struct span name, int r)
{
	x->at = c->node;
	return template_exec_fail(x, -r, "error calling %.*s: %s", (int)name.len, name.s,
				  x->reason);
}

static int eval_logic(struct exec *x, const struct template_func *f, const struct call *c,
		      struct value *ret)
{
	for (const struct node *n = c->first; n; n = n->next) {
		int r = eval_arg(x, c->dot, 'v', n, ret);
		if (r)
			return r;
		if (value_truth(ret) == (f->logic == FUNC_OR))
			return 0;
	}
	if (c->final)
		*ret = *c->final;
	return 0;
}

static int eval_function(struct exec *x, const struct node *n, const struct call *c,
			 struct value *ret)
{
	struct value few[ARGS_ON_STACK], *args = few;
	const struct template_func *f = n->func;
	bool header = x->data->header && f->header_params;
	const char *params = header ? f->header_params : f->params;
	size_t count = call_count(c);
	x->at = n;
	int r = check_count(x, c, n->text, params);
	if (r)
		return r;
	if (f->logic != FUNC_PLAIN)
		return eval_logic(x, f, c, ret);
	if (count > ARGS_ON_STACK)
		args = arena_array(&x->arena, count, sizeof(*args));
	r = eval_args(x, c, params, args);
	if (r)
		return r;
	if (header) {
		*ret = args[0];
		return 0;
	}
	r = f->call(x, args, count, ret);
	return r ? call_failed(x, c, n->text, r) : 0;
}

/* --- methods and fields --- */

static const struct template_method *method_find(const struct exec *x, const struct value *receiver,
						 struct span name)
{
	for (size_t i = 0; receiver->root && i < x->data->method_count; i++)
		if (template_span_equal(value_span(x->data->methods[i].name), name))
			return &x->data->methods[i];
	return NULL;
}

static int eval_method(struct exec *x, const struct template_method *m, const struct call *c,
		       struct value *ret)
{
	struct value args[ARGS_ON_STACK];
	struct json_object *json[ARGS_ON_STACK], *result = NULL;
	size_t count = strlen(m->params);
	assert(count <= ARGS_ON_STACK);
	int r = check_count(x, c, value_span(m->name), m->params);
	if (!r)
		r = eval_args(x, c, m->params, args);
	if (r)
		return r;
	for (size_t i = 0; i < count; i++)
		json[i] = template_exec_own(x, value_to_json(&args[i]));
	struct err e = {0};
	r = m->call(x->data->method_ctx, json, count, &result, &e);
	if (r) {
		template_exec_reason(x, "%.600s", e.text);
		return call_failed(x, c, value_span(m->name), r);
	}
	*ret = value_from_json(template_exec_own(x, result), NULL);
	ret->boxed = false;
	return 0;
}

static int field_in_map(struct exec *x, const struct value *receiver, struct span name,
			const struct call *c, struct value *ret)
{
	if (call_count(c))
		return template_exec_fail(x, EINVAL, "%.*s is not a method but has arguments",
					  (int)name.len, name.s);
	if (value_member(receiver, name, ret))
		return 0;
	if (x->data->strict)
		return template_exec_fail(x, EINVAL, "map has no entry for key \"%.*s\"",
					  (int)name.len, name.s);
	*ret = (struct value){.kind = VALUE_NONE};
	return 0;
}

static int field_in_struct(struct exec *x, const struct value *receiver, struct span name,
			   const struct call *c, struct value *ret)
{
	if (!value_member(receiver, name, ret))
		return template_exec_fail(x, EINVAL, "can't evaluate field %.*s in type %s",
					  (int)name.len, name.s, value_static_type_name(receiver));
	if (call_count(c))
		return template_exec_fail(x, EINVAL,
					  "%.*s has arguments but cannot be invoked as function",
					  (int)name.len, name.s);
	return 0;
}

static int eval_field(struct exec *x, const struct value *receiver, struct span name,
		      const struct call *c, struct value *ret)
{
	const struct template_method *m = method_find(x, receiver, name);
	if (m)
		return eval_method(x, m, c, ret);
	if (receiver->kind == VALUE_NONE) {
		if (x->data->strict)
			return template_exec_fail(x, EINVAL, "nil data; no entry for key \"%.*s\"",
						  (int)name.len, name.s);
		*ret = *receiver;
		return 0;
	}
	if (receiver->kind == VALUE_NIL)
		return template_exec_fail(x, EINVAL, "nil pointer evaluating %s.%.*s",
					  value_static_type_name(receiver), (int)name.len, name.s);
	if (value_is_struct(receiver))
		return field_in_struct(x, receiver, name, c, ret);
	if (receiver->kind == VALUE_MAP)
		return field_in_map(x, receiver, name, c, ret);
	return template_exec_fail(x, EINVAL, "can't evaluate field %.*s in type %s", (int)name.len,
				  name.s, value_static_type_name(receiver));
}

/* .a.b.c: only the last may be a method with arguments. */
static int eval_fields(struct exec *x, struct value receiver, const struct node *n,
		       const struct call *c, struct value *ret)
{
	struct call bare = {.dot = c->dot, .node = c->node};
	for (size_t i = 0; i < n->name_count; i++) {
		bool last = i + 1 == n->name_count;
		struct value v;
		int r = eval_field(x, &receiver, n->names[i], last ? c : &bare, &v);
		if (r)
			return r;
		receiver = v;
	}
	*ret = receiver;
	return 0;
}

/* --- operands, commands, pipelines --- */

static int not_a_function(struct exec *x, const struct node *n, const struct call *c)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(TEMPLATE_TEXT_MAX);
	if (!call_count(c))
		return 0;
	template_node_print(n, &text);
	return template_exec_fail(x, EINVAL, "can't give argument to non-function %s",
				  strbuf_text(&text));
}

static int eval_variable(struct exec *x, const struct node *n, const struct call *c,
			 struct value *ret)
{
	x->at = n;
	const struct variable *var = var_find(x, n->text);
	if (!var)
		return template_exec_fail(x, EINVAL, "undefined variable: %.*s", (int)n->text.len,
					  n->text.s);
	*ret = var->value;
	return n->name_count ? eval_fields(x, *ret, n, c, ret) : not_a_function(x, n, c);
}

static int eval_chain(struct exec *x, const struct node *n, const struct call *c, struct value *ret)
{
	struct value receiver;
	x->at = n;
	int r = eval_arg(x, c->dot, 'v', n->first, &receiver);
	return r ? r : eval_fields(x, receiver, n, c, ret);
}

/* A constant or dot as a whole command. */
static int eval_plain(struct exec *x, const struct node *n, const struct call *c, struct value *ret)
{
	x->at = n;
	int r = not_a_function(x, n, c);
	if (r)
		return r;
	if (n->type == NODE_NIL)
		return template_exec_fail(x, EINVAL, "nil is not a command");
	if (n->type != NODE_DOT)
		return eval_literal(x, 'v', n, ret);
	*ret = *c->dot;
	return 0;
}

static int eval_operand(struct exec *x, const struct node *n, const struct call *c,
			struct value *ret)
{
	int r;
	switch (n->type) {
	case NODE_FIELD:
		x->at = n;
		return eval_fields(x, *c->dot, n, c, ret);
	case NODE_CHAIN:
		return eval_chain(x, n, c, ret);
	case NODE_VARIABLE:
		return eval_variable(x, n, c, ret);
	case NODE_IDENTIFIER:
		return eval_function(x, n, c, ret);
	case NODE_PIPE:
		r = not_a_function(x, n, c);
		return r ? r : eval_pipe(x, c->dot, n, ret);
	default:
		return eval_plain(x, n, c, ret);
	}
}

static int eval_command(struct exec *x, const struct value *dot, const struct node *command,
			const struct value *final, struct value *ret)
{
	const struct node *n = command->first;
	struct call c = {.dot = dot, .node = n, .first = n->next, .final = final};
	if (n->type == NODE_IDENTIFIER)
		c.node = command;
	int r = step(x);
	return r ? r : eval_operand(x, n, &c, ret);
}

/* Go unpacks an interface at the end of each command: what is in it loses the box. */
static void unbox(struct value *v)
{
	v->boxed = false;
	if (v->kind == VALUE_NIL && !v->type)
		v->kind = VALUE_NONE;
}

static int eval_pipe(struct exec *x, const struct value *dot, const struct node *n,
		     struct value *ret)
{
	struct value v = {0}, final;
	x->at = n;
	for (const struct node *c = n->first; c; c = c->next) {
		final = v;
		int r = eval_command(x, dot, c, c == n->first ? NULL : &final, &v);
		if (r)
			return r;
		unbox(&v);
	}
	for (size_t i = 0; i < n->name_count; i++) {
		int r = n->assign ? var_set(x, n->names[i], &v) : var_push(x, n->names[i], &v);
		if (r)
			return r;
	}
	*ret = v;
	return 0;
}

/* --- walking --- */

static int walk_if_or_with(struct exec *x, const struct value *dot, const struct node *n)
{
	size_t vars = x->var_count;
	struct value v;
	int r = eval_pipe(x, dot, n->pipe, &v);
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
	int r = step(x);
	if (r)
		return r;
	if (declared > 0 && n->pipe->assign)
		r = var_set(x, n->pipe->names[declared - 1], element);
	else if (declared > 0)
		x->vars[vars - 1].value = *element;
	if (!r && declared > 1 && n->pipe->assign)
		r = var_set(x, n->pipe->names[0], index);
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
	int r = eval_pipe(x, dot, n->pipe, &v);
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
	int r = var_push(x, (struct span){"$", 1}, dot);
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
	int r = n->pipe ? eval_pipe(x, dot, n->pipe, &v) : 0;
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
	int r = eval_pipe(x, dot, n->pipe, &v);
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
		r = step(x);
		if (!r)
			r = walkers[n->type](x, dot, n);
	}
	x->nesting--;
	return r;
}

int template_exec_run(struct exec *x)
{
	struct value root = value_from_json(x->data->root, x->data->type);
	unbox(&root);
	if (root.kind == VALUE_NONE && x->data->method_count)
		root = (struct value){.kind = VALUE_MAP};
	root.root = true;
	x->at = x->t->main->body;
	int r = run_definition(x, x->t->main, &root);
	return r ? r : flush(x);
}
