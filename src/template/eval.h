/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluating the pipelines of a template. */
#pragma once

#include "template/exec.h"

/** The value of pipeline @n where "." is @dot; declares or sets its variables.
 *  Errors: as template_execute(). */
int template_eval_pipe(struct exec *x, const struct value *dot, const struct node *n,
		       struct value *ret);
