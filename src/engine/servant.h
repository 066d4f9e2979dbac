/* SPDX-License-Identifier: Apache-2.0 */
/* The programs beside hull that stay: each is started with what it needs, and found by what it
 * holds. */
#pragma once

#include "engine/internal.h"

enum { SERVANT_FDS_MAX = 16 };

/** Start @argv[0], which lies beside hull, in a session of its own, with no variables and with @fds
 * as descriptors 0 and up (-1: /dev/null) and no others. It is not waited for. */
int servant_start(struct engine *en, char *const argv[], const int *fds, size_t count,
		 struct err *e);
