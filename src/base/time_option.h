/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as --since and --until take them. */
#pragma once

#include <stdint.h>

#include "base/err.h"

/**
 * "10m" (before @now_ns), "2026-11-22T02:46:52.5Z" with any zone or none (local), the same cut off
 * after minutes or days, or seconds since 1970 with an optional fraction. Nanoseconds since 1970.
 */
int time_option_parse(const char *text, int64_t now_ns, int64_t *ret_ns, struct err *e);
