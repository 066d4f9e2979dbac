/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the tasks of a container were ready to run and did not: another one ran, or their quota
 * was used up. The second number of /proc/PID/task/TID/schedstat (sched-stats.rst), in nanoseconds;
 * of those that live, since each of them began.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "diagnose/processes.h"
#include "diagnose/usage.h"
#include "linux/process.h"

enum { NAMED = 3 };

/* -1: this kernel does not tell. */
static int64_t waited_of(pid_t pid)
{
	char path[40], text[96];
	struct dirent *entry;
	uint64_t tid;
	long long waited;
	int64_t sum = -1;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	CLEANUP_DIR DIR *d = opendir(path);
	while (d && (entry = dir_next(d))) {
		if (uint_parse(entry->d_name, INT32_MAX, &tid) < 0)
			continue;
		snprintf(path, sizeof(path), "%d/schedstat", (int)tid);
		if (file_read_small(dirfd(d), path, text, sizeof(text)) > 0 &&
		    sscanf(text, "%*u %lld", &waited) == 1)
			sum = (sum < 0 ? 0 : sum) + waited;
	}
	return sum;
}

int waits_read(const struct container *c, struct arena *a, struct waits *ret, struct err *e)
{
	struct processes all;
	int r = processes_read(c, a, &all, e);
	if (r < 0)
		return r;
	*ret = (struct waits){.list = arena_array(a, all.count + 1, sizeof(*ret->list))};
	for (size_t i = 0; i < all.count; i++) {
		const struct process *p = &all.list[i];
		ret->list[ret->count++] =
			(struct wait){p->pid, process_label(p, a), waited_of(p->pid), 0};
	}
	return 0;
}

static int by_wait(const void *x, const void *y)
{
	const struct wait *one = x, *two = y;
	return (one->since < two->since) - (one->since > two->since);
}

void waits_since(struct waits *now, const struct waits *before)
{
	for (size_t i = 0; i < now->count; i++) {
		struct wait *w = &now->list[i];
		w->since = w->ns;
		for (size_t k = 0; k < before->count; k++)
			if (before->list[k].pid == w->pid)
				w->since -= before->list[k].ns;
	}
	qsort(now->list, now->count, sizeof(*now->list), by_wait);
}

void waits_tell(const struct waits *w, int64_t ms, struct story *s)
{
	struct arena *a = s->a;
	char *most = "";
	int64_t sum = -1;
	for (size_t i = 0; i < w->count; i++) {
		const struct wait *p = &w->list[i];
		if (p->ns >= 0)
			sum = (sum < 0 ? 0 : sum) + p->ns;
		if (i < NAMED && ms > 0 && p->since / 10000 >= ms) /* a per cent */
			most = arena_printf(a, "%s%s %s %lld %%", most, *most ? "," : "; now",
					    p->label, (long long)(p->since / 10000 / ms));
	}
	if (sum >= 0)
		story_evidence(s, "waited",
			       "%.3f s ready to run, while others ran or its quota was used up: "
			       "its processes that live%s",
			       (double)sum / 1e9, most);
}
