/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict over a container. Its events since the last start are brought into one struct, the
 * rules then look at that alone, the most certain cause first. Rests on signal(7), core(5), and on
 * what a shell makes of the end of its commands: 128 + n. Read why.h first.
 */
#include "diagnose/why.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "engine/container_logs.h"
#include "engine/events.h"
#include "engine/recorder.h"
#include "engine/stats.h"
#include "linux/namespaces.h"
#include "linux/oom.h"
#include "linux/signals.h"

enum { LOG_LINES = 5, MOMENTS = 24, SHORT_NS = 2000000000 };

/* A container between its last start and its end, or now. */
struct life {
	struct story *s;
	struct engine *en;
	const struct container *c; /* NULL: it was removed */
	const char *ref;           /* as it was asked for */
	char id[ID_LEN + 1], *name, *image;
	int64_t created, started, ended, removed; /* 0: not */
	int64_t ends;                             /* all of them, of all its runs */
	int64_t until;                            /* the end that is asked for; 0: now */
	int code, signal;
	bool oom_main, oom; /* PID 1, or any */
	struct oom oom_of;  /* the last of them */
	char *error, *policy, *survivors;
	int64_t asked; /* hull sent a signal, the last but SIGKILL */
	int asked_signal;
	int64_t killed; /* hull sent SIGKILL */
	char *sender;
	bool no_handler; /* PID 1 had none for that signal */
	bool stopped;    /* by stop or restart, not by kill */
	char *health;
};

static const char *attribute(struct json_object *event, const char *key)
{
	struct json_object *actor, *attributes, *value;
	if (!json_object_object_get_ex(event, "Actor", &actor) ||
	    !json_object_object_get_ex(actor, "Attributes", &attributes) ||
	    !json_object_object_get_ex(attributes, key, &value))
		return NULL;
	return json_object_get_string(value);
}

static int number(const char *text)
{
	int64_t n;
	return text && int_parse(text, 0, 255, &n) == 0 ? (int)n : 0;
}

static char *span(struct arena *a, int64_t ns)
{
	double seconds = (double)(ns < 0 ? 0 : ns) / 1e9;
	char human[TIME_TEXT_SIZE];
	return seconds < 1    ? arena_printf(a, "%.0f ms", seconds * 1e3)
	       : seconds < 60 ? arena_printf(a, "%.1f s", seconds)
			      : arena_strdup(a, duration_human(ns, human));
}

static char *signal_word(struct arena *a, int number_)
{
	char name[SIGNAL_NAME_SIZE];
	return arena_strdup(a, signal_text(number_, name));
}

/* ---- what the events say ---- */

static void take_start(struct life *l, int64_t at)
{
	l->started = at;
	l->ended = l->asked = l->killed = 0;
	l->stopped = l->oom = l->oom_main = false;
	l->oom_of = (struct oom){0};
	l->error = l->policy = l->health = l->survivors = NULL;
	l->code = l->signal = l->asked_signal = 0;
	l->sender = NULL;
	l->no_handler = false;
}

static void take_kill(struct life *l, int64_t at, struct json_object *event)
{
	int signal = number(attribute(event, "signal"));
	const char *sender = attribute(event, "sender"), *handler = attribute(event, "handler");
	if (l->ended)
		return;
	l->sender = sender ? arena_strdup(l->s->a, sender) : NULL;
	if (signal == SIGKILL) {
		l->killed = at;
		return;
	}
	l->asked = at;
	l->asked_signal = signal;
	l->no_handler = handler != NULL;
}

static void take_end(struct life *l, struct json_object *event, int64_t at)
{
	struct arena *a = l->s->a;
	const char *error = attribute(event, "error"), *policy = attribute(event, "restart");
	const char *survivors = attribute(event, "survivors");
	l->ended = at;
	l->ends++;
	l->code = number(attribute(event, "exitCode"));
	l->signal = number(attribute(event, "signal"));
	l->oom_main = attribute(event, "oomKilled") != NULL;
	l->error = error ? arena_strdup(a, error) : NULL;
	l->policy = policy ? arena_strdup(a, policy) : NULL;
	l->survivors = survivors ? arena_strdup(a, survivors) : NULL;
}

