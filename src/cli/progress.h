/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far layers have got: on a terminal a line for each, with a bar, written over in place; else,
 * where that is wanted, a plain line when something begins and ends.
 */
#pragma once

#include <stdio.h>

#include "base/arena.h"
#include "image/image.h"

enum { PROGRESS_LINES_MAX = 128 };

struct progress_words {
	const char *begins; /* "Pulling fs layer"; NULL: nothing is said of it without a terminal */
	const char *goes_on;  /* "Downloading" */
	const char *finished; /* "Pull complete" */
	const char *existed;  /* "Already exists" */
};
struct progress {
	const struct progress_words *words;
	FILE *to;
	bool terminal;
	size_t height; /* lines that stand */
	int64_t shown; /* ms since boot: it is not written a thousand times a second */
	struct progress_line {
		char layer[24];
		uint64_t done, total;
		bool begun, finished, existed;
	} lines[PROGRESS_LINES_MAX];
};

/** What is told to @ctx, a struct progress, is shown: an image_progress_fn. */
void progress_show(const struct image_progress *p, void *ctx);
/** The next words stand below. */
void progress_end(struct progress *p);
