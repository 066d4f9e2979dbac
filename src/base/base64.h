/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4). */
#pragma once

#include "base/arena.h"

char *base64_encode(const char *text, struct arena *a);
char *base64_encode_bytes(const void *bytes, size_t len, struct arena *a);
/** A text, with or without padding. NULL for what is none. */
char *base64_decode(const char *text, struct arena *a);