static int64_t amount(struct json_object *event, const char *key)
{
	const char *text = attribute(event, key);
	int64_t n;
	return text && int_parse(text, 0, INT64_MAX / 4, &n) == 0 ? n : 0;
}

static void take_oom(struct life *l, struct json_object *event)
{
	const char *source = attribute(event, "source"), *group = attribute(event, "group"),
		   *victim = attribute(event, "victim"), *held = attribute(event, "victimMemory");
	struct oom *o = &l->oom_of;
	l->oom = true;
	*o = (struct oom){.scope = oom_scope_of(attribute(event, "scope")),
			  .logged = source && !strcmp(source, "log"),
			  .limit = amount(event, "limit"),
			  .pid = amount(event, "victimPid")};
	snprintf(o->group, sizeof(o->group), "%s", group ? group : "");
	snprintf(o->comm, sizeof(o->comm), "%s", victim ? victim : "");
	if (held)
		sscanf(held, "%" SCNd64 " %" SCNd64 " %" SCNd64, &o->anon, &o->file, &o->shmem);
}

/* What is told of an event in the time line; NULL: nothing. */
static char *moment_text(const struct life *l, const char *action, struct json_object *event)
{
	struct arena *a = l->s->a;
	if (!strcmp(action, "kill"))
		return arena_printf(a, "hull sent %s%s",
				    signal_word(a, number(attribute(event, "signal"))),
				    attribute(event, "handler")
					    ? ", which the kernel dropped: PID 1 has no handler"
					    : "");
	if (!strcmp(action, "oom"))
		return "the kernel killed a process of it for memory";
	if (!strcmp(action, "die") && l->signal)
		return arena_printf(a, "ended by %s", signal_word(a, l->signal));
	if (!strcmp(action, "die"))
		return arena_printf(a, "ended with %d", l->code);
	if (!strcmp(action, "start") && attribute(event, "restartCount"))
		return arena_printf(a, "started by its restart policy, number %s",
				    attribute(event, "restartCount"));
	if (!strncmp(action, "health_status", 13))
		return arena_printf(a, "%s", action);
	static const struct {
		const char *action, *text;
	} texts[] = {{"create", "created"},  {"start", "started"},
		     {"stop", "stopped"},    {"pause", "paused"},
		     {"unpause", "resumed"}, {"restart", "restarted"},
		     {"destroy", "removed"}, {"update", "its limits were changed"},
		     {"rename", "renamed"}};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!strcmp(action, texts[i].action))
			return (char *)texts[i].text;
	return NULL;
}

/* The id comes from the row, or from the last one that had the name. */
static int take(struct json_object *event, void *ctx, struct err *e)
{
	struct life *l = ctx;
	struct json_object *actor, *id, *action, *time;
	if (!event || !json_object_object_get_ex(event, "Actor", &actor) ||
	    !json_object_object_get_ex(actor, "ID", &id) ||
	    !json_object_object_get_ex(event, "Action", &action) ||
	    !json_object_object_get_ex(event, "timeNano", &time))
		return 0;
	const char *what = json_object_get_string(action), *whose = json_object_get_string(id);
	int64_t at = json_object_get_int64(time);
	if (l->until && l->ended == l->until && !strcmp(what, "start"))
		return 1; /* its next life */
	const char *called = attribute(event, "name");
	/* The filter takes prefixes, too. */
	bool meant = !strcmp(l->ref, whose) || (called && !strcmp(l->ref, called));
	if (strcmp(l->id, whose) && (l->c || !meant))
		return 0;
	if (strcmp(l->id, whose)) { /* another one of that name */
		snprintf(l->id, sizeof(l->id), "%s", whose);
		l->s->moment_count = 0;
		l->created = l->removed = l->ends = 0;
		take_start(l, 0);
	}
	const char *image = attribute(event, "image");
	l->image = image ? arena_strdup(l->s->a, image) : l->image;
	l->name = called ? arena_strdup(l->s->a, called) : l->name;
	if (!strcmp(what, "create"))
		l->created = at;
	else if (!strcmp(what, "start"))
		take_start(l, at);
	else if (!strcmp(what, "kill"))
		take_kill(l, at, event);
	else if (!strcmp(what, "oom"))
		take_oom(l, event);
	else if (!strcmp(what, "die"))
		take_end(l, event, at);
	else if (!strcmp(what, "stop"))
		l->stopped = true;
	else if (!strcmp(what, "destroy"))
		l->removed = at;
	char *text = moment_text(l, what, event);
	if (text)
		story_moment(l->s, at, "%s", text);
	return 0;
}

