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

static int64_t waited_of(pid_t pid)
{
	char path[40], text[96];
	struct dirent *entry;
	uint64_t tid;
	long long waited;
	int64_t sum = 0;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	CLEANUP_DIR DIR *d = opendir(path);
	while (d && (entry = dir_next(d))) {
		if (uint_parse(entry->d_name, INT32_MAX, &tid) < 0)
			continue;
		snprintf(path, sizeof(path), "%d/schedstat", (int)tid);
		if (file_read_small(dirfd(d), path, text, sizeof(text)) > 0 &&
		    sscanf(text, "%*u %lld", &waited) == 1)
			sum += waited;
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
		struct wait *w = &ret->list[ret->count++];
		*w = (struct wait){all.list[i].pid, process_label(&all.list[i], a),
				   waited_of(all.list[i].pid)};
		ret->sum += w->ns;
	}
	return 0;
}

static int by_wait(const void *x, const void *y)
{
	const struct wait *one = x, *two = y;
	return (one->ns < two->ns) - (one->ns > two->ns);
}

/* What each waited since @before, the longest first. */
static void subtract(struct waits *now, const struct waits *before)
{
	for (size_t i = 0; i < now->count; i++)
		for (size_t k = 0; k < before->count; k++)
			if (before->list[k].pid == now->list[i].pid)
				now->list[i].ns -= before->list[k].ns;
	qsort(now->list, now->count, sizeof(*now->list), by_wait);
}

void waits_tell(const struct waits *before, struct waits *now, int64_t ms, struct story *s)
{
	struct arena *a = s->a;
	char *most = "";
	const int64_t sum = now->sum;
	subtract(now, before);
	for (size_t i = 0; i < now->count && i < NAMED; i++)
		if (ms > 0 && now->list[i].ns / 10000 >= ms) /* a per cent */
			most = arena_printf(a, "%s%s %s %lld %%", most, *most ? "," : "; now",
					    now->list[i].label,
					    (long long)(now->list[i].ns / 10000 / ms));
	story_evidence(s, "waited",
		       "%.3f s ready to run, while others ran or its quota was used up: its "
		       "processes that live%s",
		       (double)sum / 1e9, most);
}
