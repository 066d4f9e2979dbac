/* SPDX-License-Identifier: Apache-2.0 */
/* Read cgroup_bound.h first. */
#include "linux/cgroup_bound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"

/* "9223372036854771712" of v1 and "max" of v2: none. */
#define V1_NONE (INT64_MAX / 4096 * 4096 - 4096 * 1024)

/* Microseconds in which the quota counts: a file of its own, or behind it in cpu.max. */
static int64_t period_of(const struct cgroup *g, const char *behind)
{
	char text[64];
	if (g->v1[CGROUP_CPU] < 0)
		return strtoll(behind, NULL, 10);
	return file_read_small(g->v1[CGROUP_CPU], "cpu.cfs_period_us", text, sizeof(text)) > 0
		       ? strtoll(text, NULL, 10)
		       : 0;
}

static bool read_own(const struct cgroup *g, const struct cgroup_bound *b, int64_t *ret)
{
	char text[64];
	uint64_t n;
	const int v1 = g->v1[b->controller];
	const char *file = v1 >= 0 ? b->v1 : b->v2;
	if (!file || file_read_small(v1 >= 0 ? v1 : g->v2, file, text, sizeof(text)) <= 0)
		return false;
	char *end = text + strcspn(text, " ");
	const int64_t period = b->quota ? period_of(g, *end ? end + 1 : end) : 1;
	*end = '\0';
	*ret = CGROUP_UNBOUND;
	if (uint_parse(text, INT64_MAX, &n) == 0 && (int64_t)n < V1_NONE && period > 0)
		*ret = b->quota ? (int64_t)n * 1000 / period : (int64_t)n;
	return true;
}

static bool consider(const char *path, const struct cgroup_bound *b, bool first,
		     struct cgroup_bounds *ret)
{
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	int64_t value;
	if (cgroup_open(path, &g, ERR_IGNORED) < 0 || !read_own(&g, b, &value))
		return false;
	if (first)
		ret->own = value;
	if (value < ret->least) {
		ret->least = value;
		snprintf(ret->where, sizeof(ret->where), "%s", path);
	}
	return true;
}

bool cgroup_bound_read(const char *path, const struct cgroup_bound *b, struct cgroup_bounds *ret)
{
	char at[sizeof(ret->where)];
	bool any = false;
	snprintf(at, sizeof(at), "%s", path);
	*ret = (struct cgroup_bounds){CGROUP_UNBOUND, CGROUP_UNBOUND, ""};
	for (char *end; (end = strrchr(at, '/')); *end = '\0')
		any |= consider(at, b, !any, ret);
	/* In a namespace the root is the group of whoever began it. */
	if (any)
		consider("/", b, false, ret);
	return any;
}
