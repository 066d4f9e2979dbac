/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking hold of all signals, and the one wait of hull-init.
 */
#ifndef HULL_INIT_SIGNALS_H
#define HULL_INIT_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* One signal that was taken from the kernel. */
struct signal_event {
	int signal;
	int sender;  /* process id, 0 if the kernel or outside the PID namespace */
	bool queued; /* sent by sigqueue(3): value counts */
	uint64_t value;
};

/*
 * Give every signal its default action and block all of them, so that none is lost: the kernel
 * throws away a signal whose default action would end PID 1, but keeps a blocked one (signal(7),
 * pid_namespaces(7)). Inherited ignored signals end here too.
 */
void signals_take(void);

/* In the main process, before execve: nothing is blocked any more. */
void signals_release(void);

/* Block every signal but sig (0: every one), whose default action can then befall us. */
void signals_allow(int sig);

/*
 * Wait for a signal until deadline (nanoseconds of CLOCK_MONOTONIC; -1: for ever; 0: only look).
 * Returns its number or 0 when there was none. This is the only place where hull-init waits.
 */
int signal_wait(struct signal_event *ret_event, int64_t deadline);

#endif
