/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits: what was asked for, what stands in the kernel's file, and what is in force: the least of
 * the group and of all groups above it, for each of them counts what is below. Rests on cgroups(7).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "diagnose/usage.h"
#include "engine/stats.h"
#include "linux/rlimit.h"

/* "9223372036854771712" of v1 and "max" of v2: none. */
#define NONE INT64_MAX
#define V1_NONE (INT64_MAX / 4096 * 4096 - 4096 * 1024)

static const struct limit {
	const char *name;
	enum cgroup_controller controller;
	const char *v1, *v2;
	enum { BYTES, COUNT, MILLI_CPUS } unit;
} limits[] = {
	{"memory", CGROUP_MEMORY, "memory.limit_in_bytes", "memory.max", BYTES},
	{"memory and swap", CGROUP_MEMORY, "memory.memsw.limit_in_bytes", NULL, BYTES},
	{"swap", CGROUP_MEMORY, NULL, "memory.swap.max", BYTES},
	{"processors", CGROUP_CPU, "cpu.cfs_quota_us", "cpu.max", MILLI_CPUS},
	{"processes", CGROUP_PIDS, "pids.max", "pids.max", COUNT},
};

struct found {
	int64_t own, least;
	char *where; /* the group with the least */
};

static int64_t asked_for(const struct container *c, const struct limit *l)
{
	const struct docker_host_config *h = &c->config.host;
	if (l->controller == CGROUP_PIDS)
		return h->pids_limit.set ? h->pids_limit.value : 0;
	if (l->controller == CGROUP_CPU)
		return (int64_t)(container_cpu_limit(c) * 1000 + 0.5);
	if (!strcmp(l->name, "memory"))
		return h->memory;
	if (h->memory_swap <= 0)
		return 0;
	return l->v1 ? h->memory_swap : h->memory_swap - h->memory;
}

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

static bool read_limit(const struct cgroup *g, const struct limit *l, int64_t *ret)
{
	char text[64];
	uint64_t n;
	bool v1 = g->v1[l->controller] >= 0;
	const char *file = v1 ? l->v1 : l->v2;
	if (!file ||
	    file_read_small(v1 ? g->v1[l->controller] : g->v2, file, text, sizeof(text)) <= 0)
		return false;
	char *end = text + strcspn(text, " \n");
	const int64_t period = l->unit == MILLI_CPUS ? period_of(g, *end ? end + 1 : end) : 1;
	*end = '\0';
	*ret = NONE;
	if (uint_parse(text, INT64_MAX, &n) == 0 && (int64_t)n < V1_NONE && period > 0)
		*ret = l->unit == MILLI_CPUS ? (int64_t)n * 1000 / period : (int64_t)n;
	return true;
}

/* From the container's group up to the highest below the root. */
static bool follow(const char *path, const struct limit *l, struct arena *a, struct found *ret)
{
	char at[256];
	bool any = false;
	snprintf(at, sizeof(at), "%s", path);
	*ret = (struct found){NONE, NONE, NULL};
	for (char *slash; (slash = strrchr(at, '/')) && slash[1]; *slash = '\0') {
		CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
		struct err ignored;
		int64_t value;
		if (cgroup_open(at, &g, &ignored) < 0 || !read_limit(&g, l, &value))
			continue;
		if (!any)
			ret->own = value;
		any = true;
		if (value < ret->least) {
			ret->least = value;
			ret->where = arena_strdup(a, at);
		}
	}
	return any;
}

static char *amount(struct arena *a, const struct limit *l, int64_t n)
{
	if (n == NONE || n < 0)
		return "none";
	return l->unit == BYTES        ? size_text(a, n)
	       : l->unit == MILLI_CPUS ? arena_printf(a, "%g", (double)n / 1000)
				       : arena_printf(a, "%lld", (long long)n);
}

bool limit_above(const struct container *c, enum cgroup_controller controller, struct arena *a,
		 int64_t *ret, char **ret_group)
{
	struct container_stats_place place;
	struct found f;
	size_t i = 0;
	container_stats_place(c, &place);
	while (limits[i].controller != controller)
		i++;
	if (!follow(place.path, &limits[i], a, &f) || f.least >= f.own)
		return false;
	*ret = f.least;
	*ret_group = f.where;
	return true;
}