/* ---- how it ended ---- */

/* Whose memory it was that came to its end; the first %s is "probably ", where that is concluded.
 */
static char *memory_cause(const struct life *l)
{
	const struct oom *o = &l->oom_of;
	const char *maybe = o->logged ? "" : "probably ";
	struct arena *a = l->s->a;
	char size[SIZE_TEXT_SIZE];
	const char *of = o->limit ? arena_printf(a, " of %s", size_binary(o->limit, size)) : "";
	if (o->scope == OOM_OWN)
		return arena_printf(a, ": the container %sreached its memory limit%s", maybe, of);
	if (o->scope == OOM_INSIDE)
		return arena_printf(a,
				    ": a group inside of the container, %s, %sreached its "
				    "memory limit%s",
				    *o->group ? o->group : "whose name is not known", maybe, of);
	if (o->scope == OOM_ABOVE)
		return arena_printf(a,
				    ": the group %s above it %sreached its memory limit%s, "
				    "which all that is in it share",
				    o->group, maybe, of);
	if (o->scope == OOM_HOST)
		return arena_printf(a, ": the machine %shad no memory left", maybe);
	return " for want of memory; whose limit it was is not recorded";
}

static void memory_advice(struct life *l)
{
	const enum oom_scope scope = l->oom_of.scope;
	if (scope == OOM_OWN && l->c)
		story_advise(l->s, "give it more (hull update -m SIZE %s), or make it need less",
			     l->name);
	if (scope == OOM_ABOVE)
		story_advise(l->s,
			     "hull update cannot lift the limit of %s; hull explain %s "
			     "limits shows all of them",
			     l->oom_of.group, l->name);
	if (scope == OOM_HOST || (scope == OOM_ABOVE && l->c && l->c->config.host.memory <= 0))
		story_advise(l->s, "the kernel takes the process that holds the most: limits (-m) "
				   "on those that need much protect the others");
}

static void memory_evidence(struct life *l)
{
	const struct oom *o = &l->oom_of;
	char all[SIZE_TEXT_SIZE], anon[SIZE_TEXT_SIZE], file[SIZE_TEXT_SIZE], shmem[SIZE_TEXT_SIZE];
	if (o->scope)
		story_evidence(l->s, "whose limit", "%s",
			       o->logged ? "the kernel's log names it"
					 : "concluded from the counters of the groups: the "
					   "kernel's log does not "
					   "tell");
	if (o->pid)
		story_evidence(l->s, "victim",
			       "%s (pid %lld of the host), which held %s: anonymous %s, files %s, "
			       "shared %s",
			       o->comm, (long long)o->pid,
			       size_binary(o->anon + o->file + o->shmem, all),
			       size_binary(o->anon, anon), size_binary(o->file, file),
			       size_binary(o->shmem, shmem));
}

static void memory_verdict(struct life *l)
{
	l->s->verdict = arena_printf(l->s->a, "%s killed by the kernel%s",
				     l->oom_main ? "its main process was" : "a process of it was",
				     memory_cause(l));
	memory_advice(l);
	memory_evidence(l);
}

