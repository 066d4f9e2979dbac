/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hull-init was asked to do: its options, and those of tini and dumb-init.
 */
#ifndef HULL_INIT_OPTIONS_H
#define HULL_INIT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "report.h"
#include "signal_names.h"

#define OPTIONS_GRACE_DEFAULT_MS 10000
#define OPTIONS_GRACE_MAX_MS INT32_C(2000000000) /* 23 days */
#define OPTIONS_GRACE_NO_LIMIT (-1)

/*
 * Beside the scopes of report.h. Auto is the default: a stop signal and job control go to all,
 * INT goes to the group as the terminal's ^C would, any other signal is a message to the program
 * itself and goes to the main process. (HUP or USR1 sent to all would end every process that has
 * no handler for it.)
 */
#define OPTIONS_SCOPE_AUTO 3

/*
 * Whose letters and habits apply, chosen by the name of the program (argv[0]): "tini" or
 * "docker-init", "dumb-init", anything else is hull. Long options mean the same in each.
 */
enum dialect {
	DIALECT_HULL = 1,
	DIALECT_TINI = 2,
	DIALECT_DUMB_INIT = 4,
};

struct options {
	uint8_t dialect;
	uint8_t verbosity;            /* 0 errors, 1 warnings, 2 and more: what is done */
	uint8_t subreaper;            /* adopt orphans though not PID 1 */
	uint8_t session;              /* the main process gets a session of its own */
	uint8_t terminal;             /* hand the terminal's foreground over */
	uint8_t warn_reaped;          /* say whom we reap */
	uint8_t wait_all;             /* stay until the last process ended or the grace time did */
	uint8_t rest_signal;          /* to those who remain when the main process ended; 0 none */
	uint8_t parent_death;         /* the signal we want when our parent dies; 0 none */
	uint8_t scope[SIGNALS_TABLE]; /* by the signal received */
	uint8_t rewrite[SIGNALS_TABLE]; /* what is sent instead; 0 drops it */
	int32_t grace_ms;               /* or OPTIONS_GRACE_NO_LIMIT */
	int32_t report_fd;              /* -1 none */
	uint64_t stop_signals;          /* set of those that begin the stop */
	uint64_t success[4];            /* set of exit codes that become 0 */
	char **command;                 /* NULL-terminated; command[-1] exists (argv) */
};

/* What to do next. */
enum options_result {
	OPTIONS_RUN,
	OPTIONS_HELP,
	OPTIONS_VERSION,
	OPTIONS_LICENSE,
	OPTIONS_WRONG,
};

/* Why options_parse() said OPTIONS_WRONG: "option --grace: "5x" is not a time". */
struct options_error {
	const char *option;
	const char *value; /* NULL if the option itself is the trouble */
	const char *why;
};

/*
 * Read argv and the environment of tini and dumb-init (in their dialect only: an image's
 * variables shall not change what the engine asked for). *ret_error is set with OPTIONS_WRONG.
 */
enum options_result options_parse(struct options *ret_options, char **argv, char **envp,
				  struct options_error *ret_error);

/* Print the table of options to standard output. */
void options_help(enum dialect dialect);

/* To whom a signal goes that was received as received and is sent as sent. */
enum init_scope options_scope(const struct options *options, int received, int sent);

/* Whether a signal received as received and sent as sent asks for the end. */
bool options_is_stop(const struct options *options, int received, int sent);

#endif
