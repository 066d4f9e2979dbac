/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of the program `hull`: global options, the engine (opened when a command first needs it),
 * and how failures are told. Lives on main's stack.
 */
#pragma once

#include <stdio.h>

#include "base/arena.h"
#include "cli/command.h"
#include "engine/remove_behind.h"
#include "engine/settings.h"
#include "linux/network_ahead.h"

struct cli {
	struct arena arena;
	struct settings settings;
	char **argv;                   /* of main */
	const struct command *command; /* NULL before one is found */
	struct strv given;             /* its options: NAME, VALUE, NAME, VALUE ... */
	struct engine engine;
	bool engine_is_open;
	struct network_ahead network;
	struct remove_behind behind; /* what a command leaves to be done behind the end */
};

/** The engine, opened on first use. */
int cli_engine(struct cli *cli, struct engine **ret, struct err *e);
/** End the program with @code: what it holds is given back, and what is printed is out. */
_Noreturn void cli_exit(struct cli *cli, int code);
/** Print "hull: <text>" and the hint on stderr. Commands that go on after a failure call it
 *  themselves; the failure that ends a command is told by main. */
void cli_complain(const struct cli *cli, const struct err *e);
/** One line on stderr that is no failure. */
void cli_notice(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Ask as docker does: @warning, "Are you sure ...?"; true for y. */
bool cli_confirm(const char *warning);
/** The engine's warnings as "WARNING: ...", as docker does, once. All that are left come after the
 *  command, or after each of several names: only who has something to print before calls it. */
void cli_warn(struct cli *cli);

/** Do the command's `each` for all names, at most CLI_PARALLEL_MAX at once. Returns 0, or 1 if any
 *  failed. */
enum { CLI_PARALLEL_MAX = 50 };
int cli_each(struct cli *cli, const struct strv *names, void *values);

/** A container that runs; -ESRCH, with the way to learn why it does not. */
int cli_find_running(struct cli *cli, const char *name, struct container *ret, struct err *e);

/** Have @write write an archive: to the file @output, which is there when all went well and as it
 * was else, or to the standard output (NULL, ""), unless that is a terminal. */
typedef int (*archive_writer)(struct cli *cli, int fd, void *ctx, struct err *e);
int cli_write_archive(struct cli *cli, const char *output, archive_writer write, void *ctx,
		      struct err *e);

/** After a removal with --force: what was not there is told, but what was wanted is the case. */
int cli_missing_is_fine(const struct cli *cli, int r, const struct err *e);

/** The failed write of @what to where our output goes; returns -@number. */
int cli_output_lost(const char *what, int number, struct err *e);
/** The exit code that docker gives for this failure in this command. */
int cli_exit_code(const struct cli *cli, const struct err *e);
