/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main process: from fork to the command's first instruction.
 */
#ifndef HULL_INIT_CHILD_H
#define HULL_INIT_CHILD_H

#include "init.h"

/*
 * Create the main process in a process group (or session) of its own, in the terminal's
 * foreground if we have that, with no signal blocked or ignored, and execute the command. A
 * command that cannot be executed ends the child with 126 or 127 and a message of its own.
 * Sets init->main. Returns 0 or a negative errno of clone(2): -EAGAIN, -ENOMEM.
 */
int child_start(struct init *init);

#endif
