/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One execution of a template: the state that walking, evaluation and functions share.
 * Invariant: everything made on the way lives in `arena` or `owned` and ends with the execution.
 */
#pragma once

#include "base/arena.h"
#include "base/strbuf.h"
#include "template/parse.h"

struct variable {
	const char *name;
	struct value value;
};

struct exec {
	const struct template *t;
	const struct template_data *data;
	const struct definition *definition; /* the one being executed */
	const struct node *at;               /* the node that a failure is about */
	struct strbuf *out;
	struct arena arena;
	size_t scratch;            /* bytes taken from it */
	struct json_object *owned; /* an array of the JSON that functions made */
	struct variable vars[TEMPLATE_VARIABLES_MAX];
	size_t var_first, var_count; /* those that the definition may see */
	size_t steps;
	int calls, nesting;
	struct err *err;
};

/** Fill the error: where, in which template, at which node. Returns -@number. */
int template_exec_fail(struct exec *x, int number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));
/** Count a step; fails after TEMPLATE_STEPS_MAX. */
int template_exec_step(struct exec *x);
/** The variable that @name means here; the parser has seen to it that there is one. */
struct variable *template_exec_var(struct exec *x, const char *name);
int template_exec_declare(struct exec *x, const char *name, const struct value *v);

/** A buffer for a string that a function makes. */
struct strbuf template_exec_buffer(const struct exec *x);
/** Keep what @built holds for the rest of the execution, as a string value. The error says only
 *  what is wrong: the caller adds where. */
int template_exec_keep(struct exec *x, const struct strbuf *built, struct value *ret);

/** The value of pipeline @n where "." is @dot; declares or sets its variables.
 *  Errors: as template_execute(). */
int template_eval(struct exec *x, const struct value *dot, const struct node *n, struct value *ret);

/* --- the functions that a template may call: Go's and docker's --- */

struct func_args {
	struct exec *x;
	int mode; /* from the table: which of several that share a function */
	const struct value *v;
	size_t count;
};

/**
 * @params: one letter per parameter, 's' string, 'i' int, 'l' []string, 'v' any; a final '*': the
 * letter before it zero or more times. @header: when a table's header is made, the first argument
 * comes back as it is. @call: fills *@ret, or `x->err` with no more than the reason; NULL: "and",
 * "or", which the evaluator does and which end at the first argument whose truth is `mode`.
 */
struct template_func {
	const char *name;
	const char *params;
	bool header;
	int mode;
	int (*call)(const struct func_args *a, struct value *ret);
};

/** NULL when there is no such function. */
const struct template_func *template_func_find(const char *name);
