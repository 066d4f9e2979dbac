/* SPDX-License-Identifier: Apache-2.0 */
/* Starting this program again, as the other of monitor and keeper; and its own start. */
#pragma once

#include <sys/types.h>

#include "base/wire.h"

struct start {
	int run_fd, keeper_fd;
	unsigned pass; /* bit n: descriptor n too, which lies at its number already */
};

/** Fork and execute this program under @name; pid, or negative errno. */
pid_t start_self(const char *name, const struct start *s);
