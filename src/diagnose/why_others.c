/* SPDX-License-Identifier: Apache-2.0 */
/* What the recorder knows of the other processes of a container, and what was short when it ended:
 * hull why's evidence. See pid_namespaces(7): the end of the first process is that of all. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "engine/internal.h"
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
	const int count = why_recorded(l, RECORDED_EXIT, all, NAMED);
	for (int i = 0; i < count; i++)
		text = arena_printf(a, "%s%s%s[%d] with %d, %s before", text, i ? "; " : "",
				    all[i].comm, (int)all[i].pid, all[i].exit_code,
				    why_span(a, l->ended - all[i].time_ns));
	if (count > 0)
		story_evidence(l->s, "ended before it", "%s", text);
}

/* "memory=12.30,4.00,350000 cpu=...": some, all, microseconds. Less than a millisecond is none. */
static void tell_pressure(struct life *l)
{
	struct arena *a = l->s->a;
	char *text = "", name[8], some[8], all[8];
	long long total;
	for (const char *at = l->pressure; at; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (sscanf(at, "%7[a-z]=%7[0-9.],%7[0-9.],%lld", name, some, all, &total) != 4 ||
		    (total < 1000 && !some[strspn(some, "0.")]))
			continue;
		text = arena_printf(a, "%s%s%s %s %% (all at once %s %%), %s since its start", text,
				    *text ? "; " : "", name, some, all, why_span(a, total * 1000));
	}
	if (*text)
		story_evidence(l->s, "waited at the end", "of the last 10 s for %s", text);
}

/* What is in memory was gone with its first process: how little was left is all that is known. */
static void tell_full_tmpfs(struct life *l, const char *path, const char *size)
{
	struct arena *a = l->s->a;
	int64_t bytes;
	const char *of = int_parse(size, 0, INT64_MAX, &bytes) < 0 ? arena_printf(a, " of %s", size)
			 : bytes ? arena_printf(a, " of %s", size_text(a, bytes))
				 : "";
	story_evidence(l->s, "room at the end", "the tmpfs %s%s: less than 64KiB left", path, of);
	l->s->verdict = arena_printf(a, "%s; its tmpfs %s%s had less than 64KiB left",
				     l->s->verdict, path, of);
	story_advise(l->s,
		     "%s is in memory: --shm-size or --tmpfs PATH:size= gives it another size",
		     path);
}

/* Of a volume; 0: none. */
static int64_t size_limit(const struct life *l, const char *volume)
{
	struct kvs options = {0};
	return *volume && volume_options(l->en, volume, NULL, l->s->a, &options, ERR_IGNORED) >= 0
		       ? volume_size_limit(&options)
		       : 0;
}

static void tell_full(struct life *l)
{
	struct arena *a = l->s->a;
	long long left;
	char unit[10], size[32];
	int at = 0;
	if (sscanf(l->full, "%31s tmpfs %n", size, &at) == 1 && at) {
		tell_full_tmpfs(l, l->full + at, size);
		return;
	}
	if (sscanf(l->full, "%lld %9[a-z]%n", &left, unit, &at) != 2 || l->full[at++] != ' ')
		return;
	const char *name = l->full + at;
	const int64_t limit = size_limit(l, name);
	const char *where = limit   ? arena_printf(a, "volume %s, which has a limit of %s,", name,
						   size_text(a, limit))
			    : *name ? arena_printf(a, "the file system of volume %s", name)
				    : "the disk that its layer is on";
	const char *what =
		!strcmp(unit, "inodes") ? arena_printf(a, "%lld inodes", left) : size_text(a, left);
	if (!strcmp(unit, "reserved")) {
		story_evidence(l->s, "room at the end", "%s: %s left, which are kept for root",
			       where, what);
		return;
	}
	story_evidence(l->s, "room at the end", "%s%s %s left", where, limit ? "" : ":", what);
	l->s->verdict = arena_printf(a, "%s; %s had %s left", l->s->verdict, where, what);
	story_advise(
		l->s,
		limit ? "remove files of volume %s, or make a larger one: volume create -o size="
		      : "hull system df tells what hull itself could give back",
		name);
}

void why_short(struct life *l)
{
	if (l->pressure)
		tell_pressure(l);
	if (l->full && !l->s->asked)
		tell_full(l);
}

void why_others(struct life *l)
{
	tell_taken_along(l);
	tell_faults(l);
}
