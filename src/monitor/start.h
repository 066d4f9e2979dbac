/* SPDX-License-Identifier: Apache-2.0 */
/* One program, two lives: starting the other one. */
#pragma once

#include <sys/types.h>

#include "base/wire.h"

/** Remember our command line, for start_show(). First of all. */
void start_remember(int argc, char **argv);
/** Show as @name in `ps`. */
void start_show(const char *name);
/** Fork, and be @name in the child. @pair connects the two: the child's end comes to lie at
 *  MONITOR_KEEPER_FD there, the parent keeps the first. Pid, or negative errno: both are closed. */
pid_t start_other(const char *name, int pair[static 2], int (*life)(void));
