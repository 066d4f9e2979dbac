/* SPDX-License-Identifier: Apache-2.0 */
/* Standing by a process in the foreground: its signals, its terminal, its end. */
#pragma once

#include "runtime/runtime.h"

/** Block the signals that are to be passed on. Before the process is made, lest one is lost. */
void supervise_begin(void);
/**
 * Pass signals on, and bytes between our terminal and @p's, until @p has ended; with @notify (a
 * socket, or -1) its readiness, too. Returns its exit code, 128 plus the signal that ended it, or
 * negative errno.
 */
int supervise(struct runtime_process *p, int notify, struct err *e);
