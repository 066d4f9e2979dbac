/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's row to its running command. */
#pragma once

#include "engine/internal.h"

/**
 * Start the first process of @c, whose row says `running` already, and whose lock the caller holds.
 * @attach_fd: stream socket of a client that is served from the first byte on, or -1; stays the
 * caller's. On failure nothing runs, and @e says why; the control group and the run folder may
 * still be there.
 */
int container_launch(struct engine *en, struct container *c, int attach_fd, struct strv *warnings,
		     struct err *e);
