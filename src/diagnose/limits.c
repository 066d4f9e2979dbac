/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits: what was asked for, what stands in the kernel's file, and what is in force: the least of
 * the group and of all groups above it, for each of them counts what is below. Rests on cgroups(7).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "diagnose/usage.h"
#include "engine/stats.h"
#include "linux/cgroup_bound.h"
#include "linux/rlimit.h"

#define NONE CGROUP_UNBOUND

static const struct limit {
	const char *name;
	struct cgroup_bound bound;
	bool bytes;
} limits[] = {
	{"memory", {CGROUP_MEMORY, "memory.limit_in_bytes", "memory.max"}, true},
	{"memory and swap", {CGROUP_MEMORY, "memory.memsw.limit_in_bytes", NULL}, true},
	{"swap", {CGROUP_MEMORY, NULL, "memory.swap.max"}, true},
	{"processors", {CGROUP_CPU, "cpu.cfs_quota_us", "cpu.max", true}},
	{"processes", {CGROUP_PIDS, "pids.max", "pids.max"}},
};

static int64_t asked_for(const struct container *c, const struct limit *l)
{
	const struct docker_host_config *h = &c->config.host;
	if (l->bound.controller == CGROUP_PIDS)
		return h->pids_limit.set ? h->pids_limit.value : 0;
	if (l->bound.controller == CGROUP_CPU)
		return (int64_t)(container_cpu_limit(c) * 1000 + 0.5);
	if (!strcmp(l->name, "memory"))
		return h->memory;
	if (h->memory_swap <= 0)
		return 0;
	return l->bound.v1 ? h->memory_swap : h->memory_swap - h->memory;
}

static char *amount(struct arena *a, const struct limit *l, int64_t n)
{
	if (n == NONE || n < 0)
		return "none";
	return l->bytes         ? size_text(a, n)
	       : l->bound.quota ? arena_printf(a, "%g", (double)n / 1000)
				: arena_printf(a, "%lld", (long long)n);
}

bool limit_above(const struct container *c, enum cgroup_controller controller, struct arena *a,
		 int64_t *ret, char **ret_group)
{
	struct container_stats_place place;
	struct cgroup_bounds f;
	size_t i = 0;
	container_stats_place(c, &place);
	while (limits[i].bound.controller != controller)
		i++;
	if (!cgroup_bound_read(place.path, &limits[i].bound, &f) || f.least >= f.own)
		return false;
	*ret = f.least;
	*ret_group = arena_strdup(a, f.where);
	return true;
}

/* Which processors, of those that are there; the kernel tells what is in force. */
static void tell_cpuset(const struct container *c, const struct cgroup *g, struct story *s)
{
	char text[256];
	const char *asked = c->config.host.cpuset_cpus;
	const int v1 = g->v1[CGROUP_CPUSET];
	if (file_read_small(v1 >= 0 ? v1 : g->v2,
			    v1 >= 0 ? "cpuset.effective_cpus" : "cpuset.cpus.effective", text,
			    sizeof(text)) <= 0)
		return;
	story_evidence(s, "which processors", "asked for: %s; in force: %s",
		       asked && *asked ? asked : "nothing", text);
}

/* What no sum over groups tells of: @asked, and @text, the @n bytes of a file. */
static void tell_lines(struct story *s, const char *what, const char *asked, const char *file,
		       char *text, ssize_t n)
{
	for (char *at = n > 0 ? text : NULL; at && (at = strchr(at, '\n'));)
		*at = at[1] ? ',' : '\0';
	story_evidence(s, what, "asked for: %s; %s: %s", asked, file,
		       n < 0    ? "this kernel has none"
		       : n == 0 ? "nothing"
				: text);
}

static void tell_file(struct story *s, const struct cgroup *g, enum cgroup_controller controller,
		      const char *what, int64_t asked, const char *v1, const char *v2)
{
	char text[1024];
	const bool on_v1 = g->v1[controller] >= 0;
	const char *file = on_v1 ? v1 : v2;
	tell_lines(s, what, arena_printf(s->a, "%lld", (long long)asked), file, text,
		   file_read_small(on_v1 ? g->v1[controller] : g->v2, file, text, sizeof(text)));
}

static void tell_list(struct story *s, const struct cgroup *g, enum cgroup_list_kind kind,
		      const char *item, const char *what, const char *asked)
{
	struct cgroup_list_text said;
	ssize_t n = cgroup_list_read(g, kind, item, &said);
	tell_lines(s, what, asked, said.file, said.text, n);
}

static void tell_shares(const struct container *c, const struct cgroup *g, struct story *s)
{
	const struct docker_host_config *h = &c->config.host;
	if (h->cpu_shares > 0)
		tell_file(s, g, CGROUP_CPU, "share of processors", h->cpu_shares, "cpu.shares",
			  "cpu.weight");
	if (h->blkio_weight > 0)
		tell_file(s, g, CGROUP_BLKIO, "share of disks", h->blkio_weight, "blkio.bfq.weight",
			  "io.bfq.weight");
}

