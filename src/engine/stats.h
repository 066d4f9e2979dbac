/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses, for `stats`: counters, of which two readings make a rate. */
#pragma once

#include "engine/engine.h"
#include "linux/cgroup_stats.h"

struct container_stats {
	bool runs;     /* else all is 0 */
	int64_t at_ms; /* of clock_ms() */
	int64_t cpu_ns, cpu_user_ns, cpu_kernel_ns, throttled_ns;
	int64_t memory;       /* docker's figure: without the inactive part of the page cache */
	int64_t memory_limit; /* its own, or the machine's */
	int64_t memory_anon, memory_file, memory_kernel;
	int64_t memory_needed, memory_reclaimable; /* the kernel can take it back at any time */
	int64_t periods, throttled_periods;        /* of its quota; in which that was used up */
	int64_t pids_limit;                        /* 0: none */
	int64_t net_in, net_out; /* bytes, all interfaces but lo; of the host's network none */
	int64_t io_read, io_written;
	int64_t pids;
	int64_t waiting, zombies; /* tasks in D, and those not waited for; -1: not known */
	struct cgroup_pressure pressure;
};
/** A network interface of its: bytes, packets, errors and dropped ones, in and out. */
struct container_interface {
	char name[16];
	int64_t in[4], out[4];
};
/** All that the kernel tells, for who wants it in the kernel's own terms. */
struct container_stats_whole {
	struct cgroup_stats group;
	struct container_interface *interfaces; /* without lo */
	size_t interface_count;
};

/** Where to look, with what is kept open there. */
struct container_stats_place {
	char path[256];   /* of its control group */
	bool has_network; /* of its own, and more than lo */
	bool has_tasks;   /* their states are read, too */
	struct cgroup group;
	struct cgroup_stats_files files;
};
/** @c as container_find() filled it. */
void container_stats_place(const struct container *c, struct container_stats_place *ret);
void container_stats_place_close(struct container_stats_place *place);
/** Its quota in processors; 0: none. */
double container_cpu_limit(const struct container *c);
/** @pid of the first process; 0: it does not run. */
void container_stats_read(struct container_stats_place *place, pid_t pid,
			  struct container_stats *ret);
/** The same with the rest, allocated in @a; always with the same @place. */
void container_stats_read_whole(struct container_stats_place *place, pid_t pid, struct arena *a,
				struct container_stats *ret, struct container_stats_whole *whole);
