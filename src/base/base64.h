/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of texts (RFC 4648, section 4). */
#pragma once

#include "base/arena.h"

char *base64_encode(const char *text, struct arena *a);
/** With or without padding. NULL for what is none. */
char *base64_decode(const char *text, struct arena *a);
