/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processor time and memory of a container. A process uses processor time in user and in system
 * mode; what its quota denies it is counted in periods (sched-bwc.rst). Of its memory, what belongs
 * to files can be taken back (page cache); what is anonymous and the kernel's cannot, and when only
 * that is left at the limit, somebody is killed. Read usage.h first.
 */
#include "diagnose/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "diagnose/processes.h"
#include "engine/stats.h"
#include "linux/namespaces.h"
#include "linux/oom.h"
#include "linux/process.h"

enum { MANY_PERCENT = 10, NEAR_PERCENT = 90, HOLDERS = 3, AGAIN_BYTES = 1 << 20 };

static int read_group(const char *path, struct arena *a, struct cgroup_stats *ret, struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct cgroup_stats_files files = CGROUP_STATS_CLOSED;
	int r = cgroup_open(path, &group, e);
	if (r < 0)
		return r;
	cgroup_stats_read(&group, &files, false, a, ret);
	cgroup_stats_close(&files);
	return 0;
}

int usage_read(const struct container *c, struct arena *a, struct cgroup_stats *ret, struct err *e)
{
	struct container_stats_place place;
	container_stats_place(c, &place);
	return read_group(place.path, a, ret, e);
}

bool usage_uncounted(const struct container *c, struct story *s)
{
	struct container_stats_place place;
	char parent[256];
	struct err e = {0};
	container_stats_place(c, &place);
	if (*place.path || !namespace_caller_is_user())
		return false;
	cgroup_parent(parent, sizeof(parent), &e);
	s->verdict = arena_printf(
		s->a,
		"not known: nothing is counted without a control group, and it was started "
		"where none could be made%s%s",
		*e.hint ? "; " : "", e.hint);
	return true;
}

static const struct timespec apart = {.tv_nsec = 500000000};

int usage_window(const struct container *c, const struct usage_window **ret, struct err *e)
{
	static struct usage_window kept;
	static struct arena a;
	static char of[ID_LEN + 1];
	struct waits waited;
	int r = 0;
	if (strcmp(of, c->id)) {
		arena_free(&a);
		*of = '\0';
		r = usage_read(c, &a, &kept.before, e);
		if (r == 0)
			r = waits_read(c, &a, &waited, e);
		int64_t from = clock_ms();
		if (r == 0)
			nanosleep(&apart, NULL);
		if (r == 0)
			r = usage_read(c, &a, &kept.now, e);
		if (r == 0 && (r = waits_read(c, &a, &kept.waited, e)) == 0)
			waits_since(&kept.waited, &waited);
		kept.ms = clock_ms() - from;
		if (r == 0)
			snprintf(of, sizeof(of), "%s", c->id);
	}
	*ret = &kept;
	return r;
}

int64_t usage_memory(const struct cgroup_stats *g, const char *v1, const char *v2)
{
	const char *text = kvs_get(&g->memory.raw, cgroup_host_on_v1(CGROUP_MEMORY) ? v1 : v2);
	return text ? strtoll(text, NULL, 10) : 0;
}

static char *milliseconds(struct arena *a, int64_t ns)
{
	return arena_printf(a, "%.3f s", (double)ns / 1e9);
}

static void pressure(struct story *s, const char *percent)
{
	if (*percent)
		story_evidence(s, "pressure",
			       "%s %% of the last ten seconds some process waited for it", percent);
}

/* Percent of the periods between the two in which its quota was used up. */
static int64_t held_back(const struct cgroup_stats *before, const struct cgroup_stats *now)
{
	const int64_t periods = now->cpu.periods - before->cpu.periods;
	return periods > 0 ? (now->cpu.throttled_periods - before->cpu.throttled_periods) * 100 /
				     periods
			   : 0;
}

/* The group above it that allows less, and how much that is; false: none does. */
static bool look_above(const struct container *c, enum cgroup_controller controller,
		       struct arena *a, int64_t *ret_most, char **ret_group,
		       struct cgroup_stats *ret)
{
	return limit_above(c, controller, a, ret_most, ret_group) &&
	       read_group(*ret_group, a, ret, ERR_IGNORED) == 0;
}

/* The quota of a group above it, which all below that share. */
static void judge_quota_above(const struct container *c, struct story *s)
{
	struct arena *a = s->a;
	struct cgroup_stats before, now;
	char *group;
	int64_t most;
	if (!look_above(c, CGROUP_CPU, a, &most, &group, &before))
		return;
	nanosleep(&apart, NULL);
	if (read_group(group, a, &now, ERR_IGNORED) < 0)
		return;
	const int64_t held = held_back(&before, &now);
	char *text =
		arena_printf(a,
			     "the quota of %g CPUs of the group %s above it, which all that is "
			     "in it share, %s: it is used up in %lld %% of the periods",
			     (double)most / 1000, group,
			     held >= MANY_PERCENT ? "slows it down" : "is enough", (long long)held);
	if (held >= MANY_PERCENT)
		story_advise(s,
			     "hull update cannot lift the quota of %s; hull top shows what uses it",
			     group);
	if (held >= MANY_PERCENT || !s->verdict)
		s->verdict = text;
	else
		story_evidence(s, "above it", "%s", text);
}

