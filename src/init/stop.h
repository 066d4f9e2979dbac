/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stop: a grace time for every process, then SIGKILL for those who remain.
 */
#ifndef HULL_INIT_STOP_H
#define HULL_INIT_STOP_H

#include "init.h"
#include "signals.h"

/* A stop signal was taken and sent as sent to scope. Begins the grace time if we wait for all. */
void stop_begin(struct init *init, const struct signal_event *event, int sent,
		enum init_scope scope);

/*
 * The main process ended: tell those who remain, and begin the grace time if none is running.
 * childless: we have no child any more.
 */
void stop_main_ended(struct init *init, bool childless);

/* Take the step that is due, if one is: SIGKILL at the end of the grace time, then give up. */
void stop_step(struct init *init);

/*
 * As PID 1, when no child is left: whether a process that entered the namespace from outside may
 * still be finishing, that is, does not ignore what it was told.
 */
bool stop_outsiders_left(struct init *init);

/* When supervise() has to look again, as signal_wait() takes it. */
int64_t stop_next_look(const struct init *init);

#endif
