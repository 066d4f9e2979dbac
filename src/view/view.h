/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container may use, in the words of the kernel's files about the machine: proc(5). The
 * limits are those of its control group and of all above it, as they are at each reading.
 */
#pragma once

#include "base/strbuf.h"
#include "linux/load_average.h"
#include "view/files.h"

struct view {
	const char *cgroup; /* as cgroup_open() takes it */
	double average[LOAD_AVERAGES];
};

/** Write what @file shows to @out. What cannot be read is the machine's. */
void view_print(const struct view *v, enum view_file file, struct strbuf *out);
/** Bring the load average on, every LOAD_AVERAGE_NS. */
void view_sample(struct view *v);

/* ---- the parts that know no kernel, for the tests ---- */

/** Bytes; @swap_total 0: it has none. */
struct view_memory {
	int64_t total, free, available, swap_total, swap_free;
	const struct kvs *raw; /* memory.stat of either version */
};
/** @host: the machine's file. */
void view_print_meminfo(const struct view_memory *m, const char *host, struct strbuf *out);
/** The first @count processors of @host, numbered from 0. */
void view_print_cpuinfo(const char *host, size_t count, struct strbuf *out);
/** @user, @kernel: used, in ticks; @since: ticks since the machine started. */
void view_print_stat(const char *host, size_t count, int64_t user, int64_t kernel, int64_t since,
		     struct strbuf *out);

/** Enter the cage. */
int view_confine(struct err *e);
