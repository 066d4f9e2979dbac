/* SPDX-License-Identifier: Apache-2.0 */
/* What an update changes of a running container besides its control group. Inner header of the
 * engine. */
#pragma once

#include "engine/internal.h"
#include "linux/cgroup.h"

/** Give /dev/shm of the running container @from the size of @to. -ENOTSUP where it is not its own,
 * -EINVAL when more than that is in it. */
int update_shm(struct engine *en, const struct container *from, const struct container *to,
	       struct arena *a, struct err *e);
/** Give all processes of the running container @from the resource limits of @to that @from has not.
 */
int update_ulimits(struct engine *en, const struct container *from, const struct container *to,
		   struct arena *a, struct err *e);