static const struct {
	int signal;
	const char *means;
} crashes[] = {
	{SIGSEGV, "a crash, by the use of memory that it does not have: a bug, or a stack that is "
		  "too small"},
	{SIGBUS, "memory that cannot be had: a file that became shorter while it was mapped, "
		 "or a full /dev/shm (--shm-size)"},
	{SIGILL, "an instruction that this processor does not know: was it built for a newer one?"},
	{SIGFPE, "a division by zero, or the like"},
	{SIGABRT, "by itself, because something was wrong: see what it wrote last"},
	{SIGSYS, "a system call that its seccomp profile forbids"},
	{SIGXCPU, "its limit on processor time (--ulimit cpu)"},
	{SIGXFSZ, "its limit on the size of a file (--ulimit fsize)"},
	{SIGPIPE, "because it wrote to a pipe that nobody reads any more"},
};

/* "kill[12], which bash[10] started, user 1000, in session-3.scope" */
static char *recorded_sender(const struct recorded_signal *s, struct arena *a)
{
	char *text =
		arena_printf(a, "%s[%d]", *s->sender ? s->sender : "a process", (int)s->sender_pid);
	if (*s->parent && s->sender_parent > 1)
		text = arena_printf(a, "%s, which %s[%d] started", text, s->parent,
				    (int)s->sender_parent);
	if (s->sender_uid >= 0)
		text = arena_printf(a, "%s, user %d", text, (int)s->sender_uid);
	return *s->unit && !s->inside ? arena_printf(a, "%s, in %s", text, s->unit) : text;
}

/* hull passes on what its client gets, which is no wish that was noted. */
static const char *recorded_origin(const struct recorded_signal *s)
{
	if (s->inside)
		return "inside, not by hull";
	return strncmp(s->sender, "hull", 4) ? "outside of the container, not by hull"
					     : "outside of the container";
}

static void recorded_verdict(struct life *l, int signal, const struct recorded_signal *s)
{
	struct arena *a = l->s->a;
	l->s->verdict =
		!signal_has_sender(s->code)
			? arena_printf(a, "it was ended by %s, which %s", signal_word(a, signal),
				       s->code > 0 ? "the kernel itself sent"
						   : "came from a timer, or I/O, of its own")
			: arena_printf(a, "it was ended by %s, sent from %s: %s",
				       signal_word(a, signal), recorded_origin(s),
				       recorded_sender(s, a));
}

static const char *crash_of(int signal)
{
	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		if (crashes[i].signal == signal)
			return crashes[i].means;
	return NULL;
}

/* By a signal that hull did not send. The recorder, if it ran, knows of it; it is root's. */
static void signal_verdict(struct life *l, int signal)
{
	struct arena *a = l->s->a;
	const char *means = crash_of(signal), *name = signal_word(a, signal);
	struct recorded_signal s;
	const int r = recorder_find(l->en, l->id, signal, l->started, l->ended, &s);
	/* One that a program gets by its own fault can be sent, too. */
	const bool sent = r == 1 && signal_has_sender(s.code) && s.pid != s.sender_pid;
	if (means && !sent) {
		l->s->verdict = arena_printf(a, "it was ended by %s: usually %s", name, means);
		return;
	}
	if (r == 1) {
		recorded_verdict(l, signal, &s);
		return;
	}
	if (r < 0 && !namespace_caller_is_user())
		story_advise(l->s, "hull-recorder.service (hull system record) keeps who sends "
				   "signals to containers: it was not running");
	l->s->verdict = arena_printf(
		a,
		"it was ended by %s, which hull did not send: a process of the host did, or one "
		"with the same user in a shared pid namespace",
		name);
	if (signal == SIGKILL)
		story_advise(l->s, "the kernel kills so, too, when the machine itself is out of "
				   "memory: see its log (dmesg)");
}

/* Whether hull was asked for this end: stop; or a signal that ended it, or that programs take as
 * the wish that they end. */
static bool was_asked(const struct life *l)
{
	bool wish = l->asked_signal == SIGTERM || l->asked_signal == SIGINT ||
		    l->asked_signal == SIGQUIT;
	return l->stopped || (l->killed && l->signal == SIGKILL) ||
	       (l->asked && l->signal == l->asked_signal) ||
	       (l->asked && wish && !l->signal && !l->no_handler);
}

