/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that runs: where it lies, and that nobody in a container can write to it. What enters
 * a container as a copy of this process has /proc/PID/exe, and a command there that is a link to
 * /proc/self/exe is this program too (CVE-2019-5736). On a read-only mount it can be opened, but
 * not for writing. See open_tree(2), execveat(2).
 *
 * A program that is linked with `-Wl,-e,own_program_entry` is protected before its libc begins,
 * where its arguments have one of its words: own_program_entry.c. own_program_protect() is for all
 * the rest.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

#define OWN_PROGRAM_LINK "/proc/self/exe"
/* The path, for what runs from a copy of a mount, which has none. It counts only if it leads to
 * this very file. */
#define OWN_PROGRAM_VARIABLE "HULL_OWN_PROGRAM"

/** The program's own: words of its arguments with which it enters a container, each with its NUL,
 * and one more. */
extern const char own_program_enters[];

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
/**
 * Execute @self, which is open, with these arguments from a read-only copy of its mount. Returns
 * only a negative errno: open_tree's, mount_setattr's or execveat's. It uses no libc.
 */
long own_program_again(int self, char *const argv[], char *const envp[]);
/** What own_program_entry calls with execve's stack. Returns if nothing is to be done, or could be.
 */
void own_program_begin(long *stack);
