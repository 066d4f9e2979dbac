/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluating pipelines: operands, fields, methods and function calls.
 * Rests on the documentation of Go's text/template ("Arguments", "Pipelines").
 * Invariant: `at` is the node that Go would blame for a failure; recursion is bounded by the
 * nesting of the template. Read exec.h first.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "template/exec.h"

/* What a command is given: operands, and the value of the command before it in the pipeline. */
struct call {
	const struct value *dot;
	const struct node *node;   /* what a failure of the call is about */
	const struct node *first;  /* operands after the function; NULL: none */
	const struct value *final; /* NULL: none */
};

static int eval_operand(struct exec *x, const struct node *n, const struct call *c,
			struct value *ret);

/* --- arguments --- */

static const char *param_name(char param)
{
	return param == 's' ? "string" : param == 'i' ? "int" : "[]string";
}

/* May @v be given for @param? Nothing at all is an empty list, too. */
static bool fits(char param, struct value *v)
{
	if (param == 'l' && value_is_nothing(v))
		*v = (struct value){.kind = VALUE_LIST};
	return param == 's'   ? v->kind == VALUE_STRING
	       : param == 'i' ? v->kind == VALUE_INT
	       : param == 'l' ? value_is_string_list(v)
			      : true;
}

static int check_type(struct exec *x, char param, struct value *v)
{
	if (fits(param, v))
		return 0;
	if (value_is_nothing(v))
		return template_exec_fail(x, EINVAL, "invalid value; expected %s",
					  param_name(param));
	return template_exec_fail(
		x, EINVAL, "wrong type for value; expected %s; got %s", param_name(param),
		v->kind == VALUE_NIL ? value_static_type_name(v) : value_type_name(v));
}

/* An operand in the place of an argument. */
static int eval_arg(struct exec *x, const struct value *dot, char param, const struct node *n,
		    struct value *ret)
{
	struct call bare = {.dot = dot, .node = n};
	int r = template_exec_step(x);
	x->at = n;
	if (r)
		return r;
	if (n->type != NODE_CONST) {
		r = eval_operand(x, n, &bare, ret);
		return r ? r : check_type(x, param, ret);
	}
	*ret = n->value;
	if (!fits(param, ret))
		return template_exec_fail(x, EINVAL, "expected %s; found %.*s", param_name(param),
					  (int)n->source.len, n->source.s);
	return 0;
}

/* --- calls --- */

static size_t call_count(const struct call *c)
{
	size_t count = c->final != NULL;
	for (const struct node *n = c->first; n; n = n->next)
		count++;
	return count;
}

/* "vv*" is one or more. */
static int check_count(struct exec *x, const struct call *c, const char *name, const char *params)
{
	size_t count = call_count(c), want = strlen(params);
	bool more = want && params[want - 1] == '*';
	want -= more ? 2 : 0;
	if (more ? count >= want : count == want)
		return 0;
	return template_exec_fail(x, EINVAL, "wrong number of args for %s: want %s%zu got %zu",
				  name, more ? "at least " : "", want,
				  count - (more && c->final != NULL));
}

static char param_at(const char *params, size_t i)
{
	size_t len = strlen(params);
	return len && params[len - 1] == '*' && i >= len - 2 ? params[len - 2] : params[i];
}

/* @args has room for call_count(). @params NULL: all is taken. */
static int eval_args(struct exec *x, const struct call *c, const char *params, struct value *args)
{
	size_t i = 0;
	for (const struct node *n = c->first; n; n = n->next, i++) {
		int r = eval_arg(x, c->dot, params ? param_at(params, i) : 'v', n, &args[i]);
		if (r)
			return r;
	}
	if (!c->final)
		return 0;
	args[i] = *c->final;
	return params ? check_type(x, param_at(params, i), &args[i]) : 0;
}

/* What is in `err` so far is only the reason. */
static int call_failed(struct exec *x, const struct call *c, const char *name)
{
	char reason[sizeof(x->err->text)];
	memcpy(reason, x->err->text, sizeof(reason));
	x->at = c->node;
	return template_exec_fail(x, x->err->number, "error calling %s: %s", name, reason);
}

/* and, or: no more arguments are evaluated than needed. */
static int eval_logic(struct exec *x, const struct template_func *f, const struct call *c,
		      struct value *ret)
{
	for (const struct node *n = c->first; n; n = n->next) {
		int r = eval_arg(x, c->dot, 'v', n, ret);
		if (r || value_truth(ret) == (bool)f->mode)
			return r;
	}
	if (c->final)
		*ret = *c->final;
	return 0;
}

static int eval_function(struct exec *x, const struct node *n, const struct call *c,
			 struct value *ret)
{
	const struct template_func *f = n->func;
	bool header = x->data->header && f->header;
	x->at = n;
	int r = check_count(x, c, n->name, f->params);
	if (r)
		return r;
	if (!f->call)
		return eval_logic(x, f, c, ret);
	size_t count = call_count(c);
	struct value *args = arena_array(&x->arena, count + 1, sizeof(*args));
	r = eval_args(x, c, header ? NULL : f->params, args);
	if (r)
		return r;
	if (header) {
		*ret = args[0];
		return 0;
	}
	const struct func_args a = {x, f->mode, args, count};
	return f->call(&a, ret) ? call_failed(x, c, n->name) : 0;
}

