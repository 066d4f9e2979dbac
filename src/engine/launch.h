/* SPDX-License-Identifier: Apache-2.0 */
/* From a container's row to its running command. */
#pragma once

#include "engine/internal.h"
#include "engine/spec.h"
#include "engine/waiting.h"

/**
 * A container that was created in order to be started at once: its start needs neither to read nor
 * to plan again what its creation did. Lives in the arena that container_create was given.
 */
struct starting {
	struct container row;
	struct spec_build build;
	int lock_fd; /* of the container's folder; -1: taken over by the start */
};

/**
 * Start the first process of @c, whose row says `running` already, and whose lock the caller holds.
 * @planned: its spec_plan, or NULL: make one. @attach_fd: stream socket of a client that is served
 * from the first byte on, or -1; stays the caller's. @waiting: more such. @ret_end: gets a
 * connection to the monitor with monitor_wait_begin done, or -1; NULL if nobody waits. On failure
 * nothing runs, and @e says why; the control group and the run folder may still be there.
 */
int container_launch(struct engine *en, struct container *c, const struct spec_build *planned,
		     int attach_fd, const struct waiting_clients *waiting,
		     struct container_end *ret_end, struct err *e);
