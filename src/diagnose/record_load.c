/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load averages that the recorder keeps: every five seconds the tasks of each container that
 * run or could (R), or sleep uninterruptibly (D), are counted, as the kernel does it for the
 * machine (kernel/sched/loadavg.c), and in its way: the new average is the old one times e^(-5 s /
 * span), plus what is left to one of the count.
 */
#include "diagnose/record_load.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/stats.h"
#include "linux/process.h"

enum { TASKS_MAX = 10000, STEPS_MAX = 720 };
/* e^(-5/60), e^(-5/300), e^(-5/900) */
static const double keeps[] = {0.9200444146293233, 0.9834714538216175, 0.9944598480048967};

static int64_t count_load(const struct container *c, struct arena *a)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct container_stats_place place;
	struct err ignored;
	pid_t *tids;
	size_t count;
	int64_t load = 0;
	container_stats_place(c, &place);
	if (cgroup_open(place.path, &group, &ignored) < 0 ||
	    cgroup_tasks(&group, a, &tids, &count, &ignored) < 0)
		return -1;
	for (size_t i = 0; i < count && i < TASKS_MAX; i++) {
		const char state = process_state(tids[i]);
		load += state == 'R' || state == 'D';
	}
	return load;
}

/* Its place, or that of one that was not looked at for longest. */
static struct recorded_load *place_of(struct recorded_load *all, const char *id, int64_t now)
{
	struct recorded_load *oldest = all;
	for (size_t i = 0; i < RECORDED_LOADS; i++) {
		if (!strcmp(all[i].container, id))
			return &all[i];
		if (all[i].at_ns < oldest->at_ns)
			oldest = &all[i];
	}
	*oldest = (struct recorded_load){.since_ns = now, .at_ns = now};
	snprintf(oldest->container, sizeof(oldest->container), "%s", id);
	return oldest;
}

/* Who was not looked at in between had this load all the time, as far as is known. */
static void bring_on(struct recorded_load *l, int64_t load, int64_t now)
{
	const int64_t missed = (now - l->at_ns) / RECORD_LOAD_NS;
	int64_t steps = missed < 1 ? 1 : missed > STEPS_MAX ? STEPS_MAX : missed;
	for (; steps > 0; steps--)
		for (size_t i = 0; i < ARRAY_LEN(keeps); i++)
			l->average[i] = l->average[i] * keeps[i] + (double)load * (1 - keeps[i]);
	l->at_ns = now;
}

void record_load(struct engine *en, struct recorder_ring *ring)
{
	CLEANUP_ARENA struct arena a = {0};
	const struct container_filter running = {.configs = CONFIGS_ALL};
	struct container *list;
	size_t count = 0;
	struct err ignored;
	/* Opened anew: whoever keeps it open keeps its log from being brought in. */
	if (db_open(&en->db, en->root, &ignored) < 0)
		return;
	int r = container_list(en, &running, &a, &list, &count, &ignored);
	db_close(&en->db);
	for (size_t i = 0; r == 0 && i < count; i++) {
		const int64_t load = count_load(&list[i], &a), now = clock_real_ns();
		if (load >= 0)
			bring_on(place_of(recorder_loads(ring), list[i].id, now), load, now);
	}
}
