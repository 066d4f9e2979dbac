/* SPDX-License-Identifier: Apache-2.0 */
/* Which capabilities the processes of a running container lack while one looks: what hull trace
 * --caps tells, added up. Read trace.h first. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "diagnose/security.h"
#include "diagnose/story.h"
#include "diagnose/trace.h"

enum { KINDS = 64 };

struct denied {
	struct story *s;
	void (*ready)(void);
	int64_t from_ms;
	struct asked {
		const char *name, *call, *comm; /* of the first who asked */
		int pid, processes;
	} asked[KINDS];
	size_t count;
};

static void begin(unsigned kinds, void *ctx)
{
	struct denied *d = ctx;
	d->from_ms = clock_ms();
	d->ready();
}

static int take(const struct trace_line *line, void *ctx)
{
	struct denied *d = ctx;
	const char *name = kvs_get(&line->facts, "Capability"),
		   *call = kvs_get(&line->facts, "Call");
	for (size_t i = 0; i < d->count; i++)
		if (!strcmp(d->asked[i].name, name)) {
			d->asked[i].processes++;
			return 0;
		}
	if (d->count < KINDS)
		d->asked[d->count++] = (struct asked){
			.name = arena_strdup(d->s->a, name),
			.call = call ? arena_strdup(d->s->a, call) : NULL,
			.comm = arena_strdup(d->s->a, line->comm),
			.pid = line->pid,
			.processes = 1,
		};
	return 0;
}

static void conclude(struct denied *d, const char *span)
{
	struct arena *a = d->s->a;
	char *names = "", *options = "";
	for (size_t i = 0; i < d->count; i++) {
		const struct asked *k = &d->asked[i];
		const char *bare = k->name + strlen("CAP_");
		names = arena_printf(a, "%s%s%s", names, i ? ", " : "", bare);
		options = arena_printf(a, "%s%s--cap-add %s", options, i ? " " : "", bare);
		story_evidence(d->s, bare, "asked for%s%s by %s[%d]%s", k->call ? " in " : "",
			       k->call ? k->call : "", k->comm, k->pid,
			       k->processes > 1
				       ? arena_printf(a, " and %d more process%s", k->processes - 1,
						      k->processes > 2 ? "es" : "")
				       : "");
	}
	d->s->verdict = d->count ? arena_printf(a, "in %s its processes lacked: %s", span, names)
				 : arena_printf(a, "in %s none of its processes lacked any", span);
	if (d->count)
		story_advise(
			d->s,
			"%s gives that to the next container, if it is needed: programs may ask "
			"and do without",
			options);
}

int diagnose_denied(const struct container *c, int64_t span_ns, void (*ready)(void),
		    struct story *s, struct err *e)
{
	struct denied d = {.s = s, .ready = ready};
	const struct trace_request q = {.kinds = 1U << TRACE_CAPS,
					.span_ns = span_ns,
					.ready = begin,
					.line = take,
					.ctx = &d};
	uint64_t lost = 0;
	int r = diagnose_trace(c, &q, &lost, e);
	if (r < 0)
		return r;
	conclude(&d, arena_printf(s->a, "%.1f s", (double)(clock_ms() - d.from_ms) / 1000));
	if (lost)
		story_evidence(s, "not seen",
			       "%llu checks: more happened than could be read in time",
			       (unsigned long long)lost);
	return 0;
}
