/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict over a container. Its events since the last start are brought into one struct, the
 * rules then look at that alone, the most certain cause first. Rests on signal(7), core(5), and on
 * what a shell makes of the end of its commands: 128 + n. Read why.h first.
 */
#include "diagnose/why.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"
#include "diagnose/topics.h"
#include "diagnose/usage.h"
#include "diagnose/why_life.h"
#include "engine/container_logs.h"
#include "engine/events.h"
#include "linux/signals.h"

enum { LOG_LINES = 5, MOMENTS = 24, SHORT_NS = 2000000000 };
/* What a signal leads to later than that is not because of it, but for one that is a wish. */
#define LONG_NS INT64_C(10000000000)
/* So long a machine may take to go down and come up again. */
#define DOWN_NS INT64_C(600000000000)

char *why_span(struct arena *a, int64_t ns)
{
	double seconds = (double)(ns < 0 ? 0 : ns) / 1e9;
	char human[TIME_TEXT_SIZE];
	return seconds < 1    ? arena_printf(a, "%.0f ms", seconds * 1e3)
	       : seconds < 60 ? arena_printf(a, "%.1f s", seconds)
			      : arena_strdup(a, duration_human(ns, human));
}

char *why_signal(struct arena *a, int number_)
{
	char name[SIGNAL_NAME_SIZE];
	return arena_strdup(a, signal_text(number_, name));
}

/* ---- how it ended ---- */

bool why_is_lost(const char *handling)
{
	return handling && (!strcmp(handling, "none") || !strcmp(handling, "ignored"));
}

/* Whether hull was asked for this end: stop; or a signal that ended it, as the kernel says. */
static bool was_asked(const struct life *l)
{
	return l->stopped || (l->killed && l->signal == SIGKILL) ||
	       (l->asked && l->signal == l->asked_signal && !why_is_lost(l->handling));
}

/* It was stopped, and ended with a code. */
static char *taken_verdict(const struct life *l, const char *what, const char *asked)
{
	struct arena *a = l->s->a;
	const char *span = why_span(a, l->ended - l->asked);
	if (why_is_lost(l->handling))
		return arena_printf(a,
				    "%s: %s did nothing, for its first process %s; it ended by "
				    "itself with %d, %s after it",
				    what, asked,
				    !strcmp(l->handling, "none") ? "has no handler for it"
								 : "ignores it",
				    l->code, span);
	return arena_printf(a, "%s: it took %s and ended with %d after %s", what, asked, l->code,
			    span);
}

/* A signal of hull that it took, and lived on: programs take some as the wish that they end,
 * however long that lasts. Whether it ended because of that nobody knows. */
static void tell_taken(struct life *l)
{
	struct arena *a = l->s->a;
	const bool wish = l->asked_signal == SIGTERM || l->asked_signal == SIGINT ||
			  l->asked_signal == SIGQUIT;
	if (!l->asked || why_is_lost(l->handling) || was_asked(l) ||
	    (!wish && l->ended - l->asked > LONG_NS))
		return;
	l->s->verdict =
		arena_printf(a, "%s; %s before that hull sent it %s%s", l->s->verdict,
			     why_span(a, l->ended - l->asked), why_signal(a, l->asked_signal),
			     *l->handling ? ", for which it had a handler" : "");
	if (l->sender)
		story_evidence(l->s, "asked for by", "%s", l->sender);
}

