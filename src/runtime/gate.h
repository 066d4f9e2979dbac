/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a created container waits for its start: a listening socket that its first process holds,
 * in a folder of the runtime's. Whoever may enter the folder may start the container.
 *
 * execve closes the socket, so the socket itself tells a created container from a running one, and
 * whoever was killed between the start and a note of it has falsified nothing.
 */
#pragma once

#include "base/err.h"

/** Make the socket @name below @dirfd; a descriptor or negative errno with @e. */
int gate_listen(int dirfd, const char *name, struct err *e);
/** In the container: wait, and return the connection of the process that says go. */
int gate_wait(int listener);
/** A connection to a container that waits; -ENOENT or -ECONNREFUSED when none does. */
int gate_connect(int dirfd, const char *name);
/** Let it execute its command, and wait until it has; else the child's own words in @e. */
int gate_open(int connection, struct err *e);
