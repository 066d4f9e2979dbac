/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controlling terminal and who is in its foreground.
 */
#ifndef HULL_INIT_TERMINAL_H
#define HULL_INIT_TERMINAL_H

/* The first of standard input, output and error that is our controlling terminal, or -1. */
int terminal_find(void);

/*
 * Let process group "to" have the foreground if group "from" has it; nothing otherwise, so that a
 * program started in the background stays there. terminal may be -1.
 */
void terminal_hand_over(int terminal, int from, int to);

/*
 * Give the controlling terminal up, so that the main process's new session can take it. Call
 * before signals_take(), see there for why.
 */
void terminal_let_go(void);

/* As the leader of a new session: take standard input as controlling terminal if it is one. */
void terminal_take(void);

#endif
