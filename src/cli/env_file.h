/* SPDX-License-Identifier: Apache-2.0 */
/* --env-file and --label-file: one NAME=VALUE a line. */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum { ENV_FILE_MAX = 1024 * 1024, ENV_LINES_MAX = 16384 };

/** What a line without '=' means. */
enum env_bare {
	ENV_BARE_INHERIT, /* the value from hull's own environment; nothing when it has none */
	ENV_BARE_EMPTY,   /* the name alone */
};

/** Push the lines of @path. Blank lines and those that begin with '#' are skipped; a value is taken
 * as it stands, without quotes or escapes. Errors are docker's: "poorly formatted environment:
 * ...". */
int env_file_read(const char *path, enum env_bare bare, struct strv *ret, struct arena *a,
		  struct err *e);
/** The lines of @files, and behind them @more. */
int env_files_read(const struct strv *files, const struct strv *more, enum env_bare bare,
		   struct strv *ret, struct arena *a, struct err *e);
/** The same from text. */
int env_text_read(const char *text, size_t len, enum env_bare bare, struct strv *ret,
		  struct arena *a, struct err *e);