/* Which processors, of those that are there; the kernel tells what is in force. */
static void tell_cpuset(const struct container *c, const char *path, struct story *s)
{
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	struct err ignored;
	char text[256];
	const char *asked = c->config.host.cpuset_cpus;
	if (cgroup_open(path, &g, &ignored) < 0)
		return;
	const int v1 = g.v1[CGROUP_CPUSET];
	if (file_read_small(v1 >= 0 ? v1 : g.v2,
			    v1 >= 0 ? "cpuset.effective_cpus" : "cpuset.cpus.effective", text,
			    sizeof(text)) <= 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	story_evidence(s, "which processors", "asked for: %s; in force: %s",
		       asked && *asked ? asked : "nothing", text);
}

/* Of its first process now: it may have lowered them. */
static void tell_ulimits(const struct container *c, struct story *s)
{
	const struct docker_ulimit *asked = c->config.host.ulimits.items;
	struct arena *a = s->a;
	struct rlimit now;
	for (size_t i = 0; i < c->config.host.ulimits.count; i++) {
		const int number = rlimit_number(asked[i].name);
		if (number < 0 || prlimit(c->pid, (__rlimit_resource_t)number, NULL, &now) < 0)
			continue;
		const int64_t values[] = {asked[i].soft, asked[i].hard, (int64_t)now.rlim_cur,
					  (int64_t)now.rlim_max};
		char *text[ARRAY_LEN(values)];
		for (size_t k = 0; k < ARRAY_LEN(values); k++)
			text[k] = values[k] < 0 ? "unlimited"
						: arena_printf(a, "%lld", (long long)values[k]);
		story_evidence(s, arena_printf(a, "ulimit %s", asked[i].name),
			       "asked for: %s, at most %s; in force in its first process: %s, at "
			       "most %s",
			       text[0], text[1], text[2], text[3]);
	}
}

/* How often a process was refused, of this run. */
static int64_t refused(const char *path)
{
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	struct err ignored;
	return cgroup_open(path, &g, &ignored) == 0 ? cgroup_pids_refused(&g) : 0;
}

static void judge_processes(const struct container *c, const char *path, struct story *s)
{
	struct arena *a = s->a;
	const int64_t times = refused(path);
	struct found f;
	if (times <= 0)
		return;
	const bool known = follow(path, &limits[ARRAY_LEN(limits) - 1], a, &f) && f.least != NONE;
	char *text = arena_printf(a,
				  "it reached its limit on processes%s %lld time%s since it was "
				  "started: each time a new process or thread was refused",
				  known ? arena_printf(a, " of %lld", (long long)f.least) : "",
				  (long long)times, times == 1 ? "" : "s");
	s->verdict = s->verdict ? arena_printf(a, "%s; %s", text, s->verdict) : text;
	s->standing = false;
	story_advise(s,
		     "hull update --pids-limit N %s gives it more; hull explain %s zombies tells "
		     "whether ended ones fill it",
		     c->name, c->name);
}

int diagnose_limits(const struct container *c, struct story *s, struct err *e)
{
	struct arena *a = s->a;
	struct container_stats_place place;
	size_t above = 0;
	container_stats_place(c, &place);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		const struct limit *l = &limits[i];
		struct found f;
		if (!follow(place.path, l, a, &f))
			continue;
		int64_t asked = asked_for(c, l);
		const char *file = cgroup_host_on_v1(l->controller) ? l->v1 : l->v2;
		bool lower = f.least < f.own;
		story_evidence(s, l->name, "asked for: %s; %s: %s; in force: %s%s%s",
			       asked ? amount(a, l, asked) : "nothing", file, amount(a, l, f.own),
			       amount(a, l, f.least), lower ? ", by the group " : "",
			       lower ? f.where : "");
		if (lower && above++ == 0)
			s->verdict = arena_printf(a, "a group above it allows less: %s of %s in %s",
						  amount(a, l, f.least), l->name, f.where);
	}
	tell_cpuset(c, place.path, s);
	tell_ulimits(c, s);
	s->standing = above > 0;
	judge_processes(c, place.path, s);
	if (!s->verdict)
		s->verdict = *place.path ? "no group above it allows less than its own limits"
					 : "not known: it has no control group of its own; what "
					   "limits the group that it was started in limits it, too";
	if (above)
		story_advise(s, "the processes of all containers below that group share it; hull "
				"update cannot lift it");
	return 0;
}
