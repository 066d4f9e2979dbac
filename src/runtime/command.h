/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the container's command in the container's PATH. See execvp(3). */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum { COMMAND_PATH_SIZE = 4096 };

/**
 * The path of @name as the calling process (with the user's rights, inside the container) would
 * execute it. A name with a slash is taken as it is. Errors speak as docker's do and are
 * ERR_NO_COMMAND or ERR_NOT_EXECUTABLE.
 */
int command_find(const char *name, const struct strv *env, char ret[static COMMAND_PATH_SIZE],
		 struct err *e);
/** Beyond finding: whether the kernel will take the file. For when another program (hull-init) is to
 *  execute it and could not report as well. 0 or negative errno. */
int command_check(const char *path, struct err *e);
