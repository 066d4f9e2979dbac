/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and numbers as people write them and as docker prints them; strict, overflow-checked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum { SIZE_TEXT_SIZE = 24 };

/** "64m", "1.5g", "512", "2GiB", "10kb": powers of 1024 as docker's RAMInBytes. 0 or -EINVAL,
 *  -ERANGE. Negative numbers are refused, except "-1" which gives -1 (unlimited). */
int size_parse(const char *text, int64_t *ret_bytes);
/** "1.23MB": powers of 1000 with 3 digits, as docker prints image sizes. */
char *size_human(int64_t bytes, char buf[static SIZE_TEXT_SIZE]);
/** "1.5GiB": powers of 1024 with 4 digits, as docker prints memory. */
char *size_binary(int64_t bytes, char buf[static SIZE_TEXT_SIZE]);
/** The same in @a; what is below 0 is 0. */
char *size_text(struct arena *a, int64_t bytes);
/** Decimal digits only, no sign, blank or prefix, at most @max. 0, -EINVAL or -ERANGE. */
int uint_parse(const char *text, uint64_t max, uint64_t *ret);
/** The same with an optional leading '-'. */
int int_parse(const char *text, int64_t min, int64_t max, int64_t *ret);
/** What Go's strconv.ParseBool takes: 1 t T true TRUE True, 0 f F false FALSE False. 0 or -EINVAL.
 */
int bool_parse(const char *text, bool *ret);
/** "0.5" CPUs to nano-CPUs (500000000), exact to nine digits. 0 or -EINVAL. */
int nano_parse(const char *text, int64_t *ret_nano);
