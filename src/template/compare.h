/* SPDX-License-Identifier: Apache-2.0 */
/* eq, ne, lt, le, gt, ge: template functions (see struct template_func). */
#pragma once

#include "template/exec.h"

int template_compare_eq(struct exec *x, const struct value *args, size_t count, struct value *ret);
int template_compare_ne(struct exec *x, const struct value *args, size_t count, struct value *ret);
int template_compare_lt(struct exec *x, const struct value *args, size_t count, struct value *ret);
int template_compare_le(struct exec *x, const struct value *args, size_t count, struct value *ret);
int template_compare_gt(struct exec *x, const struct value *args, size_t count, struct value *ret);
int template_compare_ge(struct exec *x, const struct value *args, size_t count, struct value *ret);
