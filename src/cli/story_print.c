/* SPDX-License-Identifier: Apache-2.0 */
/* A story for people. What comes from a container is printed without control characters. */
#include "cli/story_print.h"

#include <stdio.h>
#include <time.h>

#include "base/shape.h"
#include "cli/text.h"

static void print_time(int64_t ns)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;
	char text[32];
	localtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("  %s.%03d  ", text, (int)(ns / 1000000 % 1000));
}

static void print_list(struct arena *a, const char *title, const char *mark,
		       const struct strv *list)
{
	if (list->count)
		printf("\n%s\n", title);
	for (size_t i = 0; i < list->count; i++)
		printf("  %s %s\n", mark, text_plain(a, list->items[i]));
}

void story_print(const struct story *s, const char *about, bool json)
{
	struct arena *a = s->a;
	if (json) {
		CLEANUP_JSON struct json_object *o = story_json(s);
		puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_NOSLASHESCAPE));
		return;
	}
	printf("%s: %s\n", text_plain(a, about), text_plain(a, s->verdict));
	if (s->evidence.count)
		putchar('\n');
	for (size_t i = 0; i < s->evidence.count; i++)
		printf("  %-18s %s\n", text_plain(a, s->evidence.items[i].key),
		       text_plain(a, s->evidence.items[i].value));
	if (s->moment_count)
		puts("\nwhat happened");
	for (size_t i = 0; i < s->moment_count; i++) {
		print_time(s->moments[i].time_ns);
		puts(text_plain(a, s->moments[i].text));
	}
	print_list(a, "what it wrote last", "|", &s->log);
	print_list(a, "what to do", "-", &s->advice);
}
