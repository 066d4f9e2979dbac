/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load average of a control group: its tasks that run or could (R), or sleep uninterruptibly
 * (D), counted every five seconds as the kernel does it for the machine, and in its way: the new
 * average is the old one times e^(-5 s / span), plus what is left to one of the count. See
 * kernel/sched/loadavg.c, proc(5), /proc/loadavg.
 */
#pragma once

#include "base/arena.h"
#include "linux/cgroup.h"

#define LOAD_AVERAGE_NS INT64_C(5000000000)
enum { LOAD_AVERAGES = 3 }; /* over 1, 5, 15 minutes */

/** The tasks of @g that count, now, of how many in @ret_tasks; or negative errno. */
int64_t load_count(const struct cgroup *g, struct arena *a, size_t *ret_tasks);
/** Bring @average on by @steps of LOAD_AVERAGE_NS in which the count was @load. */
void load_average_step(double average[LOAD_AVERAGES], int64_t load, int64_t steps);