/* By the numbers of the disks, as the kernel has them. */
static void tell_rates(const struct container *c, const struct cgroup *g, struct story *s)
{
	static const struct {
		enum cgroup_list_kind kind;
		const char *name;
	} rates[RATES] = {[RATE_READ_BPS] = {CGROUP_IO_READ_BPS, "reads, bytes a second"},
			  [RATE_WRITE_BPS] = {CGROUP_IO_WRITE_BPS, "writes, bytes a second"},
			  [RATE_READ_IOPS] = {CGROUP_IO_READ_IOPS, "reads a second"},
			  [RATE_WRITE_IOPS] = {CGROUP_IO_WRITE_IOPS, "writes a second"}};
	for (size_t i = 0; i < RATES; i++) {
		const struct array *list = &c->config.host.blkio_rates[i];
		const struct docker_blkio_device *d = list->items;
		char *asked = "";
		for (size_t k = 0; k < list->count; k++)
			asked = arena_printf(s->a, "%s%s%s %lld", asked, k ? ", " : "", d[k].path,
					     (long long)d[k].value);
		if (list->count)
			tell_list(s, g, rates[i].kind, NULL, rates[i].name, asked);
	}
}

static void tell_hugepages(const struct container *c, const struct cgroup *g, struct story *s)
{
	const struct kvs *list = &c->config.hull.hugepages;
	for (size_t i = 0; i < list->count; i++)
		tell_list(s, g, CGROUP_HUGEPAGES, list->items[i].key,
			  arena_printf(s->a, "huge pages of %s", list->items[i].key),
			  list->items[i].value);
}

static void tell_group(const struct container *c, const char *path, struct story *s)
{
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	if (cgroup_open(path, &g, ERR_IGNORED) < 0)
		return;
	tell_cpuset(c, &g, s);
	tell_shares(c, &g, s);
	tell_rates(c, &g, s);
	tell_hugepages(c, &g, s);
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

char *limits_refused(int whose, int64_t own, struct arena *a)
{
	const char *of = own > 0 ? arena_printf(a, " of %lld", (long long)own) : "";
	return whose > 0 ? arena_printf(a, "it reached its limit on processes%s", of)
	       : whose < 0 && own > 0
		       ? arena_printf(a,
				      "it reached a limit on processes, its own%s or that of "
				      "another group",
				      of)
		       : arena_strdup(a, "it reached the limit on processes of another group, "
					 "above it or inside of it");
}

/* How often a process was refused, of this run. */
static int64_t refused(const char *path, int *ret_whose)
{
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	return cgroup_open(path, &g, ERR_IGNORED) == 0 ? cgroup_pids_refused(&g, ret_whose) : 0;
}

static void judge_processes(const struct container *c, const char *path, struct story *s)
{
	struct arena *a = s->a;
	int whose;
	const int64_t times = refused(path, &whose);
	struct cgroup_bounds f;
	if (times <= 0)
		return;
	const bool known =
		cgroup_bound_read(path, &limits[ARRAY_LEN(limits) - 1].bound, &f) && f.own != NONE;
	char *text = arena_printf(a,
				  "%s %lld time%s since it was started: each time a new process or "
				  "thread was refused",
				  limits_refused(whose, known ? f.own : 0, a), (long long)times,
				  times == 1 ? "" : "s");
	s->verdict = s->verdict ? arena_printf(a, "%s; %s", text, s->verdict) : text;
	s->standing = false;
	story_advise(s,
		     whose ? "hull update --pids-limit N %s gives it more; hull explain %s zombies "
			     "tells whether ended ones fill it"
			   : "hull explain %s limits shows those of the groups above; hull explain "
			     "%s zombies tells whether ended ones fill it",
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
		struct cgroup_bounds f;
		if (!cgroup_bound_read(place.path, &l->bound, &f))
			continue;
		int64_t asked = asked_for(c, l);
		const char *file =
			cgroup_host_on_v1(l->bound.controller) ? l->bound.v1 : l->bound.v2;
		bool lower = f.least < f.own;
		story_evidence(s, l->name, "asked for: %s; %s: %s; in force: %s%s%s",
			       asked ? amount(a, l, asked) : "nothing", file, amount(a, l, f.own),
			       amount(a, l, f.least), lower ? ", by the group " : "",
			       lower ? f.where : "");
		if (lower && above++ == 0)
			s->verdict = arena_printf(a, "a group above it allows less: %s of %s in %s",
						  amount(a, l, f.least), l->name, f.where);
	}
	tell_group(c, place.path, s);
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
