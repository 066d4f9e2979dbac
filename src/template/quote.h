/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's quoted strings and characters, read and written.
 * Source: Go language specification, "String literals" and "Rune literals"; strconv.Quote.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/** Append @s as a Go literal; @quote is '"', or '\'' for one character. */
void template_quote(struct strbuf *out, const char *s, size_t len, char quote);
/** May stand in a quoted string as it is. Beyond ASCII all is taken as printable but for the usual
 *  invisible ones: hull carries no Unicode tables. */
bool template_printable(uint32_t c);
/** Read a literal with its quotes ("..", `..`, '.') and append its value. False: invalid syntax. */
bool template_unquote(struct strbuf *out, const char *literal, size_t len);
