/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a story together. Read story.h first. */
#include "diagnose/story.h"

#include <stdarg.h>

#include "base/json.h"

void story_evidence(struct story *s, const char *what, const char *fmt, ...)
{
	va_list ap;
	/* Two processes may have one name, and one number, each in its own pid namespace. */
	const char *key = what;
	for (int i = 2; kvs_get(&s->evidence, key); i++)
		key = arena_printf(s->a, "%s (%d)", what, i);
	va_start(ap, fmt);
	kvs_set(s->a, &s->evidence, key, arena_vprintf(s->a, fmt, ap));
	va_end(ap);
}

void story_moment(struct story *s, int64_t time_ns, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	s->moments =
		arena_grow(s->a, s->moments, s->moment_count, &s->moment_room, sizeof(*s->moments));
	size_t at = s->moment_count++;
	for (; at > 0 && s->moments[at - 1].time_ns > time_ns; at--)
		s->moments[at] = s->moments[at - 1];
	s->moments[at] = (struct story_moment){time_ns, arena_vprintf(s->a, fmt, ap)};
	va_end(ap);
}

void story_advise(struct story *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	strv_push(s->a, &s->advice, arena_vprintf(s->a, fmt, ap));
	va_end(ap);
}

struct json_object *story_json(const struct story *s)
{
	struct json_object *o = json_object_new_object(), *line = json_object_new_array();
	json_add_string(o, "Verdict", s->verdict);
	json_object_object_add(o, "Evidence", json_of_kvs(&s->evidence));
	for (size_t i = 0; i < s->moment_count; i++) {
		struct json_object *moment = json_object_new_object();
		json_add_time(moment, "Time", s->moments[i].time_ns);
		json_add_string(moment, "Text", s->moments[i].text);
		json_object_array_add(line, moment);
	}
	json_object_object_add(o, "TimeLine", line);
	json_object_object_add(o, "Log", json_of_strv(&s->log));
	json_object_object_add(o, "Advice", json_of_strv(&s->advice));
	return o;
}
