/* SPDX-License-Identifier: Apache-2.0 */
/* Read load_average.h first. */
#include "linux/load_average.h"

#include "linux/process.h"

enum { TASKS_MAX = 10000 };
/* e^(-5/60), e^(-5/300), e^(-5/900) */
static const double keeps[LOAD_AVERAGES] = {0.9200444146293233, 0.9834714538216175,
					    0.9944598480048967};

int64_t load_count(const struct cgroup *g, struct arena *a, size_t *ret_tasks)
{
	pid_t *tids;
	int64_t load = 0;
	int r = cgroup_tasks(g, a, &tids, ret_tasks, ERR_IGNORED);
	if (r < 0)
		return r;
	for (size_t i = 0; i < *ret_tasks && i < TASKS_MAX; i++) {
		const char state = process_state(tids[i]);
		load += state == 'R' || state == 'D';
	}
	return load;
}

void load_average_step(double average[LOAD_AVERAGES], int64_t load, int64_t steps)
{
	for (; steps > 0; steps--)
		for (size_t i = 0; i < LOAD_AVERAGES; i++)
			average[i] = average[i] * keeps[i] + (double)load * (1 - keeps[i]);
}