int diagnose_cpu(const struct container *c, struct story *s, struct err *e)
{
	struct arena *a = s->a;
	if (usage_uncounted(c, s))
		return 0;
	/* Of now: what an earlier quota did stands in the sums for ever. */
	const struct usage_window *w;
	int r = usage_window(c, &w, e);
	if (r < 0)
		return r;
	const struct cgroup_stats before = w->before, now = w->now;
	int64_t held = held_back(&before, &now);
	int64_t share = now.cpu.total ? now.cpu.kernel * 100 / now.cpu.total : 0;
	double quota = container_cpu_limit(c);
	if (quota > 0 && held >= MANY_PERCENT) {
		s->verdict =
			arena_printf(a,
				     "its quota of %g CPUs slows it down: it is used up in %lld %% "
				     "of the periods",
				     quota, (long long)held);
		story_advise(
			s,
			"hull update --cpus N %s gives it more; --cpu-burst lets it save up for "
			"short peaks",
			c->name);
	} else if (quota > 0) {
		s->verdict = arena_printf(
			a,
			"its quota of %g CPUs is enough: it is used up in %lld %% of the "
			"periods",
			quota, (long long)held);
	}
	if (quota <= 0 || held < MANY_PERCENT)
		judge_quota_above(c, s);
	if (!s->verdict)
		s->verdict = "it has no quota: only the others slow it down";
	story_evidence(s, "used", "%s: %s user, %s system (%lld %%)",
		       milliseconds(a, now.cpu.total), milliseconds(a, now.cpu.user),
		       milliseconds(a, now.cpu.kernel), (long long)share);
	if (now.cpu.periods)
		story_evidence(s, "held back", "in %lld of %lld periods, %s in all",
			       (long long)now.cpu.throttled_periods, (long long)now.cpu.periods,
			       milliseconds(a, now.cpu.throttled_time));
	waits_tell(&w->waited, w->ms, s);
	pressure(s, now.pressure.cpu);
	return 0;
}

/* Bytes a second of files that were in the page cache a moment ago, and had to leave it. */
static int64_t read_again(const struct usage_window *w)
{
	static const char v1[] = "total_workingset_refault_file", v2[] = "workingset_refault_file";
	int64_t pages = usage_memory(&w->now, v1, v2) - usage_memory(&w->before, v1, v2);
	return w->ms > 0 && pages > 0 ? pages * sysconf(_SC_PAGESIZE) * 1000 / w->ms : 0;
}

static int by_anonymous(const void *x, const void *y)
{
	const struct process *one = x, *two = y;
	return (one->anonymous < two->anonymous) - (one->anonymous > two->anonymous);
}

static void tell_holders(const struct container *c, struct story *s)
{
	struct processes all;
	char *text = NULL;
	int64_t hugetlb = 0;
	if (processes_read(c, s->a, &all, ERR_IGNORED) < 0)
		return;
	qsort(all.list, all.count, sizeof(*all.list), by_anonymous);
	for (size_t i = 0; i < all.count && i < HOLDERS; i++)
		text = arena_printf(s->a, "%s%s%s %s", text ?: "", text ? ", " : "",
				    process_label(&all.list[i], s->a),
				    size_text(s->a, all.list[i].anonymous));
	if (text)
		story_evidence(s, "anonymous, of", "%s", text);
	for (size_t i = 0; i < all.count; i++)
		hugetlb += all.list[i].hugetlb;
	if (hugetlb)
		story_evidence(s, "huge pages", "%s of those set aside, beside the memory limit",
			       size_text(s->a, hugetlb));
}

int64_t usage_killed(const struct container *c, struct oom *ret)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct container_stats_place place;
	container_stats_place(c, &place);
	int64_t kills =
		cgroup_open(place.path, &group, ERR_IGNORED) < 0 ? 0 : cgroup_oom_kills(&group);
	if (kills > 0)
		oom_look(place.path, 0, c->started, ret);
	return kills > 0 ? kills : 0;
}

static void tell_killed(struct story *s, int64_t kills, const struct oom *o)
{
	const char *last = !o->pid      ? ""
			   : kills == 1 ? arena_printf(s->a, ": %s", o->comm)
					: arena_printf(s->a, ", the last one %s", o->comm);
	s->verdict = arena_printf(s->a, "the kernel killed %lld process%s of it for memory%s",
				  (long long)kills, kills == 1 ? "" : "es", last);
}

