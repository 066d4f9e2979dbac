/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a question comes to: a verdict in one sentence, what it rests on, what happened when, and
 * what can be done. Each question of this folder fills one; how it is printed is the command line's
 * business.
 */
#pragma once

#include <json-c/json.h>

#include "base/arena.h"

struct story_moment {
	int64_t time_ns; /* since 1970 */
	char *text;
};

struct story {
	struct arena *a;
	char *verdict;
	bool asked;          /* of an end: hull was asked for it */
	bool standing;       /* its advice is about how it is, not about what goes on */
	struct kvs evidence; /* in the order in which it is told */
	struct story_moment *moments;
	size_t moment_count, moment_room;
	struct strv log; /* the last lines that it wrote */
	struct strv advice;
};

void story_evidence(struct story *s, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** In the order of time, whenever it is told. */
void story_moment(struct story *s, int64_t time_ns, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void story_advise(struct story *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** {"Verdict", "Evidence", "TimeLine": [{"Time", "Text"}], "Log", "Advice"}; the caller puts it. */
struct json_object *story_json(const struct story *s);