/* Somebody asked hull for it. */
static void asked_verdict(struct life *l)
{
	struct arena *a = l->s->a;
	const bool health = l->sender && !strcmp(l->sender, ASKED_BY_HEALTH);
	const bool removed = l->removed && l->removed - l->ended < SHORT_NS;
	const char *what = health       ? "ended because its health check failed"
			   : l->stopped ? "stopped"
			   : removed    ? "ended by hull kill or rm -f"
			   : l->killed && l->signal == SIGKILL
				   ? "ended by hull kill"
				   : "ended by a signal that hull sent"; /* kill; run passes on */
	l->s->asked = !health;
	const char *asked = why_signal(a, l->asked ? l->asked_signal : SIGKILL);
	if (l->sender)
		story_evidence(l->s, "asked for by", "%s", l->sender);
	if (l->stopped && l->asked && l->overtaken) {
		l->s->verdict = arena_printf(
			a, "%s: hull kill or rm -f sent SIGKILL, %s after stop had sent %s", what,
			why_span(a, l->killed - l->asked), asked);
	} else if (l->stopped && l->asked && l->killed) {
		l->s->verdict = arena_printf(
			a, "%s: it did not end on %s%s, and was killed after %s", what, asked,
			!strcmp(l->handling, "none")
				? ", for which its first process has no handler"
			: !strcmp(l->handling, "ignored") ? ", which its first process ignores"
			: !strcmp(l->handling, "caught")
				? ", for which its first process has a handler"
				: "",
			why_span(a, l->killed - l->asked));
		story_advise(l->s,
			     *l->handling && strcmp(l->handling, "none")
				     ? "its program should end on %s; --stop-timeout gives it "
				       "longer, --stop-signal has it sent another"
				     : "its program should handle %s; --init passes it on and ends "
				       "what is left, --stop-timeout gives it longer",
			     asked);
	} else if (l->killed && l->signal == SIGKILL) {
		l->s->verdict = arena_printf(a, "%s: SIGKILL ended it after %s", what,
					     why_span(a, l->ended - l->killed));
	} else if (l->signal && l->signal == l->asked_signal && !l->stopped &&
		   (*l->handling || l->ended - l->asked > LONG_NS)) {
		l->s->verdict = arena_printf(a, "it was ended by %s, %s after hull sent one%s",
					     asked, why_span(a, l->ended - l->asked),
					     *l->handling ? ", for which it had a handler" : "");
	} else if (l->signal && l->signal == l->asked_signal) {
		l->s->verdict = arena_printf(a, "%s: %s ended it after %s", what, asked,
					     why_span(a, l->ended - l->asked));
	} else if (l->signal) {
		const bool by_init = l->c && container_has_init(l->c) && l->survivors;
		l->s->verdict = arena_printf(a, "%s: it was sent %s, and %s ended it%s", what,
					     asked, why_signal(a, l->signal),
					     by_init ? "" : ", which hull did not send");
	} else {
		l->s->verdict = taken_verdict(l, what, asked);
	}
}

static bool is_shell(const char *command)
{
	static const char *const shells[] = {"sh", "bash", "ash", "dash", "zsh"};
	const char *end = command + strcspn(command, " "), *word = end;
	while (word > command && word[-1] != '/')
		word--;
	for (size_t i = 0; !*end && i < ARRAY_LEN(shells); i++)
		if (strlen(shells[i]) == (size_t)(end - word) &&
		    !strncmp(word, shells[i], (size_t)(end - word)))
			return true;
	return false;
}

static void zero_verdict(struct life *l)
{
	struct arena *a = l->s->a;
	const struct container *c = l->c;
	int64_t lasted = l->ended - l->started;
	if (c && is_shell(c->command) && !c->config.config.open_stdin && lasted < SHORT_NS) {
		l->s->verdict = "its command is a shell without input: it read the end of its "
				"standard input, and was done";
		story_advise(l->s, "give it a terminal (hull run -it), or a command that stays");
		return;
	}
	l->s->verdict = arena_printf(a, "its command ended by itself, with success, after %s",
				     why_span(a, lasted));
	why_signalled(l);
	if (lasted < SHORT_NS && !l->oom && !l->asked)
		story_advise(l->s,
			     "a container lives as long as its command: a server must stay in "
			     "the foreground");
}

