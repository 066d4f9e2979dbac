/* SPDX-License-Identifier: Apache-2.0 */
/* What the recorder knows of the other processes of a container: hull why's evidence. See
 * pid_namespaces(7): the end of the first process is that of all. */
#include <string.h>

#include "diagnose/why_life.h"
#include "engine/recorder.h"

enum { NAMED = 5 };

static char *add_named(struct arena *a, char *text, const struct recorded *r, size_t before)
{
	if (before == NAMED)
		return arena_printf(a, "%s, ...", text);
	return before > NAMED ? text
			      : arena_printf(a, "%s%s%s[%d]", text, before ? ", " : "", r->comm,
					     (int)r->pid);
}

static void tell_taken_along(struct life *l)
{
	char *names = "";
	size_t found = 0;
	int count = recorder_list(l->en, RECORDED_SIGNAL, l->id, l->started, l->ended, NULL,
				  RECORDED_MAX);
	if (count <= 0) /* where nobody records that costs nothing */
		return;
	struct recorded *all = arena_array(l->s->a, (size_t)count, sizeof(*all));
	count = recorder_list(l->en, RECORDED_SIGNAL, l->id, l->started, l->ended, all,
			      (size_t)count);
	for (int i = 0; i < count; i++)
		if (all[i].taken_along)
			names = add_named(l->s->a, names, &all[i], found++);
	if (!found)
		return;
	story_evidence(l->s, "killed with it", "%zu process%s: %s", found, found > 1 ? "es" : "",
		       names);
	if (l->c && !l->c->config.host.init.value)
		story_advise(l->s, "what its first process leaves gets no SIGTERM, but SIGKILL: "
				   "--init=all tells all of them, and waits");
}

static void tell_faults(struct life *l)
{
	struct recorded all[NAMED];
	struct arena *a = l->s->a;
	char *text = "";
	const int64_t from = l->ended - SHORTLY_NS;
	const int count =
		recorder_list(l->en, RECORDED_EXIT, l->id, from > l->started ? from : l->started,
			      l->ended, all, NAMED);
	for (int i = 0; i < count; i++)
		text = arena_printf(a, "%s%s%s[%d] with %d, %s before", text, i ? "; " : "",
				    all[i].comm, (int)all[i].pid, all[i].exit_code,
				    why_span(a, l->ended - all[i].time_ns));
	if (count > 0)
		story_evidence(l->s, "ended before it", "%s", text);
}

void why_others(struct life *l)
{
	tell_taken_along(l);
	tell_faults(l);
}
