/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: checking them, and writing them to the files of a group. Inner header of cgroup*.c;
 * cgroup_limits_check() is in cgroup.h. */
#pragma once

#include "linux/cgroup_host.h"

/** v1's cpu.shares (2..262144) to v2's cpu.weight (1..10000); 1024 becomes 100. */
int64_t cgroup_weight_from_shares(int64_t shares);
/** Write what is set in @l to the group's files. Order does not matter to the caller: limits that
 *  bound each other (memory and memory+swap, quota and period) may all rise or all fall. */
int cgroup_limits_apply(const struct cgroup *g, const struct cgroup_limits *l, struct err *e);
