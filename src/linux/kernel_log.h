/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's log, as /dev/kmsg has it (Documentation/ABI/testing/dev-kmsg): who may not read it
 * (no CAP_SYSLOG) finds nothing there. */
#pragma once

#include <stdint.h>

/** A record of the kernel's own in @record, "6,1234,987654321,-;text" and lines of keys: its text;
 *  NULL where a program wrote it. It ends at the first newline. */
const char *kernel_log_text(const char *record);
/** All records since @since_ns (CLOCK_REALTIME), and some before it: the log's clock is its own.
 *  Since when none is missing, INT64_MAX: where it cannot be read. */
int64_t kernel_log_read(int64_t since_ns, void (*take)(const char *record, void *ctx), void *ctx);