/* --- methods and fields --- */

static const struct template_method *method_find(const struct exec *x, const struct value *receiver,
						 const char *name)
{
	for (size_t i = 0; receiver->root && i < x->data->method_count; i++)
		if (!strcmp(x->data->methods[i].name, name))
			return &x->data->methods[i];
	return NULL;
}

static int eval_method(struct exec *x, const struct template_method *m, const struct call *c,
		       struct value *ret)
{
	CLEANUP_STRBUF struct strbuf answer = template_exec_buffer(x);
	struct value arg;
	int r = check_count(x, c, m->name, "s");
	if (!r)
		r = eval_args(x, c, "s", &arg);
	if (r)
		return r;
	const char *text = arena_strndup(&x->arena, arg.text.s, arg.text.len);
	r = m->call(x->data->method_ctx, text, &answer, x->err);
	if (!r)
		r = template_exec_keep(x, &answer, ret);
	return r ? call_failed(x, c, m->name) : 0;
}

/* A field of nothing, or a key that is not there. */
static int eval_missing(struct exec *x, const struct value *receiver, const char *name,
			struct value *ret)
{
	bool nothing = value_is_nothing(receiver);
	if (x->data->strict)
		return template_exec_fail(x, EINVAL, "%s no entry for key \"%s\"",
					  nothing ? "nil data;" : "map has", name);
	*ret = (struct value){0};
	return 0;
}

static int eval_field(struct exec *x, const struct value *receiver, const struct node *n,
		      const struct call *c, struct value *ret)
{
	const struct template_method *m = method_find(x, receiver, n->name);
	x->at = n;
	if (m)
		return eval_method(x, m, c, ret);
	if (value_is_nothing(receiver))
		return eval_missing(x, receiver, n->name, ret);
	if (receiver->kind == VALUE_NIL)
		return template_exec_fail(x, EINVAL, "nil pointer evaluating %s.%s",
					  value_static_type_name(receiver), n->name);
	if (call_count(c))
		return template_exec_fail(x, EINVAL, "%s is not a method but has arguments",
					  n->name);
	if (receiver->kind == VALUE_MAP && value_member(receiver, span_of(n->name), ret))
		return 0;
	if (receiver->kind == VALUE_MAP && !value_is_struct(receiver))
		return eval_missing(x, receiver, n->name, ret);
	return template_exec_fail(x, EINVAL, "can't evaluate field %s in type %s", n->name,
				  value_static_type_name(receiver));
}

/* --- operands, commands, pipelines --- */

/* All operands that take no arguments. */
static int eval_plain(struct exec *x, const struct node *n, const struct call *c, struct value *ret)
{
	x->at = n;
	if (call_count(c))
		return template_exec_fail(x, EINVAL, "can't give argument to non-function %.*s",
					  (int)n->source.len, n->source.s);
	switch (n->type) {
	case NODE_PIPE:
		return template_eval(x, c->dot, n, ret);
	case NODE_VARIABLE:
		*ret = template_exec_var(x, n->name)->value;
		return 0;
	case NODE_DOT:
		*ret = *c->dot;
		return 0;
	default:
		*ret = n->value;
		return n->value.kind == VALUE_NIL
			       ? template_exec_fail(x, EINVAL, "nil is not a command")
			       : 0;
	}
}

static int eval_operand(struct exec *x, const struct node *n, const struct call *c,
			struct value *ret)
{
	if (n->type == NODE_FUNCTION)
		return eval_function(x, n, c, ret);
	if (n->type != NODE_FIELD)
		return eval_plain(x, n, c, ret);
	struct value receiver = *c->dot;
	int r = n->first ? eval_arg(x, c->dot, 'v', n->first, &receiver) : 0;
	return r ? r : eval_field(x, &receiver, n, c, ret);
}

static int eval_command(struct exec *x, const struct value *dot, const struct node *command,
			const struct value *final, struct value *ret)
{
	const struct node *n = command->first;
	struct call c = {dot, n->type == NODE_FUNCTION ? command : n, n->next, final};
	int r = template_exec_step(x);
	if (!r)
		r = eval_operand(x, n, &c, ret);
	ret->boxed = false; /* Go unpacks an interface at the end of each command */
	return r;
}

int template_eval(struct exec *x, const struct value *dot, const struct node *n, struct value *ret)
{
	struct value v = {0}, final;
	int r = 0;
	x->at = n;
	for (const struct node *c = n->first; !r && c; c = c->next) {
		final = v;
		r = eval_command(x, dot, c, c == n->first ? NULL : &final, &v);
	}
	for (int i = 0; !r && i < n->var_count; i++) {
		if (n->assign)
			template_exec_var(x, n->vars[i])->value = v;
		else
			r = template_exec_declare(x, n->vars[i], &v);
	}
	*ret = v;
	return r;
}
