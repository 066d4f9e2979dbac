/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random identifiers: 32 bytes of getrandom(2) as 64 lower-case hexadecimal digits. And small
 * numbers that stand for something: FNV-1a (RFC 9923).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ID_LEN = 64, ID_SHORT_LEN = 12 };

/** A new id. Redrawn while its first 12 digits are all decimal, as docker does, so that a short id
 *  is never taken for a number. */
void id_new(char buf[static ID_LEN + 1]);
/** True for @len (1 to 64) lower-case hexadecimal digits. */
bool id_is_hex(const char *text, size_t len);
/** Begin with HASH_BEGIN, and go on with what comes back. */
#define HASH_BEGIN UINT32_C(2166136261)
uint32_t hash_add(uint32_t hash, const void *data, size_t len);
void hex_encode(const void *data, size_t len, char *out);
