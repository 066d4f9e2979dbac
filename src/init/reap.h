/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reaping children: the main process, and the orphans we inherit.
 */
#ifndef HULL_INIT_REAP_H
#define HULL_INIT_REAP_H

#include "init.h"

enum reaped {
	REAPED_SOME, /* a full batch: there may be more */
	REAPED_ALL,  /* none is waiting to be reaped; some are alive */
	REAPED_LAST, /* there is no child left at all */
};

/* Reap at most one batch of children; note and report the end of the main process. */
enum reaped reap_children(struct init *init);

#endif
