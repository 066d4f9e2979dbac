/* SPDX-License-Identifier: Apache-2.0 */
/* What a control group has used so far, in the same terms on both versions. */
#pragma once

#include "base/arena.h"
#include "linux/cgroup.h"

struct cgroup_io_entry {
	int64_t major, minor;
	char *op; /* "Read", "Write", "Discard", on v1 "Sync", "Async" and "Total" as well */
	int64_t value;
};
struct cgroup_usage {
	int64_t limit, usage, max, failcnt; /* limit INT64_MAX: none */
};
/** Per cent of the last ten seconds in which some process waited for it, as the kernel prints it; ""
 *  where it does not. */
struct cgroup_pressure {
	char cpu[8], memory[8], io[8];
};
struct cgroup_stats {
	struct {
		int64_t total, user, kernel; /* nanoseconds */
		struct array percpu;         /* of int64_t; v1 only */
		int64_t periods, throttled_periods, throttled_time;
	} cpu;
	struct {
		int64_t cache;
		struct cgroup_usage usage, swap, kernel; /* swap on v1: memory and swap */
		struct kvs raw;                          /* memory.stat */
	} memory;
	struct {
		int64_t current, limit; /* 0: none */
	} pids;
	struct array io_bytes, io_operations; /* of struct cgroup_io_entry */
	struct cgroup_pressure pressure;
};

/** The number behind @key at the beginning of a line; -EOPNOTSUPP if there is none. */
int64_t cgroup_keyed(const char *text, const char *key);
/** Read all; what a hierarchy lacks stays 0. Allocates in @a. @brief: only what the table of
 * `stats` shows, at half the cost, which is that of opening files: no percpu, swap, peaks,
 * operations. */
void cgroup_stats_read(const struct cgroup *g, bool brief, struct arena *a,
		       struct cgroup_stats *ret);
