/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of hull-init: one struct on the stack of init_main(), handed to whoever needs it.
 */
#ifndef HULL_INIT_INIT_H
#define HULL_INIT_INIT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

/* The exit codes of a shell, and docker's for "it was not the command that failed". */
#define INIT_EXIT_FAILED 125
#define INIT_EXIT_NOT_EXECUTABLE 126
#define INIT_EXIT_NOT_FOUND 127
#define INIT_EXIT_SIGNAL 128 /* plus its number */

struct init {
	struct options options;
	char **envp;
	int self; /* our process id */
	int main; /* the main process's */
	bool main_ended;
	int main_status; /* as wait(2) gives it; if main_ended */
	int terminal;    /* descriptor of the controlling terminal, or -1: tty.c */
	int32_t reaped;  /* orphans, that is, without the main process */

	/* The stop: stop.c. */
	bool stopping;
	bool killed;           /* the grace time is over, SIGKILL was sent */
	bool given_up;         /* not even that ended all of them in time */
	int64_t deadline;      /* when the next step is due, CLOCK_MONOTONIC ns; -1 never */
	int64_t last_deadline; /* after SIGKILL: when to give up */
	uint64_t told;         /* set of stop signals that went to all */
	bool outsiders;        /* no child left, but some who came from outside: stop.c */
};

static inline bool init_is_pid_one(const struct init *init)
{
	return init->self == 1;
}

#endif
