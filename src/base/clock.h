/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. Waiting and measuring use CLOCK_BOOTTIME only, so a jump of the wall clock changes no
 * timeout; CLOCK_REALTIME is for time stamps that people read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { TIME_TEXT_SIZE = 40 };

/** Milliseconds since boot, suspended time included. */
int64_t clock_ms(void);
/** Nanoseconds since 1970, UTC. */
int64_t clock_real_ns(void);
/** When this machine was started, of that clock. */
int64_t clock_boot_ns(void);
/** RFC 3339 with nanoseconds as Go writes it ("2026-11-22T02:46:52.123456789Z", trailing zeros of
 *  the fraction removed); 0 becomes docker's zero time "0001-01-01T00:00:00Z". */
char *time_format(int64_t real_ns, char buf[static TIME_TEXT_SIZE]);
/** Inverse of time_format, with any zone offset. 0 or -EINVAL. */
int time_parse(const char *text, int64_t *ret_real_ns);
/** "2 hours", "About a minute", "Less than a second": docker's units.HumanDuration. */
char *duration_human(int64_t ns, char buf[static TIME_TEXT_SIZE]);
/** Go's duration syntax "1m30s", "500ms", "1.5h". 0 or -EINVAL. */
int duration_parse(const char *text, int64_t *ret_ns);
