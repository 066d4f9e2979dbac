/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: what each process does with them, and a forecast of stop. Rests on the masks of
 * /proc/PID/status, and on what the kernel drops for the first process of a pid namespace
 * (pid_namespaces(7)).
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "diagnose/processes.h"
#include "linux/process.h"
#include "linux/signals.h"

enum { SIGNALS = 64, RT_FIRST = 32, STANDARD = 31 };

/* "HUP TERM RTMIN+3"; "-" for none. The two that the C library keeps to itself are left out. */
static char *names(uint64_t set, struct arena *a)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(4096);
	char name[SIGNAL_NAME_SIZE];
	for (int n = 1; n <= SIGNALS; n++)
		if (set >> (n - 1) & 1 && n != RT_FIRST && n != RT_FIRST + 1)
			strbuf_printf(&text, "%s%s", text.len ? " " : "",
				      signal_name(n, name) + strlen("SIG"));
	return arena_strdup(a, text.len ? strbuf_text(&text) : "-");
}

static void forecast(const struct container *c, const struct process *first, struct story *s)
{
	struct arena *a = s->a;
	char name[SIGNAL_NAME_SIZE];
	int n = container_stop_signal(c);
	uint64_t bit = UINT64_C(1) << (n - 1);
	int64_t grace =
		c->config.config.stop_timeout.set ? c->config.config.stop_timeout.value : 10;
	const char *who = process_label(first, a), *what = signal_name(n, name);
	if (container_has_init(c))
		s->verdict = arena_printf(a,
					  "stop is graceful: hull-init passes %s on, and waits "
					  "for all processes",
					  what);
	else if (first->ignored & bit)
		s->verdict = arena_printf(a,
					  "stop is not graceful: process %s ignores %s, and %lld "
					  "s later all is killed",
					  who, what, (long long)grace);
	else if (process_drops(first, n))
		s->verdict = arena_printf(
			a,
			"stop is not graceful: process %s has no handler for %s, so the kernel "
			"drops it, and %lld s later all is killed",
			who, what, (long long)grace);
	else if (first->caught & bit)
		s->verdict = arena_printf(a, "stop is graceful: process %s has a handler for %s",
					  who, what);
	else if (first->blocked & bit || process_waits(first))
		s->verdict = arena_printf(
			a, "process %s takes %s in its own way (sigwait or a signalfd)", who, what);
	else
		s->verdict = arena_printf(
			a, "process %s ends at once on %s, without a handler for it", who, what);
	if (container_has_init(c))
		return;
	if (process_drops(first, n) && !(first->ignored & bit))
		story_advise(s, "--init: hull-init passes the signal on, and a process that is not "
				"number 1 ends on it");
	if (process_drops(first, n) || first->ignored & bit)
		story_advise(s, "a handler in the program; or --stop-signal, if it has one for "
				"another signal");
}

/* What comes of a signal without a handler (signal(7)), and what never gets to number 1: the kernel
 * drops KILL and STOP for it where the sender is inside, the rest wherever he is. */
static void tell_defaults(const struct process *first, struct story *s)
{
	static const char *const actions[][2] = {{"term", "the process ends"},
						 {"core", "it ends, with a core"},
						 {"stop", "it stops"},
						 {"cont", "it goes on, if it was stopped"},
						 {"ignore", "nothing"}};
	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		uint64_t set = 0;
		for (int n = 1; n <= STANDARD; n++)
			if (!strcmp(signal_default_action(n), actions[i][0]))
				set |= UINT64_C(1) << (n - 1);
		story_evidence(s, arena_printf(s->a, "default %s", actions[i][0]), "%s: %s%s",
			       actions[i][1], names(set, s->a), i ? "" : " RTMIN to RTMAX");
	}
	if (first->inside == 1)
		story_evidence(s, "to process 1",
			       "KILL and STOP from inside are dropped by the kernel; of the others "
			       "what it neither catches nor blocks, from anywhere");
}

int diagnose_signals(const struct container *c, struct story *s, struct err *e)
{
	struct processes all;
	int r = processes_read(c, s->a, &all, e);
	if (r < 0)
		return r;
	if (!all.count)
		return err_set(e, ESRCH, ERR_CONFLICT, "container %s is not running", c->name);
	forecast(c, &all.list[0], s);
	tell_defaults(&all.list[0], s);
	for (size_t i = 0; i < all.count; i++) {
		const struct process *p = &all.list[i];
		if (p->state == 'Z')
			continue;
		story_evidence(s, process_label(p, s->a),
			       "catches %s; ignores %s; blocks %s; pending %s",
			       names(p->caught, s->a), names(p->ignored, s->a),
			       names(p->blocked, s->a), names(p->pending, s->a));
	}
	return 0;
}
