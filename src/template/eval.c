/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluating pipelines: operands, fields, methods and function calls.
 * Rests on the documentation of Go's text/template ("Arguments", "Pipelines").
 * Invariant: `at` is the node that Go would blame for a failure; recursion is bounded by the
 * nesting of the template. Read exec.h first.
 */
#include "template/eval.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/cleanup.h"
#include "template/func.h"

enum { ARGS_ON_STACK = 8 };

/* What a command is given: operands, and the value of the command before it in the pipeline. */
struct call {
	const struct value *dot;
	const struct node *node;   /* what a failure of the call is about */
	const struct node *first;  /* operands after the function; NULL: none */
	const struct value *final; /* NULL: none */
};

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

/* Does constant @n go into @param? NULL: yes; else what to say before and after it. */
static const char *literal_misfit(char param, const struct node *n)
{
	if (param == 's' && n->type != NODE_STRING)
		return "expected string; found %s";
	if (param == 'i' && (n->type != NODE_NUMBER || !n->number.is_int))
		return "expected integer; found %s";
	return param == 'l' ? "can't handle %s for arg of type []string" : NULL;
}

static int fail_literal(struct exec *x, const struct node *n, const char *message)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(TEMPLATE_TEXT_MAX);
	int head = (int)strcspn(message, "%");
	template_node_print(n, &text);
	return template_exec_fail(x, EINVAL, "%.*s%s%s", head, message, strbuf_text(&text),
				  message + head + 2);
}

/* A constant, of the type that the parameter asks for. */
static int eval_literal(struct exec *x, char param, const struct node *n, struct value *ret)
{
	const char *misfit = literal_misfit(param, n);
	if (misfit)
		return fail_literal(x, n, misfit);
	if (n->type == NODE_STRING)
		*ret = value_string(n->text);
	else if (n->type == NODE_BOOL)
		*ret = value_bool(n->truth);
	else if (param != 'i' && (n->number.prefers_float || !n->number.is_int))
		*ret = (struct value){.kind = VALUE_FLOAT, .real = n->number.real};
	else
		*ret = value_int(n->number.integer);
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
	int r = template_exec_step(x);
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
	const struct variable *var = template_exec_var(x, n->text);
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
		return r ? r : template_eval_pipe(x, c->dot, n, ret);
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
	int r = template_exec_step(x);
	return r ? r : eval_operand(x, n, &c, ret);
}

int template_eval_pipe(struct exec *x, const struct value *dot, const struct node *n,
		       struct value *ret)
{
	struct value v = {0}, final;
	x->at = n;
	for (const struct node *c = n->first; c; c = c->next) {
		final = v;
		int r = eval_command(x, dot, c, c == n->first ? NULL : &final, &v);
		if (r)
			return r;
		value_unbox(&v);
	}
	for (size_t i = 0; i < n->name_count; i++) {
		int r = n->assign ? template_exec_assign(x, n->names[i], &v)
				  : template_exec_declare(x, n->names[i], &v);
		if (r)
			return r;
	}
	*ret = v;
	return 0;
}