/* By itself, with a code that is not 0. */
static void code_verdict(struct life *l)
{
	struct arena *a = l->s->a;
	int of_shell = l->code > 128 && l->code < 128 + 65 ? l->code - 128 : 0;
	if (of_shell)
		l->s->verdict = arena_printf(
			a,
			"its command returned %d, by which a shell tells that %s ended what it "
			"ran; a program may return it by itself, too",
			l->code, why_signal(a, of_shell));
	else if (l->code == 127)
		l->s->verdict = "its command returned 127: usually a shell that did not find the "
				"program that it was to run, or a program whose interpreter or "
				"libraries are missing";
	else if (l->code == 126)
		l->s->verdict = "its command returned 126: usually a shell that could not execute "
				"the program that it was to run (its mode, its format, or a mount "
				"with noexec)";
	else
		l->s->verdict = arena_printf(a, "its command ended by itself with %d after %s",
					     l->code, why_span(a, l->ended - l->started));
	why_signalled(l);
	why_denied(l);
	if (l->s->log.count)
		story_advise(l->s, "what it wrote last may say why: hull logs %s", l->name);
}

static void ended_verdict(struct life *l)
{
	if (l->error && *l->error)
		l->s->verdict = arena_printf(l->s->a, "how it ended is not known: %s", l->error);
	else if (l->oom_main)
		why_memory(l);
	else if (was_asked(l))
		asked_verdict(l);
	else if (l->signal)
		why_killed(l, l->signal);
	else if (l->code)
		code_verdict(l);
	else
		zero_verdict(l);
	tell_taken(l);
	if (l->oom && !l->oom_told)
		why_memory_too(l);
	if (l->refused > 0)
		why_refused(l);
	why_short(l);
	if (l->c && !l->s->asked && (l->code || l->signal))
		diagnose_layer_full(l->en, l->c, l->s);
	const int64_t boot = clock_boot_ns();
	const bool unknown = l->error && *l->error;
	if (!unknown && boot > l->ended && boot - l->ended < DOWN_NS)
		l->s->verdict =
			arena_printf(l->s->a, "%s; the machine was started again %s after that",
				     l->s->verdict, why_span(l->s->a, boot - l->ended));
	story_evidence(l->s, "lasted", "%s%s", unknown ? "at most " : "",
		       why_span(l->s->a, l->ended - l->started));
	if (l->signal)
		story_evidence(l->s, "exit code", "%d (%s)", l->code,
			       why_signal(l->s->a, l->signal));
	else
		story_evidence(l->s, "exit code", "%d", l->code);
	if (l->survivors)
		l->s->verdict = arena_printf(
			l->s->a, "%s; hull-init killed what had not ended in the grace time: %s",
			l->s->verdict, l->survivors);
	why_others(l);
	const struct container *c = l->c;
	int64_t tries = c ? c->config.host.restart_policy.maximum_retry_count : 0;
	if (tries > 0 && !c->pid && c->restarts >= tries && l->code)
		l->s->verdict = arena_printf(l->s->a,
					     "%s; its restart policy tried %lld times, and gave up",
					     l->s->verdict, (long long)tries);
}

/* ---- one that runs, waits, or never ran ---- */

static void restarting_verdict(struct life *l)
{
	struct arena *a = l->s->a;
	ended_verdict(l);
	l->s->verdict = arena_printf(
		a, "it waits for its next start in %s, after %lld by its policy; last time %s",
		why_span(a, l->c->restart_due - clock_real_ns()), (long long)l->c->restarts,
		l->s->verdict);
}

/* What of the topics of hull doctor goes on now: the first is the verdict's, which is returned, or
 * NULL; all are evidence. */
static const char *find_trouble(struct life *l, bool killed)
{
	const char *first = NULL;
	const struct topic *t;
	for (size_t i = 0; l->c->pid && (t = topic_at(i)); i++) {
		struct story s = {.a = l->s->a};
		bool told = killed && !strcmp(t->name, "mem");
		/* It may have ended by now. */
		if (!t->now || told || topic_ask(t, l->en, l->c, &s, ERR_IGNORED) < 0 ||
		    !s.advice.count || s.standing)
			continue;
		first = first ? first : s.verdict;
		story_evidence(l->s, t->name, "%s", s.verdict);
		strv_push_all(l->s->a, &l->s->advice, &s.advice);
	}
	return first;
}

/* Why it had to be started again: the last time, as far as events tell. */
static char *before_text(const struct life *l, const char *when)
{
	struct story s;
	struct arena *a = l->s->a;
	return l->last_end && diagnose_end(l->en, l->id, l->last_end, a, &s, ERR_IGNORED) == 0
		       ? arena_printf(a, "; %s %s", when, s.verdict)
		       : "";
}

