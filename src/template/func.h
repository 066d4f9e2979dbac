/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that a template may call: Go's and docker's. */
#pragma once

#include "template/exec.h"

enum func_logic { FUNC_PLAIN, FUNC_AND, FUNC_OR };

/**
 * @params: one letter per parameter, 's' string, 'i' int, 'l' []string, 'v' any; a final '*': the
 * letter before it zero or more times. @header_params: the parameters when a table's header is
 * made, where the first argument comes back as it is; NULL: no difference.
 * @call: fills *@ret, or template_exec_reason(). FUNC_AND and FUNC_OR are done by the evaluator,
 * because they evaluate no more arguments than they need.
 */
struct template_func {
	const char *name;
	const char *params;
	const char *header_params;
	enum func_logic logic;
	int (*call)(struct exec *x, const struct value *args, size_t count, struct value *ret);
};

/** NULL when there is no such function. */
const struct template_func *template_func_find(struct span name);
