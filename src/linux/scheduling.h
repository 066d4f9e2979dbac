/* SPDX-License-Identifier: Apache-2.0 */
/* How the kernel schedules a process: policy, I/O priority, CPUs. See sched(7), sched_setattr(2),
 * ioprio_set(2), sched_setaffinity(2). All are of the calling process, and inherited. */
#pragma once

#include <stdint.h>

struct scheduling {
	uint32_t policy; /* SCHED_* */
	uint64_t flags;  /* SCHED_FLAG_* */
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* nanoseconds */
};

/** "SCHED_FIFO" to its number, "SCHED_FLAG_RECLAIM" to its bit; -EINVAL: there is none. */
int scheduling_policy(const char *name);
int scheduling_flag(const char *name);
int scheduling_set(const struct scheduling *s);
/** "IOPRIO_CLASS_BE" to its number; -EINVAL: there is none. */
int io_priority_class(const char *name);
int io_priority_set(int class, int level);
/** CPUs as a list, "0-3,7". -EINVAL: it is none, or none of them can be used. */
int cpu_affinity_set(const char *list);