static void running_verdict(struct life *l)
{
	struct arena *a = l->s->a;
	const struct container *c = l->c;
	const char *since = why_span(a, clock_real_ns() - c->started), *trouble = NULL;
	int64_t kills = usage_killed(c, &l->oom_of);
	if (c->status != CONTAINER_PAUSED)
		trouble = find_trouble(l, kills > 0);
	if (c->status == CONTAINER_PAUSED)
		l->s->verdict =
			arena_printf(a, "it is paused: hull unpause %s lets it go on", l->name);
	else if (kills > 0)
		why_memory(l);
	else if (trouble)
		l->s->verdict = arena_printf(a, "it runs for %s: %s", since, trouble);
	else if (l->health_ends > 0)
		l->s->verdict = arena_printf(
			a,
			"it runs for %s, after it was ended %lld time%s because its health check "
			"failed%s",
			since, (long long)l->health_ends, l->health_ends == 1 ? "" : "s",
			before_text(l, "its last end:"));
	else if (c->restarts > 0)
		l->s->verdict = arena_printf(
			a, "it runs for %s, after its policy started it %lld time%s again%s", since,
			(long long)c->restarts, c->restarts == 1 ? "" : "s",
			before_text(l, "the last time"));
	else
		l->s->verdict = arena_printf(
			a, "it runs for %s, and nothing is recorded that happened to it since",
			since);
	if (kills > 0)
		story_evidence(l->s, "killed for memory",
			       "%lld process%s, while the first one runs on", (long long)kills,
			       kills == 1 ? "" : "es");
}

static void start_verdict(struct life *l)
{
	const struct container *c = l->c;
	l->s->verdict = arena_printf(l->s->a, "it could not be started%s: %s",
				     l->ended ? " again" : "", c->error);
	if (*c->hint)
		story_advise(l->s, "%s", c->hint);
}

static void judge(struct life *l)
{
	const struct container *c = l->c;
	struct arena *a = l->s->a;
	if (c && (c->status == CONTAINER_RUNNING || c->status == CONTAINER_PAUSED))
		running_verdict(l);
	else if (c && c->status == CONTAINER_RESTARTING)
		restarting_verdict(l);
	else if (c && c->error && *c->error && (!l->error || strcmp(l->error, c->error)))
		start_verdict(l);
	else if (l->ended)
		ended_verdict(l);
	else if (l->started)
		l->s->verdict = "it ran, and what it came to is no longer recorded";
	else
		l->s->verdict = "it was created, and nobody started it";
	if (l->removed)
		l->s->verdict = arena_printf(a, "%s (it was removed since)", l->s->verdict);
}

/* ---- evidence ---- */

static void add_facts(struct life *l)
{
	const struct container *c = l->c;
	char size[SIZE_TEXT_SIZE];
	story_evidence(l->s, "container", "%s (%.12s)", l->name, l->id);
	story_evidence(l->s, "image", "%s", l->image);
	if (!c)
		return;
	story_evidence(l->s, "command", "%s", c->command);
	if (c->config.host.memory > 0)
		story_evidence(l->s, "memory limit", "%s",
			       size_binary(c->config.host.memory, size));
	if (c->oom_kills > 0 && l->ended)
		story_evidence(l->s, "killed for memory", "%lld process%s", (long long)c->oom_kills,
			       c->oom_kills == 1 ? "" : "es");
	if (l->unlogged > 0)
		story_evidence(l->s, "not in its log",
			       "%lld bytes that it wrote: the log could not be written then",
			       (long long)l->unlogged);
	if (restart_policy_any(&c->config.host.restart_policy))
		story_evidence(l->s, "restart policy", "%s, %lld restarts",
			       c->config.host.restart_policy.name, (long long)c->restarts);
}

static int take_line(const struct logs_record *r, void *ctx)
{
	struct story *s = ctx;
	size_t len = r->len && r->bytes[r->len - 1] == '\n' ? r->len - 1 : r->len;
	strv_push(s->a, &s->log, arena_strndup(s->a, r->bytes, len < 400 ? len : 400));
	return 0;
}

