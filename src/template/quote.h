/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's quoted strings and characters, read and written, and the UTF-8 below them.
 * Source: Go language specification, "String literals" and "Rune literals"; strconv.Quote.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "template/lex.h"

enum { RUNE_ERROR = 0xFFFD };

/** Decode the first rune of @s (at least one byte). Broken UTF-8 is RUNE_ERROR of width 1. */
uint32_t template_rune(struct span s, size_t *ret_width);
/** Append @rune as UTF-8; one that cannot exist becomes U+FFFD. */
void template_rune_put(struct strbuf *out, uint32_t rune);
size_t template_rune_count(struct span s);
/** May stand in a quoted string as it is. Characters beyond ASCII are taken as printable but for
 *  the usual invisible ones: hull carries no Unicode tables. */
bool template_rune_printable(uint32_t rune);

/** Append @s as a Go string literal. @ascii escapes all beyond ASCII (%+q). */
void template_quote(struct strbuf *out, struct span s, bool ascii);
/** Append @rune as a Go character literal. */
void template_quote_rune(struct strbuf *out, uint32_t rune, bool ascii);
/** Append @rune as "U+002B '+'". */
void template_quote_unicode(struct strbuf *out, uint32_t rune, bool with_character);

/** Read a literal with its quotes ("..", `..`) and append its value. False: invalid syntax. */
bool template_unquote(struct span literal, struct strbuf *out);
/** Read the first character of a literal '.'. @ret_rest: how many bytes follow it before the
 *  closing quote; a proper literal has none. False: invalid syntax. */
bool template_unquote_rune(struct span literal, uint32_t *ret_rune, size_t *ret_rest);
