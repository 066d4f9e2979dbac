/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the container's command in the container's PATH. See execvp(3). */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

enum { COMMAND_PATH_SIZE = 4096 };

/** The engine's own program, by inode: a container must not execute it (CVE-2019-5736). */
struct command_self {
	dev_t dev;
	ino_t ino; /* 0: unknown */
};
/** Read it from the host's /proc, before the container's root is entered. */
void command_self_read(struct command_self *ret);

/**
 * The path of @name as the calling process (with the user's rights, inside the container) would
 * execute it. A name with a slash is taken as it is. Errors speak as docker's do and are
 * ERR_NO_COMMAND or ERR_NOT_EXECUTABLE.
 */
int command_find(const char *name, const struct strv *env, const struct command_self *self,
		 char ret[static COMMAND_PATH_SIZE], struct err *e);
/** Beyond finding: whether the kernel will take the file. For when another program (hull-init) is
 * to execute it and could not report as well. 0 or negative errno. */
int command_check(const char *path, struct err *e);
