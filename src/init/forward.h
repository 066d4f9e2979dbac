/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passing signals on: rewriting, and to whom.
 */
#ifndef HULL_INIT_FORWARD_H
#define HULL_INIT_FORWARD_H

#include "init.h"
#include "signals.h"

/* deliver() where the kernel does not say how many processes were signalled. */
#define FORWARD_COUNT_UNKNOWN (-1)

/* What came of it: error is a positive errno or 0; count may be FORWARD_COUNT_UNKNOWN. */
struct delivery {
	int count;
	int error;
};

/* Send sig to everyone in scope. A scope without a living process gives error ESRCH. */
struct delivery forward_deliver(const struct init *init, enum init_scope scope, int sig);

/* Pass on a signal we took: rewrite, deliver, report, begin the stop if it asks for one. */
void forward_signal(struct init *init, const struct signal_event *event);

#endif
