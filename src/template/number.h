/* SPDX-License-Identifier: Apache-2.0 */
/* Number literals of Go: 0x1F, 0b101, 0o17, 1_000, 1.5e3, 'x'. */
#pragma once

#include "template/node.h"

/** Read @text (@rune: a character literal). NULL, or why it is none: a message, in which %s stands
 *  for the quoted text. Imaginary numbers are refused. */
const char *template_number_parse(struct span text, bool rune, struct number *ret);
