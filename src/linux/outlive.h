/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program's last deed, for which nobody need wait: its process ends, and another one that has its
 * memory and copies of its descriptors does it.
 */
#pragma once

#include <stddef.h>

enum { OUTLIVE_KEEP_MAX = 4 };

/** End this program with @code, without what exit(3) does besides; @deed(@arg) is done by a process
 *  of its own session named @name, or by this one if there can be none. Of the descriptors those of
 * @keep stay (@count, at most OUTLIVE_KEEP_MAX; -1: none): whoever reads our output to its end, or
 * wants a lock that we hold, does not wait. */
_Noreturn void outlive(int code, const char *name, const int *keep, size_t count,
		       void (*deed)(void *arg), void *arg);
