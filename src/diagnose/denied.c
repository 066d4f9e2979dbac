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
#include "diagnose/call_abis.h"
#include "diagnose/learn.h"
#include "diagnose/security.h"
#include "diagnose/story.h"
#include "diagnose/trace.h"
#include "engine/spec.h"
#include "engine/stats.h"
#include "linux/cgroup.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "linux/seccomp_ask.h"
#include "linux/tracepoint.h"
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
		s->verdict = arena_printf(s->a,
					  "%s; %llu checks were not seen: more happened than could "
					  "be read in time",
					  s->verdict, (unsigned long long)lost);
	return 0;
}

/* ---- system calls ---- */

/* One that was seen in both ABIs may have failed in the native one for another reason: it is one of
 * 32 bits alone where that is what the profile refuses. */
static void tell_apart(const struct call_abis *abis, const struct seccomp_program *by,
		       struct usage *u)
{
	for (int i = 0; i < USAGE_CALLS; i++) {
		u->refused_32bit[i] = u->refused[i] && abis->seen[i] & ABI_32BIT;
		if (u->refused_32bit[i] && (!(abis->seen[i] & ABI_NATIVE) ||
					    (seccomp_ask(by, false, i) == SECCOMP_ALLOWS &&
					     seccomp_ask(by, true, i) != SECCOMP_ALLOWS)))
			u->refused[i] = false;
	}
}

static int open_scope(const struct container *c, struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct container_stats_place place;
	container_stats_place(c, &place);
	int r = cgroup_open(place.path, &group, e);
	return r < 0 ? r : cgroup_scope(&group, e);
}

/* A call that comes to an end without having begun was refused by some filter, whose is not seen.
 * What the container's own never refuses was another's. */
static int tell_refused(const struct container *c, const struct call_abis *abis, struct usage *used,
			double seconds, struct story *s, struct err *e)
{
	struct process_rights rights;
	struct seccomp_program filter;
	int r = process_read_rights(c->pid, &rights);
	if (r < 0)
		return err_errno(e, r, "container %s: cannot look at its first process", c->name);
	if ((r = container_filter(c, &rights.caps.bounding, s->a, &filter, e)) < 0)
		return r;
	tell_apart(abis, &filter, used);
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
			       "that a program in it set itself",
			       others);
	if (calls)
		story_advise(s, "if it needs them: hull run --learn-seccomp FILE with "
				"--security-opt seccomp=unconfined writes a profile that has just "
				"what it uses");
	return 0;
}

/* Until the time is over, the container has ended, or somebody wishes to know. */
static void look(struct trace *t, const struct container *c, int64_t span_ms,
		 struct call_abis *abis)
{
	CLEANUP_FD int process = pidfd_of(c->pid), wish = trace_wishes();
	struct pollfd fds[] = {{.fd = process, .events = POLLIN},
			       {.fd = wish, .events = POLLIN},
			       {.fd = t->epoll, .events = POLLIN}};
	const int64_t until = clock_ms() + span_ms;
	for (int64_t left = span_ms; left > 0 && !fds[0].revents && !fds[1].revents;
	     left = until - clock_ms()) {
		poll(fds, ARRAY_LEN(fds), left < INT32_MAX ? (int)left : INT32_MAX);
		call_abis_take(abis, t);
	}
}

int diagnose_refused(const struct container *c, int64_t span_ns, void (*ready)(void),
		     struct story *s, struct err *e)
{
	struct usage_probe p = USAGE_PROBE_CLOSED;
	struct trace t = TRACE_CLOSED;
	struct usage used;
	struct call_abis *abis = arena_new(s->a, struct call_abis);
	CLEANUP_FD int scope = open_scope(c, e);
	int r = scope < 0 ? scope : usage_probe_open(&p, scope, false, e);
	if (r == 0)
		call_abis_open(abis, &t, scope, true, s->a);
	const int64_t from = clock_ms();
	if (r == 0) {
		usage_probe_begin(&p);
		ready();
		look(&t, c, span_ns / 1000000, abis);
		usage_probe_read(&p, &used);
	}
	const double seconds = (double)(clock_ms() - from) / 1000;
	trace_close(&t);
	usage_probe_close(&p);
	return r < 0 ? r : tell_refused(c, abis, &used, seconds, s, e);
}
