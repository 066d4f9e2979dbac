/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629): one character read or written, and counting them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { UTF8_BROKEN = 0xFFFD, UTF8_MAX = 4 };

/**
 * The character at the front of @s, which has at least one byte. Returns its width in bytes. A byte
 * that begins no well-formed character (overlong, surrogate, cut off) has width 1 and is
 * UTF8_BROKEN; U+FFFD itself has width 3.
 */
size_t utf8_decode(const char *s, size_t len, uint32_t *ret);
/** Write @c to @out, which has room for UTF8_MAX bytes; what is no character becomes U+FFFD. */
size_t utf8_encode(uint32_t c, char *out);
/** How many characters; each broken byte counts as one. */
size_t utf8_count(const char *s, size_t len);
/** -EINVAL, and the string that is not UTF-8 in @e, if @json holds one: the store could not read
 *  back what it was given. */
int utf8_check_json(const char *json, struct err *e);
/** A question mark for each byte that is none: JSON must be UTF-8, and what others say need not be.
 */
void utf8_repair(char *text);
