/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs of the machine that do what the kernel has no call for (mkfs.ext4, apparmor_parser).
 * They are looked for where root's lie, whatever PATH says, and get no variables.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/** Its path to @path, if it is there. */
bool tool_find(const char *name, char *path, size_t size);
/** Run it in the folder @dirfd, and wait. Its exit code, or negative errno; if not 0, @e has what
 * it said, or, where it is not there, which @package has it. */
int tool_run(int dirfd, char *const *argv, const char *package, struct err *e);
