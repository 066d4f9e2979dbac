/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far layers have got: on a terminal a line for each, with a bar, written over in place; else,
 * where that is wanted, a plain line when something begins and ends, or lines of JSON, as docker's
 * API has them.
 */
#pragma once

#include <stdio.h>

#include "base/arena.h"
#include "base/json.h"
#include "image/image.h"

enum { PROGRESS_LINES_MAX = 128 };

struct progress_words {
	const char *begins; /* "Pulling fs layer"; NULL: nothing is said of it without a terminal */
	const char *goes_on;  /* "Downloading" */
	const char *finished; /* "Pull complete" */
	const char *existed;  /* "Already exists" */
};
enum progress_form { PROGRESS_PLAIN, PROGRESS_TTY, PROGRESS_JSON };
#define PROGRESS_FORMS "auto|plain|tty|json"

struct progress {
	const struct progress_words *words;
	FILE *to;
	enum progress_form form;
	size_t height; /* lines that stand */
	int64_t shown; /* ms since boot: it is not written a thousand times a second */
	struct progress_line {
		char layer[24];
		uint64_t done, total;
		bool begun, finished, existed;
	} lines[PROGRESS_LINES_MAX];
};

/** --progress, one of PROGRESS_FORMS; NULL, "auto": as @to is. */
int progress_form(const char *name, FILE *to, enum progress_form *ret, struct err *e);
/** A line of words, {"status": ...} in JSON. */
void progress_say(const struct progress *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** What is told to @ctx, a struct progress, is shown: an image_progress_fn. */
void progress_show(const struct image_progress *p, void *ctx);
/** @r is returned; if it is negative, lines of JSON end with @e. */
int progress_result(const struct progress *p, int r, const struct err *e);
/** The next words stand below. */
void progress_end(struct progress *p);
