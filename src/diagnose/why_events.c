/* SPDX-License-Identifier: Apache-2.0 */
/* What a container's events say of its last run, for hull why. Read why_life.h first. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "diagnose/why_life.h"
#include "linux/process.h"

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

static int64_t amount(struct json_object *event, const char *key)
{
	const char *text = attribute(event, key);
	int64_t n;
	return text && int_parse(text, 0, INT64_MAX, &n) == 0 ? n : 0;
}

static void take_start(struct life *l, int64_t at)
{
	l->started = at;
	l->ended = l->asked = l->killed = 0;
	l->stopped = l->stopping = l->overtaken = l->oom = l->oom_main = l->oom_likely = false;
	l->oom_of = (struct oom){0};
	l->oom_kills = l->oom_at = l->refused = l->unlogged = l->used = 0;
	l->error = l->policy = l->survivors = l->fault = l->pressure = l->full = NULL;
	l->code = l->signal = l->asked_signal = 0;
	l->sender = NULL;
	l->handling = "";
}

static void take_kill(struct life *l, int64_t at, struct json_object *event)
{
	int signal = number(attribute(event, "signal"));
	const char *sender = attribute(event, "sender"), *handler = attribute(event, "handler");
	/* SIGCONT and the like end nobody; timeout(1) sends one behind the other. */
	const char *action = signal_default_action(signal);
	const bool stop = attribute(event, "stop") != NULL;
	if (l->ended || (strcmp(action, "term") != 0 && strcmp(action, "core") != 0))
		return;
	/* What hull kill sends while it is being stopped is not what stops it; what does nothing is
	 * not more than what it has taken. */
	if (!stop &&
	    (l->stopping || (l->asked && why_is_lost(handler) && !why_is_lost(l->handling)))) {
		if (signal == SIGKILL && !l->killed)
			l->overtaken = l->stopping;
		l->killed = signal == SIGKILL ? at : l->killed;
		return;
	}
	l->stopping = stop;
	l->health_ends += sender && !strcmp(sender, ASKED_BY_HEALTH) && !l->asked;
	l->sender = sender ? arena_strdup(l->s->a, sender) : NULL;
	if (signal == SIGKILL) {
		l->killed = at;
		return;
	}
	l->asked = at;
	l->asked_signal = signal;
	l->handling = handler ? arena_strdup(l->s->a, handler) : "";
}

static void take_end(struct life *l, struct json_object *event, int64_t at)
{
	struct arena *a = l->s->a;
	const char *error = attribute(event, "error"), *policy = attribute(event, "restart");
	const char *survivors = attribute(event, "survivors"), *fault = attribute(event, "fault");
	const char *pressure = attribute(event, "pressure"), *full = attribute(event, "full");
	const int64_t finished = amount(event, "finishedNano");
	l->last_end = at;
	l->ended = finished ? finished : at;
	l->ends++;
	l->code = number(attribute(event, "exitCode"));
	l->signal = number(attribute(event, "signal"));
	const char *main = attribute(event, "oomKilled");
	l->oom_main = main != NULL;
	l->oom_likely = main && strcmp(main, "true") != 0;
	l->error = error ? arena_strdup(a, error) : NULL;
	l->policy = policy ? arena_strdup(a, policy) : NULL;
	l->survivors = survivors ? arena_strdup(a, survivors) : NULL;
	l->refused = amount(event, "processesRefused");
	const char *whose = attribute(event, "processesLimit");
	l->refused_by = whose ? !strcmp(whose, "own") : -1;
	l->used = amount(event, "processorNano");
	l->unlogged = amount(event, "bytesNotLogged");
	l->fault = fault ? arena_strdup(a, fault) : NULL;
	l->pressure = pressure ? arena_strdup(a, pressure) : NULL;
	l->full = full ? arena_strdup(a, full) : NULL;
}

static void take_oom(struct life *l, struct json_object *event)
{
	const char *source = attribute(event, "source"), *group = attribute(event, "group"),
		   *victim = attribute(event, "victim"), *held = attribute(event, "victimMemory");
	struct oom *o = &l->oom_of;
	l->oom = true;
	l->oom_kills = amount(event, "kills");
	l->oom_at = amount(event, "killedNano");
	*o = (struct oom){.scope = oom_scope_of(attribute(event, "scope")),
			  .logged = source && !strcmp(source, "log"),
			  .limit = amount(event, "limit"),
			  .pid = amount(event, "victimPid"),
			  .shared = amount(event, "sharedMemory")};
	snprintf(o->group, sizeof(o->group), "%s", group ? group : "");
	snprintf(o->comm, sizeof(o->comm), "%s", victim ? victim : "");
	if (held)
		sscanf(held, "%" SCNd64 " %" SCNd64 " %" SCNd64, &o->anon, &o->file, &o->shmem);
}

/* Of a signal. */
static const char *fate(const char *handler)
{
	return !handler                      ? ""
	       : !strcmp(handler, "none")    ? ", which the kernel dropped: PID 1 has no handler"
	       : !strcmp(handler, "ignored") ? ", which PID 1 ignores"
					     : "";
}

/* What is told of an event in the time line; NULL: nothing. */
static char *moment_text(const struct life *l, const char *action, struct json_object *event)
{
	struct arena *a = l->s->a;
	if (!strcmp(action, "kill"))
		return arena_printf(a, "hull sent %s%s",
				    why_signal(a, number(attribute(event, "signal"))),
				    fate(attribute(event, "handler")));
	if (!strcmp(action, "oom") && l->oom_kills > 1)
		return arena_printf(a, "the kernel killed the last of %lld processes for memory",
				    (long long)l->oom_kills);
	if (!strcmp(action, "oom"))
		return "the kernel killed a process of it for memory";
	if (!strcmp(action, "die") && l->error)
		return "it had ended by then";
	if (!strcmp(action, "die") && l->signal)
		return arena_printf(a, "ended by %s", why_signal(a, l->signal));
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
int why_take(struct json_object *event, void *ctx, struct err *e)
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
	if (l->until && l->last_end == l->until && !strcmp(what, "start"))
		return 1; /* its next life */
	const char *called = attribute(event, "name");
	/* The filter takes prefixes, too. */
	bool meant = !strcmp(l->ref, whose) || (called && !strcmp(l->ref, called));
	if (strcmp(l->id, whose) && (l->c || !meant))
		return 0;
	if (strcmp(l->id, whose)) { /* another one of that name */
		snprintf(l->id, sizeof(l->id), "%s", whose);
		l->s->moment_count = 0;
		l->created = l->removed = l->ends = l->last_end = 0;
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
	/* That of what was noted later. */
	const int64_t then = amount(event, "killedNano") + amount(event, "finishedNano");
	if (text)
		story_moment(l->s, then ? then : at, "%s", text);
	return 0;
}