/* Somebody asked hull for it. */
static void asked_verdict(struct life *l)
{
	struct arena *a = l->s->a;
	l->s->asked = true;
	const char *what = l->stopped ? "stopped" : "ended by hull kill";
	const char *asked = signal_word(a, l->asked ? l->asked_signal : SIGKILL);
	if (l->sender)
		story_evidence(l->s, "asked for by", "%s", l->sender);
	if (l->stopped && l->asked && l->killed) {
		l->s->verdict = arena_printf(
			a, "%s: it did not end on %s%s, and was killed after %s", what, asked,
			l->no_handler ? ", for which its first process has no handler" : "",
			span(a, l->killed - l->asked));
		story_advise(l->s,
			     "its program should handle %s; --init passes it on and ends what is "
			     "left, --stop-timeout gives it longer",
			     asked);
	} else if (l->killed && l->signal == SIGKILL) {
		l->s->verdict = arena_printf(a, "%s: SIGKILL ended it after %s", what,
					     span(a, l->ended - l->killed));
	} else if (l->signal && l->signal == l->asked_signal) {
		l->s->verdict = arena_printf(a, "%s: %s ended it after %s", what, asked,
					     span(a, l->ended - l->asked));
	} else if (l->signal) {
		l->s->verdict = arena_printf(a, "%s: it was sent %s, and %s ended it", what, asked,
					     signal_word(a, l->signal));
	} else {
		l->s->verdict = arena_printf(a, "%s: it took %s and ended with %d after %s", what,
					     asked, l->code, span(a, l->ended - l->asked));
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
				     span(a, lasted));
	if (lasted < SHORT_NS)
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
			"its command returned %d, as a shell does when what it ran was ended by "
			"%s%s",
			l->code, signal_word(a, of_shell),
			l->oom && of_shell == SIGKILL ? ": the kernel killed that for memory" : "");
	else if (l->code == 127)
		l->s->verdict = "its command returned 127: usually a shell that did not find the "
				"program that it was to run";
	else if (l->code == 126)
		l->s->verdict = "its command returned 126: usually a shell that could not execute "
				"the program that it was to run (its mode, or its format)";
	else
		l->s->verdict = arena_printf(a, "its command ended by itself with %d after %s",
					     l->code, span(a, l->ended - l->started));
	if (of_shell && l->oom)
		memory_verdict(l);
	else if (l->s->log.count)
		story_advise(l->s, "what it wrote last may say why: hull logs %s", l->name);
}

static void ended_verdict(struct life *l)
{
	if (l->error && *l->error)
		l->s->verdict = arena_printf(l->s->a, "how it ended is not known: %s", l->error);
	else if (l->oom_main)
		memory_verdict(l);
	else if (was_asked(l))
		asked_verdict(l);
	else if (l->signal)
		signal_verdict(l, l->signal);
	else if (l->code)
		code_verdict(l);
	else
		zero_verdict(l);
	story_evidence(l->s, "lasted", "%s", span(l->s->a, l->ended - l->started));
	if (l->signal)
		story_evidence(l->s, "exit code", "%d (%s)", l->code,
			       signal_word(l->s->a, l->signal));
	else
		story_evidence(l->s, "exit code", "%d", l->code);
	if (l->survivors)
		l->s->verdict = arena_printf(
			l->s->a, "%s; hull-init killed what had not ended in the grace time: %s",
			l->s->verdict, l->survivors);
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
		span(a, l->c->restart_due - clock_real_ns()), (long long)l->c->restarts,
		l->s->verdict);
}

/* The row and the events know of them only after the end. */
static int64_t killed_so_far(const struct container *c, struct oom *ret)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct container_stats_place place;
	struct err ignored;
	container_stats_place(c, &place);
	int64_t kills =
		cgroup_open(place.path, &group, &ignored) < 0 ? 0 : cgroup_oom_kills(&group);
	if (kills > 0)
		oom_look(place.path, c->started, ret);
	return kills > 0 ? kills : 0;
}

