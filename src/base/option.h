/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of commands: one const table per command, from which the parser, `--help`, the man page
 * and the shells' completion are all made.
 *
 * The grammar is docker's (Go's pflag): --name value, --name=value, -n value, -nvalue, -n=value,
 * bundled letters -itd, "--" ends the options. A flag takes a value by "=" only. A default stands
 * in the table as text and is parsed like the user's, so that help cannot say anything else than
 * what happens.
 *
 * Values land in a struct of the command's own, by offset; they live in the arena or in argv.
 * Read cli/command.h next.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/shape.h"

/* The field that the offset names, and the word that help shows for the value. */
enum option_type {
	OPTION_BOOL,         /* bool; --x, --x=false */
	OPTION_TRI,          /* struct opt_bool: absent, true, false */
	OPTION_STR,          /* char * */
	OPTION_LIST,         /* struct strv; may be repeated */
	OPTION_MAP,          /* struct kvs, KEY=VALUE; may be repeated */
	OPTION_SIZE,         /* int64_t bytes, "64m" */
	OPTION_INT,          /* int64_t */
	OPTION_OPT_INT,      /* struct opt_i64 */
	OPTION_CUSTOM,       /* whatever .set makes of it */
	OPTION_REFUSED,      /* docker has it, hull does not: .help says why; takes a value */
	OPTION_REFUSED_FLAG, /* the same without a value */
	OPTION_TYPES
};

enum option_flags {
	OPTION_HIDDEN = 1, /* works, but is not listed */
};

/** Set the field at @field from @value; fill @e with what is wrong with the value alone. */
typedef int (*option_set_fn)(void *field, const char *value, struct arena *a, struct err *e);

struct option {
	const char *name;
	char letter; /* 0: none */
	enum option_type type;
	unsigned flags;
	size_t offset;
	const char *arg;     /* help's word for the value; NULL: the type's */
	const char *initial; /* default, parsed before the user's; NULL: the zeroed field */
	const char *implied; /* value of a bare --name, for options whose value is optional */
	option_set_fn set;   /* OPTION_CUSTOM, or instead of the type's own */
	const char *help;    /* no full stop, as docker */
};

struct option_table {
	const struct option *items;
	size_t count;
	size_t size; /* of the struct that they fill; 0: of the one of another table */
};
#define OPTIONS_FOR(struct_, table_)                                                               \
	{                                                                                          \
		(table_), sizeof(table_) / sizeof((table_)[0]), sizeof(struct_)                    \
	}
#define OPTIONS(table_)                                                                            \
	{                                                                                          \
		(table_), sizeof(table_) / sizeof((table_)[0]), 0                                  \
	}

struct option_request {
	const struct option_table *tables; /* searched in this order */
	size_t table_count;
	void *const *values;   /* one struct for each table, zeroed */
	bool stop_at_argument; /* the first argument ends the options: run, exec, create */
	bool one_dash;         /* -name is --name, as Go's flag package has it: runc's callers */
	struct strv *given;    /* NULL, or gets NAME, VALUE, NAME, VALUE ... in their order */
};

/**
 * Parse @argv (@argc strings, without the command's name). What is no option is pushed onto @args.
 * Returns 0, 1 when --help was asked for, or negative errno with kind ERR_USAGE: docker's texts
 * ("unknown flag: --x", "flag needs an argument: 'm' in -m", "invalid argument "x" for ...").
 */
int options_parse(const struct option_request *q, struct arena *a, char *const *argv, size_t argc,
		  struct strv *args, struct err *e);
/** Whether a value follows in the next word. */
bool option_takes_value(const struct option *o);
/** Help's word for the value, "" for flags. */
const char *option_arg(const struct option *o);
/** Set one option from text, as the parser does; for configuration files. */
int option_apply(const struct option *o, void *values, const char *value, struct arena *a,
		 struct err *e);
