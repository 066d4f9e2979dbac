/* SPDX-License-Identifier: Apache-2.0 */
/* From tokens to nodes: recursive descent, as the grammar in Go's documentation reads. */
#pragma once

#include "base/err.h"
#include "template/node.h"

/** Parse @t->text into @t. Errors: -EINVAL, -E2BIG. */
int template_parse_text(struct template *t, struct err *e);