static void running_verdict(struct life *l)
{
	struct arena *a = l->s->a;
	const struct container *c = l->c;
	const char *since = span(a, clock_real_ns() - c->started);
	int64_t kills = killed_so_far(c, &l->oom_of);
	if (c->status == CONTAINER_PAUSED)
		l->s->verdict =
			arena_printf(a, "it is paused: hull unpause %s lets it go on", l->name);
	else if (c->health && !strcmp(c->health, "unhealthy"))
		l->s->verdict =
			arena_printf(a, "it runs for %s, but its health check fails", since);
	else if (kills > 0)
		memory_verdict(l);
	else if (c->restarts > 0)
		l->s->verdict = arena_printf(
			a, "it runs for %s, after its policy started it %lld time%s again", since,
			(long long)c->restarts, c->restarts == 1 ? "" : "s");
	else
		l->s->verdict =
			arena_printf(a, "it runs for %s, and nothing happened to it", since);
	if (c->health && !strcmp(c->health, "unhealthy"))
		story_advise(l->s,
			     "hull inspect -f '{{json .State.Health}}' %s shows what the checks "
			     "said",
			     l->name);
	if (kills > 0)
		story_evidence(l->s, "killed for memory",
			       "%lld process%s, while the first one runs on", (long long)kills,
			       kills == 1 ? "" : "es");
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
		l->s->verdict = arena_printf(a, "it could not be started%s: %s",
					     l->ended ? " again" : "", c->error);
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
	if (c->oom_kills > 0)
		story_evidence(l->s, "killed for memory", "%lld process%s", (long long)c->oom_kills,
			       c->oom_kills == 1 ? "" : "es");
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
	struct err ignored;
	struct logs_query q = {.tail = LOG_LINES, .end_fd = -1};
	if (l->c)
		container_logs(l->en, l->c, &q, take_line, l->s, NULL, &ignored);
}

int diagnose_why(struct engine *en, const char *ref, struct arena *a, struct story *ret,
		 struct err *e)
{
	struct container c;
	struct err none;
	*ret = (struct story){.a = a};
	struct life l = {.s = ret, .en = en, .ref = ref, .name = (char *)ref, .image = ""};
	struct event_query q = {.since = 1, .until = clock_real_ns(), .client = -1};
	int r = container_find(en, ref, a, &c, &none);
	if (r == 0) {
		l.c = &c;
		memcpy(l.id, c.id, sizeof(l.id));
		l.name = c.name;
		l.image = c.image_name;
		add_log(&l);
	} else if (r != -ENOENT) {
		*e = none;
		return r;
	}
	r = event_filter_add(a, &q, arena_printf(a, "container=%s", l.c ? c.id : ref), e);
	if (r == 0)
		r = event_filter_add(a, &q, "type=container", e);
	q.actor = l.c ? c.id : NULL;
	if (r == 0)
		r = engine_events(en, &q, take, &l, e);
	if (r < 0)
		return r;
	if (!l.c && !*l.id) {
		*e = none;
		return -e->number;
	}
	if (l.c && c.name)
		l.name = c.name;
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
	struct life l = {.s = ret, .en = en, .ref = id, .image = "", .until = ended_ns};
	struct event_query q = {.since = 1, .until = clock_real_ns(), .client = -1, .actor = id};
	*ret = (struct story){.a = a};
	snprintf(l.id, sizeof(l.id), "%s", id);
	l.name = l.id;
	if (container_find(en, id, a, &c, &none) == 0)
		l.c = &c;
	int r = event_filter_add(a, &q, "type=container", e);
	if (r == 0)
		r = engine_events(en, &q, take, &l, e);
	if (r < 0)
		return r;
	if (l.ended != ended_ns)
		return err_set(e, ENOENT, ERR_NOT_FOUND, "container %s: no event tells of that end",
			       id);
	ended_verdict(&l);
	return 0;
}
