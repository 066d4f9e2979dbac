/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits: what was asked for, what stands in the kernel's file, and what is in force: the least of
 * the group and of all groups above it, for each of them counts what is below. Rests on cgroups(7).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "diagnose/usage.h"
#include "engine/stats.h"

/* "9223372036854771712" of v1 and "max" of v2: none. */
#define NONE INT64_MAX
#define V1_NONE (INT64_MAX / 4096 * 4096 - 4096 * 1024)

static const struct limit {
	const char *name;
	enum cgroup_controller controller;
	const char *v1, *v2;
	bool bytes;
} limits[] = {
	{"memory", CGROUP_MEMORY, "memory.limit_in_bytes", "memory.max", true},
	{"memory and swap", CGROUP_MEMORY, "memory.memsw.limit_in_bytes", NULL, true},
	{"swap", CGROUP_MEMORY, NULL, "memory.swap.max", true},
	{"processes", CGROUP_PIDS, "pids.max", "pids.max", false},
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
	if (!strcmp(l->name, "memory"))
		return h->memory;
	if (h->memory_swap <= 0)
		return 0;
	return l->v1 ? h->memory_swap : h->memory_swap - h->memory;
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
	text[strcspn(text, "\n")] = '\0';
	*ret = NONE;
	if (uint_parse(text, INT64_MAX, &n) == 0 && (int64_t)n < V1_NONE)
		*ret = (int64_t)n;
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
	return l->bytes ? size_text(a, n) : arena_printf(a, "%lld", (long long)n);
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
	s->standing = above > 0;
	judge_processes(c, place.path, s);
	if (!s->verdict)
		s->verdict = "no group above it allows less than its own limits";
	if (above)
		story_advise(s, "the processes of all containers below that group share it; hull "
				"update cannot lift it");
	return 0;
}
