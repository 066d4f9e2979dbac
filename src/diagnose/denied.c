/* SPDX-License-Identifier: Apache-2.0 */
/* What the processes of a running container are refused while one looks: capabilities, which hull
 * trace
 * --caps tells, added up (read trace.h first); and system calls, which hull run --learn-seccomp
 * finds (read linux/usage_probe.h). */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "diagnose/learn.h"
#include "diagnose/security.h"
#include "diagnose/story.h"
#include "diagnose/trace.h"
#include "engine/spec.h"
#include "engine/stats.h"
#include "linux/cgroup.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "linux/usage_probe.h"

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

/* ---- system calls ---- */

static int open_probe(const struct container *c, struct usage_probe *p, struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct container_stats_place place;
	container_stats_place(c, &place);
	int r = cgroup_open(place.path, &group, e);
	CLEANUP_FD int scope = r < 0 ? r : cgroup_scope(&group, e);
	return scope < 0 ? scope : usage_probe_open(p, scope, false, e);
}

/* A call that comes to an end without having begun was refused by some filter, whose is not seen.
 * What the container's own never refuses was another's, or was no such call: those of 32 bits have
 * numbers of their own, and are not told apart. */
static int tell_refused(const struct container *c, const struct usage *used, double seconds,
			struct story *s, struct err *e)
{
	struct process_rights rights;
	struct seccomp_program filter;
	int r = process_read_rights(c->pid, &rights);
	if (r < 0)
		return err_errno(e, r, "container %s: cannot look at its first process", c->name);
	if ((r = container_filter(c, &rights.caps.bounding, s->a, &filter, e)) < 0)
		return r;
	const char *calls = learn_refused(used, &filter, false, s->a),
		   *others = learn_refused(used, &filter, true, s->a);
	if (calls)
		s->verdict = arena_printf(s->a, "in %.1f s its seccomp profile refused: %s",
					  seconds, calls);
	else
		s->verdict = arena_printf(s->a, "in %.1f s its seccomp profile %srefused nothing%s",
					  seconds, filter.count ? "" : "(it has none) ",
					  others ? "; another filter did" : "");
	if (others)
		story_evidence(s, "not its profile",
			       "%s: refused, though the container's profile allows it: by a filter "
			       "that a program in it set itself, or as calls of 32 bits, which "
			       "count otherwise",
			       others);
	if (calls)
		story_advise(s, "if it needs them: hull run --learn-seccomp FILE with "
				"--security-opt seccomp=unconfined writes a profile that has just "
				"what it uses");
	return 0;
}

int diagnose_refused(const struct container *c, int64_t span_ns, void (*ready)(void),
		     struct story *s, struct err *e)
{
	struct usage_probe p = USAGE_PROBE_CLOSED;
	struct usage used;
	CLEANUP_FD int process = pidfd_of(c->pid), wish = trace_wishes();
	struct pollfd fds[] = {{.fd = process, .events = POLLIN}, {.fd = wish, .events = POLLIN}};
	int r = open_probe(c, &p, e);
	if (r < 0) {
		usage_probe_close(&p);
		return r;
	}
	usage_probe_begin(&p);
	const int64_t from = clock_ms();
	ready();
	poll(fds, ARRAY_LEN(fds), (int)(span_ns / 1000000));
	usage_probe_read(&p, &used);
	usage_probe_close(&p);
	return tell_refused(c, &used, (double)(clock_ms() - from) / 1000, s, e);
}
