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
/** Per cent of the last ten seconds in which some process waited for it, as the kernel prints it;
 * "" where it does not. */
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
		int64_t cache;                           /* of this group alone on v1 */
		int64_t anon, file, inactive_file;       /* with those below it */
		int64_t shmem, reclaimable;              /* page cache that has a file to go to */
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

/** The files of a group, open from the first reading on, since to open them costs more than to read
 * them. What is read by one such thing must be the same group, and as brief, each time. */
enum { CGROUP_STATS_FILES = 24 };
struct cgroup_stats_files {
	int fds[CGROUP_STATS_FILES];
	unsigned at;
	bool gone; /* the group was removed; there may be a new one of that name */
};
#define CGROUP_STATS_CLOSED                                                                        \
	{                                                                                          \
		.fds = { [0 ... CGROUP_STATS_FILES - 1] = -1 }                                     \
	}
void cgroup_stats_close(struct cgroup_stats_files *f);
/** Read all; what a hierarchy lacks stays 0. Allocates in @a. @brief: only what the table of
 * `stats` shows: no percpu, swap, peaks, operations, raw. */
void cgroup_stats_read(const struct cgroup *g, struct cgroup_stats_files *f, bool brief,
		       struct arena *a, struct cgroup_stats *ret);
