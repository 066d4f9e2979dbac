/* SPDX-License-Identifier: Apache-2.0 */
/* What few specs set of a process: scheduler, ioPriority, execCPUAffinity, personality,
 * memoryPolicy (config.md, config-linux.md). Each is checked before anything is made. */
#pragma once

#include "linux/mempolicy.h"
#include "linux/scheduling.h"
#include "spec/oci.h"

struct tuning {
	struct scheduling *scheduling;
	struct mempolicy *memory;
	int io_class, io_level; /* class 0: not set */
	int64_t personality;    /* -1: not set */
};

/** @l is the container's, or NULL; allocates in @a. */
int tuning_plan(const struct oci_process *p, const struct oci_linux *l, struct arena *a,
		struct tuning *ret, struct err *e);
/** For the calling process, while it still has the rights of its creator. */
int tuning_apply(const struct tuning *t, struct err *e);