static void add_log(struct life *l)
{
	struct logs_query q = {.tail = LOG_LINES, .end_fd = -1};
	if (l->c)
		container_logs(l->en, l->c, &q, take_line, l->s, NULL, ERR_IGNORED);
}

/* What is noted of it: the row and its events, as they are at one moment. An end that nobody has
 * taken note of yet is noted first. */
static int read_life(struct life *l, struct container *c, struct err *e)
{
	struct arena *a = l->s->a;
	struct err none;
	struct event_query q = {.since = 1, .client = -1};
	int r = container_find(l->en, l->ref, a, c, &none);
	if (r < 0 && r != -ENOENT) {
		*e = none;
		return r;
	}
	l->c = r == 0 ? c : NULL;
	if (l->c)
		memcpy(l->id, c->id, sizeof(l->id));
	else
		engine_settle(l->en, e);
	q.actor = l->c ? c->id : NULL;
	r = event_filter_add(a, &q, arena_printf(a, "container=%s", l->c ? c->id : l->ref), e);
	if (r == 0)
		r = event_filter_add(a, &q, "type=container", e);
	if (r == 0)
		r = container_history(l->en, l->c ? c : NULL, &q, a, why_take, l, e);
	if (r == 0 && !l->c && !*l->id) {
		*e = none;
		return -e->number;
	}
	return r;
}

/* Events are kept for a while only: the row tells of the last end, too. */
static void recall_end(struct life *l)
{
	const struct container *c = l->c;
	if (!c || c->status != CONTAINER_EXITED || l->ended || !c->finished || !c->started)
		return;
	l->started = c->started;
	l->ended = c->finished;
	l->code = c->exit_code;
	l->signal = c->exit_signal;
	l->oom = c->oom_kills > 0;
	l->oom_kills = c->oom_kills;
	l->oom_main = c->oom_first;
	l->oom_likely = container_has_init(c);
	l->error = *c->error ? (char *)c->error : NULL;
}

int diagnose_why(struct engine *en, const char *ref, struct arena *a, struct story *ret,
		 struct err *e)
{
	struct container c;
	*ret = (struct story){.a = a};
	struct life l = {
		.s = ret, .en = en, .ref = ref, .name = (char *)ref, .image = "", .handling = ""};
	int r = read_life(&l, &c, e);
	if (r == -ENOENT && l.c) { /* somebody has just removed it */
		*ret = (struct story){.a = a};
		l = (struct life){.s = ret,
				  .en = en,
				  .ref = ref,
				  .name = (char *)ref,
				  .image = "",
				  .handling = ""};
		r = read_life(&l, &c, e);
	}
	if (r < 0)
		return r;
	if (l.c) {
		l.name = c.name;
		l.image = c.image_name;
		add_log(&l);
	}
	recall_end(&l);
	if (ret->moment_count > MOMENTS) { /* the newest */
		ret->moments += ret->moment_count - MOMENTS;
		ret->moment_count = MOMENTS;
	}
	add_facts(&l);
	judge(&l);
	return 0;
}

int diagnose_end(struct engine *en, const char *id, int64_t ended_ns, struct arena *a,
		 struct story *ret, struct err *e)
{
	struct container c;
	struct err none;
	struct life l = {
		.s = ret, .en = en, .ref = id, .image = "", .handling = "", .until = ended_ns};
	struct event_query q = {.since = 1, .until = clock_real_ns(), .client = -1, .actor = id};
	*ret = (struct story){.a = a};
	snprintf(l.id, sizeof(l.id), "%s", id);
	l.name = l.id;
	if (container_find(en, id, a, &c, &none) == 0)
		l.c = &c;
	int r = event_filter_add(a, &q, "type=container", e);
	if (r == 0)
		r = engine_events(en, &q, why_take, &l, e);
	if (r < 0)
		return r;
	if (l.last_end != ended_ns)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "container %s: no event tells of that end",
			       id);
	ended_verdict(&l);
	return 0;
}
