/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zombies: who has ended and was not waited for, by whom, and what they cost: each holds a number
 * of the limit on pids. Rests on wait(2), and on SIGCHLD: who ignores it leaves none.
 */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "diagnose/processes.h"
#include "engine/recorder.h"
#include "linux/pidfd.h"
#include "linux/process.h"

enum { ENDS = 256, NAMED = 4 };

struct blamed {
	const struct process *parent; /* NULL: outside of the container */
	size_t count;
};

static const struct process *find(const struct processes *all, pid_t pid)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].pid == pid)
			return &all->list[i];
	return NULL;
}

static size_t blame(const struct processes *all, struct blamed *list)
{
	size_t parents = 0, k;
	for (size_t i = 0; i < all->count; i++) {
		if (all->list[i].state != 'Z' || all->list[i].threads > 1)
			continue;
		const struct process *parent = find(all, all->list[i].parent);
		for (k = 0; k < parents && list[k].parent != parent; k++)
			;
		parents += k == parents;
		list[k].parent = parent;
		list[k].count++;
	}
	return parents;
}

/* Its own end: that of an earlier process of its number was before it began. */
static const struct recorded *end_of(const struct process *p, const struct recorded *ends,
				     int count)
{
	int64_t started;
	if (pidfd_started_ns(p->pid, &started) < 0)
		return NULL;
	for (int i = 0; i < count; i++)
		if (ends[i].pid == p->pid && ends[i].time_ns >= started)
			return &ends[i];
	return NULL;
}

/* The kernel does not keep when a process ended; the recorder does of those that ended with a
 * fault. */
static void tell_ages(struct engine *en, const struct container *c, const struct processes *all,
		      size_t zombies, struct story *s)
{
	struct arena *a = s->a;
	const int64_t now = clock_real_ns();
	struct recorded *ends = arena_array(a, ENDS, sizeof(*ends));
	const int count = recorder_list(en, RECORDED_EXIT, c->id, c->started, now, ends, ENDS);
	char *text = "";
	size_t found = 0;
	for (size_t i = 0; i < all->count; i++) {
		const struct process *p = &all->list[i];
		const struct recorded *end =
			p->state == 'Z' && p->threads <= 1 ? end_of(p, ends, count) : NULL;
		if (!end)
			continue;
		if (found++ < NAMED)
			text = arena_printf(a, "%s%s%s with %d, %lld s ago", text,
					    *text ? "; " : "", process_label(p, a), end->exit_code,
					    (long long)((now - end->time_ns) / 1000000000));
	}
	if (found < zombies)
		text = arena_printf(a, "%s%sof %zu it is not known%s", text, *text ? "; " : "",
				    zombies - found,
				    count < 0 ? ": hull system record keeps it, of ends with a "
						"fault"
					      : "");
	story_evidence(s, "ended", "%s", text);
}

int diagnose_zombies(struct engine *en, const struct container *c, struct story *s, struct err *e)
{
	struct arena *a = s->a;
	struct processes all;
	int r = processes_read(c, a, &all, e);
	if (r == 0)
		r = processes_add_zombies(&all, a, e);
	if (r < 0)
		return r;
	struct blamed *list = arena_array(a, all.count + 1, sizeof(*list));
	size_t parents = blame(&all, list), zombies = 0;
	for (size_t i = 0; i < parents; i++) {
		const struct process *p = list[i].parent;
		zombies += list[i].count;
		story_evidence(s, p ? process_label(p, a) : "outside",
			       "does not wait for %zu of its children%s", list[i].count,
			       p && p->caught >> (SIGCHLD - 1) & 1 ? ", though it handles SIGCHLD"
								   : "");
	}
	s->verdict =
		zombies ? arena_printf(a, "%zu zombie%s: ended processes that nobody waited for",
				       zombies, zombies == 1 ? "" : "s")
			: "no zombies";
	if (all.pids_limit > 0) {
		story_evidence(s, "pids", "%lld of %lld", (long long)all.pids,
			       (long long)all.pids_limit);
		if (all.pids >= all.pids_limit)
			s->verdict =
				arena_printf(a,
					     "%s; its limit on processes (%lld) is reached: it can "
					     "start no other",
					     s->verdict, (long long)all.pids_limit);
	}
	if (zombies)
		tell_ages(en, c, &all, zombies, s);
	if (zombies)
		story_advise(
			s, "a zombie cannot be killed, it has ended: its parent must wait for it, "
			   "or end; then number 1 inherits it");
	if (zombies && !container_has_init(c))
		story_advise(s, "--init: hull-init waits for whatever is left to number 1");
	return 0;
}
