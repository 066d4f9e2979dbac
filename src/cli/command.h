/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command is one const entry: its names, its words for help and manual, its options, what it
 * takes, and the function that runs it. Each command (or small family) has a file cmd_*.c with its
 * entry; commands.c lists them all. Dispatch, help, man pages and completion know nothing else.
 */
#pragma once

#include "base/option.h"

struct cli;

enum command_flags {
	COMMAND_STOP_AT_ARGUMENT = 1, /* options end at the first argument */
	COMMAND_HIDDEN = 2,
	COMMAND_COMMON = 4,      /* listed first in `hull --help` */
	COMMAND_ENGINE_EXIT = 8, /* failures exit 125, 126, 127 instead of 1: run */
	COMMAND_EXEC_EXIT = 16,  /* 126 and 127, else 1: exec */
	COMMAND_PARALLEL =
		32, /* `each` mainly waits: all names at once, in processes of their own */
	COMMAND_ENTERS = 128,     /* goes where others may be already: own_program_protect() */
	COMMAND_LATE_ENGINE = 64, /* opens the engine itself, if at all */
	COMMAND_ALONE = 256,      /* has nothing to do with the engine */
};

/* What the arguments name: for completion. Nothing of these: files, which the shell knows. */
enum command_complete {
	COMPLETE_CONTAINERS = 1,
	COMPLETE_IMAGES = 2,
	COMPLETE_VOLUMES = 4,
	COMPLETE_NETWORKS = 32,
	COMPLETE_SECRETS = 64,
	COMPLETE_OBJECTS = COMPLETE_CONTAINERS | COMPLETE_IMAGES | COMPLETE_VOLUMES |
			   COMPLETE_NETWORKS | COMPLETE_SECRETS,
	COMPLETE_COMMANDS = 8,
	COMPLETE_ONCE = 16, /* first argument only */
	COMPLETE_CONTAINER_ONCE = COMPLETE_CONTAINERS | COMPLETE_ONCE,
	COMPLETE_IMAGE_ONCE = COMPLETE_IMAGES | COMPLETE_ONCE
};

struct command {
	const char *const *names; /* the usual one first, NULL-ended: "ps", "container ls" */
	const char *synopsis;     /* what follows the name */
	const char *summary;      /* one line, docker's words, no full stop */
	const char *text; /* for the manual; paragraphs divided by an empty line; may be NULL */
	struct option_table options;
	struct {
		const struct option_table *table;
		size_t offset;
	} more[2]; /* tables that commands share, filling the values from the offset on */
	struct {
		size_t least, most; /* how many it takes; ANY_NUMBER */
	} args;
	unsigned flags;
	unsigned complete; /* enum command_complete */
	/** Returns the exit code, or negative errno with @e filled. @values as the tables filled
	 * it. The engine is open. */
	int (*run)(struct cli *cli, void *values, const struct strv *args, struct err *e);
	/** What cli_each() does for one argument, or `run` is NULL and main does so. Failures are
	 * told and the exit code is 1. 0: the name is printed; 1: all is said. The engine is open.
	 */
	int (*each)(struct cli *cli, const char *name, void *values, struct err *e);
};
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define ANY_NUMBER SIZE_MAX

/** Families: `hull container`, `hull image` ... */
struct command_group {
	const char *name, *summary;
};

extern const struct command *const commands[];
extern const size_t command_count;
extern const struct command_group command_groups[];
extern const size_t command_group_count;

/** The command that @words begin with ("container ls" before "container"); @ret_used: how many
 * words its name has. NULL: none. */
const struct command *commands_find(const struct strv *words, size_t *ret_used);
const struct command_group *commands_group_find(const char *name);
/** True when @name is a command of @group; @ret_verb is its second word. */
bool command_in_group(const char *name, const char *group, const char **ret_verb);
/** Option tables of a command; returns how many. With @values: @fill are the structs that they
 * fill. */
enum { COMMAND_TABLES_MAX = 3 };
size_t command_tables(const struct command *c, struct option_table ret[COMMAND_TABLES_MAX],
		      char *values, void *fill[COMMAND_TABLES_MAX]);
