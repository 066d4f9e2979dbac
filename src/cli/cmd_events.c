/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull events: what happens, as it happens, and what has. Lines, JSON and the fields of a format
 * are docker's. Read engine/events.h first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/shape.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "base/time_option.h"
#include "engine/events.h"
#include "template/template.h"

struct events_values {
	char *since, *until, *format;
	struct strv filters;
};

struct printer {
	struct template *template; /* NULL: lines, or JSON */
	bool json;
};

static const char *member(struct json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
}

/* "2026-11-22T02:46:52.100000000Z", in the local zone. */
static void put_time(struct strbuf *out, int64_t ns)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;
	char text[32], zone[8];
	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	strbuf_printf(out, "%s.%09lld", text, (long long)(ns % 1000000000));
	if (tm.tm_gmtoff)
		strbuf_printf(out, "%.3s:%s", zone, zone + 3);
	else
		strbuf_putc(out, 'Z');
}

static void put_line(struct strbuf *out, struct json_object *event)
{
	CLEANUP_ARENA struct arena a = {0};
	struct json_object *actor = json_object_object_get(event, "Actor");
	bool first = true;
	put_time(out, json_object_get_int64(json_object_object_get(event, "timeNano")));
	strbuf_printf(out, " %s %s %s", member(event, "Type"),
		      text_plain(&a, member(event, "Action")), member(actor, "ID"));
	json_object_object_foreach(json_object_object_get(actor, "Attributes"), key, value)
	{
		strbuf_printf(out, "%s%s=%s", first ? " (" : ", ", text_plain(&a, key),
			      text_plain(&a, json_object_get_string(value)));
		first = false;
	}
	strbuf_puts(out, first ? "\n" : ")\n");
}

static const struct template_type string_type = {TEMPLATE_STRING, false, "string", NULL, NULL};
static const struct template_type map_type = {TEMPLATE_MAP, false, "map[string]string",
					      &string_type, NULL};
static const struct template_field actor_fields[] = {
	{"ID", &string_type}, {"Attributes", &map_type}, {NULL, NULL}};
static const struct template_type actor_type = {TEMPLATE_STRUCT, false, "events.Actor", NULL,
						actor_fields};
/* Go's names, and those of the JSON. */
static const struct {
	const char *name, *key;
	const struct template_type *type;
} members[] = {{"Status", "status", &string_type}, {"ID", "id", &string_type},
	       {"From", "from", &string_type},     {"Type", "Type", &string_type},
	       {"Action", "Action", &string_type}, {"Actor", "Actor", &actor_type},
	       {"Scope", "scope", &string_type},   {"Time", "time", NULL},
	       {"TimeNano", "timeNano", NULL}};

static int put_template(const struct printer *p, struct json_object *event, struct strbuf *out,
			struct err *e)
{
	CLEANUP_JSON struct json_object *root = json_object_new_object();
	struct template_field fields[ARRAY_LEN(members) + 1] = {0};
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		struct json_object *value = json_object_object_get(event, members[i].key);
		fields[i] = (struct template_field){members[i].name, members[i].type};
		json_object_object_add(root, members[i].name,
				       value ? json_object_get(value) : json_object_new_string(""));
	}
	const struct template_type type = {TEMPLATE_STRUCT, true, "*events.Message", NULL, fields};
	const struct template_data data = {.root = root, .type = &type};
	return template_execute(p->template, &data, out, e);
}

static int print(struct json_object *event, void *ctx, struct err *e)
{
	const struct printer *p = ctx;
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(TEMPLATE_OUTPUT_MAX);
	int r = 0;
	if (!event)
		return fflush(stdout) == 0 ? 0 : cli_output_lost("the output", errno, e);
	if (p->json)
		strbuf_puts(&out, json_object_to_json_string_ext(
					  event,
					  JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (p->template)
		r = put_template(p, event, &out, e);
	else
		put_line(&out, event);
	if (p->json || p->template)
		strbuf_putc(&out, '\n');
	fwrite(strbuf_text(&out), 1, out.len, stdout);
	return r;
}

static int parse(struct cli *cli, const struct events_values *v, struct event_query *q,
		 struct err *e)
{
	int64_t now = clock_real_ns();
	int r = 0;
	for (size_t i = 0; r == 0 && i < v->filters.count; i++)
		r = event_filter_add(&cli->arena, q, v->filters.items[i], e);
	if (r == 0 && v->since && *v->since)
		r = time_option_parse(v->since, now, &q->since, e);
	if (r == 0 && v->until && *v->until)
		r = time_option_parse(v->until, now, &q->until, e);
	if (r == 0 && q->since && q->until && q->until < q->since)
		r = err_set(e, EINVAL, ERR_INVALID,
			    "`since` time (%s) cannot be after `until` time (%s)", v->since,
			    v->until);
	return r;
}

static int events_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct events_values *v = values;
	CLEANUP_TEMPLATE struct template *template = NULL;
	struct event_query q = {.client = STDOUT_FILENO};
	const char *format = v->format && *v->format ? v->format : NULL;
	bool json = format && (!strcmp(format, "json") || !strcmp(format, "{{json .}}"));
	int r = parse(cli, v, &q, e);
	if (r == 0 && format && !json && (r = template_parse(format, strlen(format), &template, e)))
		r = err_context(e, "template parsing error");
	struct printer p = {template, json};
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	return r < 0 ? r : engine_events(&cli->engine, &q, print, &p, e);
}

#define O(member) .offset = offsetof(struct events_values, member)
static const struct option options[] = {
	{"filter", 'f', OPTION_LIST, O(filters), .arg = "filter",
	 .help = "Filter output based on conditions provided (container event image label type "
		 "volume ...)"},
	{"format", 0, OPTION_STR, O(format),
	 .help = "Format output using a custom template: 'json', or a Go template"},
	{"since", 0, OPTION_STR, O(since), .help = "Show all events created since timestamp"},
	{"until", 0, OPTION_STR, O(until), .help = "Stream events until this timestamp"},
};

const struct command command_events = {
	.names = NAMES("events", "system events"),
	.synopsis = "[OPTIONS]",
	.summary = "Get real time events from hull",
	.text = "Without --since and --until only what comes. The last 10000 events are kept. "
		"Other than with docker, health checks are not told as execs: only what comes of "
		"them is, as health_status. A "
		"restart policy tells die and start, with restart= and restartCount= beside "
		"docker's attributes; die has signal= and oomKilled= where that ended it "
		"(\"probably\": concluded from the time), and "
		"error= where the status was lost. The fields of a format: .Type .Action .Actor.ID "
		".Actor.Attributes .Time .TimeNano .Scope .Status .ID .From",
	.options = OPTIONS_FOR(struct events_values, options),
	.run = events_run,
};
