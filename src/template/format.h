/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as text, the way Go's package fmt writes them: what {{print}}, {{printf}} and a bare
 * action give. Not written: complex numbers, %b and %x of floats, Go syntax (%#v), the forms %#q,
 * %+q, "% x" and %#U.
 */
#pragma once

#include "base/arena.h"
#include "base/strbuf.h"
#include "template/value.h"

/** As fmt.Print: operands, with spaces between two that are both no strings; @line: as
 *  fmt.Println, with spaces between all, and a newline. */
void template_print(struct strbuf *out, struct arena *scratch, const struct value *v, size_t count,
		    bool line);
void template_printf(struct strbuf *out, struct arena *scratch, struct span format,
		     const struct value *v, size_t count);
