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
/** An I/O weight of v1 and of bfq, 10 to 1000, to that of v2, 1 to 10000. */
int64_t cgroup_io_weight(int64_t weight);
/** Version 2 would take a memory limit below what is used, and kill: reclaim first, or -EBUSY. */
int cgroup_memory_shrink(const struct cgroup *g, const struct cgroup_limits *l, struct err *e);
/** If that is why the kernel said EBUSY, say it in figures. */
void cgroup_memory_busy(const struct cgroup *g, const struct cgroup_limits *l, struct err *e);
/** The limits that are lists; after the others. */
int cgroup_lists_apply(const struct cgroup *g, const struct cgroup_limits *l, struct err *e);
/** Whether this machine has them, and the controllers of the settings below. */
int cgroup_lists_possible(const struct cgroup_limits *l, struct err *e);
/** The settings that only v2 has, by the names of their files. */
int cgroup_unified_apply(const struct cgroup *g, const struct kvs *unified, struct err *e);
/** Write a file of the v2 group, handing its controller down first where it is not. */
int cgroup_v2_write(const struct cgroup *g, const char *file, const char *text);
/** The controller that a list is for. */
enum cgroup_controller cgroup_list_controller(enum cgroup_list_kind kind);
