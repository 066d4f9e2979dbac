/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of which ABI the system calls of a control group are: a call's number does not say it, and the
 * same number means another call in the ABI of 32 bits. The kernel's stack at its end does.
 */
#pragma once

#include "linux/kernel_symbols.h"
#include "linux/tracepoint.h"
#include "linux/usage_probe.h"

enum { ABI_NATIVE = 1, ABI_32BIT = 2, ABI_NATIVE_FAILED = 4, ABI_32BIT_FAILED = 8 };

struct call_abis {
	struct kernel_symbols entries; /* where those of 32 bits come in */
	uint8_t seen[USAGE_CALLS];     /* by number, of those above */
	bool any_32bit;
};

/** Record the ends of calls in the group @scope, with @only_failed of those that failed, in @t,
 *  which is closed. Where the kernel hides its addresses all are taken for native; where it cannot
 *  be recorded, none is seen. */
void call_abis_open(struct call_abis *abis, struct trace *t, int scope, bool only_failed,
		    struct arena *a);
/** Take what was recorded so far. */
void call_abis_take(struct call_abis *abis, struct trace *t);
