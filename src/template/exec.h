/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One execution of a template: the state that evaluation and functions share.
 * Invariant: everything made on the way lives in `arena` or `objects` and ends with the execution.
 */
#pragma once

#include "base/arena.h"
#include "base/strbuf.h"
#include "template/template.h"
#include "template/node.h"
#include "template/value.h"

enum { EXEC_OUT_SIZE = 2048, EXEC_NESTING_MAX = 512 };

struct variable {
	struct span name;
	struct value value;
};

/* A JSON object that a method or function made. */
struct exec_object {
	struct json_object *json;
	struct exec_object *next;
};

struct exec {
	const struct template *t;
	const struct template_data *data;
	const struct definition *definition; /* the one being executed */
	const struct node *at;               /* the node that a failure is about */
	struct arena arena;
	size_t scratch; /* bytes taken from it */
	struct exec_object *objects;
	struct strbuf line; /* the value that is being printed */
	struct variable vars[TEMPLATE_VARIABLES_MAX];
	size_t var_first, var_count; /* those that the definition may see */
	size_t steps;
	int calls, nesting;
	char reason[640]; /* why a function failed */
	template_write_fn write;
	void *write_ctx;
	size_t written, output_max;
	size_t out_len;
	char out[EXEC_OUT_SIZE];
	struct err *err;
};

/** Fill the error: where, in which template, at which node. Returns -@number. */
int template_exec_fail(struct exec *x, int number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));
/** For functions: say why; the evaluator adds the name. Returns -EINVAL. */
int template_exec_reason(struct exec *x, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));
/** Keep what @built holds for the rest of the execution, as a string value. */
int template_exec_keep(struct exec *x, const struct strbuf *built, struct value *ret);
/** Keep @json (may be NULL) until the end of the execution; takes the reference. */
struct json_object *template_exec_own(struct exec *x, struct json_object *json);
/** A buffer for a string that a function makes. */
struct strbuf template_exec_buffer(const struct exec *x);

/** Count a step; fails after TEMPLATE_STEPS_MAX. */
int template_exec_step(struct exec *x);
/** The variable that @name means here, NULL when there is none. */
struct variable *template_exec_var(struct exec *x, struct span name);
int template_exec_declare(struct exec *x, struct span name, const struct value *v);
int template_exec_assign(struct exec *x, struct span name, const struct value *v);

/** Execute the main template. Called once. */
int template_exec_run(struct exec *x);
