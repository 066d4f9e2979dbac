/* SPDX-License-Identifier: Apache-2.0 */
/* The load averages that the recorder keeps of each container: linux/load_average.h. */
#include "diagnose/record_load.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/stats.h"
#include "linux/load_average.h"

enum { STEPS_MAX = 720 };

static int64_t count_load(const struct container *c, struct arena *a)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct container_stats_place place;
	size_t tasks;
	container_stats_place(c, &place);
	return cgroup_open(place.path, &group, ERR_IGNORED) < 0 ? -1
								: load_count(&group, a, &tasks);
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
	const int64_t missed = (now - l->at_ns) / LOAD_AVERAGE_NS;
	load_average_step(l->average, load,
			  missed < 1           ? 1
			  : missed > STEPS_MAX ? STEPS_MAX
					       : missed);
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
