/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that runs: where it lies, and that nobody in a container can write to it. What enters
 * a container as a copy of this process has /proc/PID/exe, and a command there that is a link to
 * /proc/self/exe is this program too (CVE-2019-5736). On a read-only mount it can be opened, but
 * not for writing. See open_tree(2), execveat(2).
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

/**
 * Go on as the same program from a read-only copy of its mount, unless it lies on one already: to
 * be called where somebody who may be hostile can be in the container before us, and before
 * anything is made. Does not return then; close-on-exec descriptors are gone. 0: this is it
 * already, or the caller has not the rights for it (nor his containers those to write to it).
 * @argv: as main has it.
 */
int own_program_protect(char *const argv[], struct err *e);
/** Its path, also after that. 0 or negative errno. */
int own_program_path(char *buf, size_t size);