/* No limit of its own is near: what of that of a group above, which all below that share? */
static void judge_memory_above(const struct container *c, int64_t needed, struct story *s)
{
	struct arena *a = s->a;
	struct cgroup_stats all;
	char *group;
	int64_t most;
	if (!look_above(c, CGROUP_MEMORY, a, &most, &group, &all))
		return;
	const int64_t used = all.memory.usage.usage - all.memory.reclaimable;
	char *text = arena_printf(a,
				  "the group %s above it has a limit of %s, of which all that is "
				  "in it need %s",
				  group, size_text(a, most), size_text(a, used));
	if (used < most / 100 * NEAR_PERCENT) {
		s->verdict = arena_printf(a, "%s; %s", s->verdict, text);
		return;
	}
	s->verdict =
		arena_printf(a, "it needs %s, and is near a limit: %s", size_text(a, needed), text);
	story_advise(s, "hull update cannot lift the limit of %s; hull top shows who needs most",
		     group);
}

static void judge_memory(const struct container *c, const struct usage_window *w, int64_t needed,
			 struct story *s)
{
	struct arena *a = s->a;
	int64_t limit = w->now.memory.usage.limit, again = read_again(w);
	struct oom oom = {0};
	const int64_t kills = usage_killed(c, &oom);
	if (limit == INT64_MAX || limit <= 0) {
		s->verdict = arena_printf(a, "it needs %s, and has no limit", size_text(a, needed));
	} else if (kills > 0) {
		tell_killed(s, kills, &oom);
		s->verdict =
			arena_printf(a, "%s; its limit is %s", s->verdict, size_text(a, limit));
		story_advise(s,
			     "give it more (hull update -m SIZE %s), or make it need less; hull "
			     "why %s tells whose limit it was",
			     c->name, c->name);
	} else if (needed >= limit / 100 * NEAR_PERCENT) {
		s->verdict = arena_printf(a, "it is near its limit: %s of %s cannot be taken back",
					  size_text(a, needed), size_text(a, limit));
		story_advise(s,
			     "hull update -m SIZE %s, before the kernel kills one of its processes",
			     c->name);
	} else if (again >= AGAIN_BYTES) {
		s->verdict = arena_printf(
			a,
			"its limit of %s leaves too little room for the files that it works with: "
			"%s a second are read again that were in the page cache before",
			size_text(a, limit), size_text(a, again));
		story_advise(
			s,
			"hull update -m SIZE %s, more and more, until nothing is read again: %s "
			"is for its processes, the rest for files",
			c->name, size_text(a, needed));
	} else {
		s->verdict = arena_printf(a, "it needs %s of its limit of %s", size_text(a, needed),
					  size_text(a, limit));
	}
}

int diagnose_memory(const struct container *c, struct story *s, struct err *e)
{
	struct arena *a = s->a;
	if (usage_uncounted(c, s))
		return 0;
	const struct usage_window *w;
	int r = usage_window(c, &w, e);
	if (r < 0)
		return r;
	const struct cgroup_stats *now = &w->now;
	int64_t used = now->memory.usage.usage, limit = now->memory.usage.limit;
	int64_t reclaimable = now->memory.reclaimable, needed = used - reclaimable;
	int64_t swapped = cgroup_host_on_v1(CGROUP_MEMORY) ? usage_memory(now, "total_swap", "")
							   : now->memory.swap.usage;
	int64_t transparent = usage_memory(now, "total_rss_huge", "anon_thp");
	int64_t zswap = usage_memory(now, "", "zswap");
	judge_memory(c, w, needed, s);
	if (!s->advice.count)
		judge_memory_above(c, needed, s);
	story_evidence(s, "needed", "%s: anonymous %s, shared %s, of the kernel %s",
		       size_text(a, needed), size_text(a, now->memory.anon),
		       size_text(a, now->memory.shmem), size_text(a, now->memory.kernel.usage));
	tell_holders(c, s);
	if (transparent > 0)
		story_evidence(s, "transparent huge pages", "%s of the anonymous memory",
			       size_text(a, transparent));
	story_evidence(s, "can be taken back", "%s: page cache of files, %s of it not used lately",
		       size_text(a, reclaimable), size_text(a, now->memory.inactive_file));
	if (read_again(w))
		story_evidence(s, "read again", "%s/s of files that had to leave the page cache",
			       size_text(a, read_again(w)));
	if (swapped > 0)
		story_evidence(s, "in swap", "%s of anonymous and shared memory",
			       size_text(a, swapped));
	if (zswap > 0)
		story_evidence(s, "of that in zswap", "%s, compressed to %s of memory",
			       size_text(a, usage_memory(now, "", "zswapped")),
			       size_text(a, zswap));
	if (limit > 0 && limit < INT64_MAX)
		story_evidence(s, "left to the limit", "%s", size_text(a, limit - needed));
	story_evidence(s, "docker stats says", "%s",
		       size_text(a, used - now->memory.inactive_file));
	if (now->memory.usage.max > 0)
		story_evidence(s, "most so far", "%s, page cache included",
			       size_text(a, now->memory.usage.max));
	if (now->memory.usage.failcnt > 0)
		story_evidence(s, "at the limit",
			       "%lld times, each time memory was taken back first",
			       (long long)now->memory.usage.failcnt);
	pressure(s, now->pressure.memory);
	return 0;
}
