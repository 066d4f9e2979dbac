/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-runtime: the command line of an OCI runtime, compatible with runc's, on src/runtime.
 *
 * A command is one const entry in commands.c, with its options, its run function and its words for
 * help; each command or family has a file cmd_*.c. What is known of a container lies in a folder of
 * its own below --root (state.h). Errors go to standard error and to --log, where callers look for
 * them; some parts of their texts are matched by callers and must stay ("does not exist",
 * "container not running").
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/option.h"
#include "spec/oci.h"

struct oci_globals {
	char *root, *log, *log_format, *log_level, *rootless, *cgroup_manager, *criu;
	bool debug, systemd_cgroup, version;
};

/** One run of the program. Lives on main's stack. */
struct oci {
	struct arena arena;
	struct oci_globals globals;
	char **argv;                       /* of main */
	const struct oci_command *command; /* NULL before one is found */
};

enum oci_command_flags {
	OCI_STOP_AT_ARGUMENT = 1, /* options end at the first argument: exec, ps */
	OCI_EXIT_255 = 2,         /* failures end with 255 instead of 1: exec */
	OCI_TAKES_ANYTHING = 4,   /* nothing is parsed: the command does it, or refuses all */
	OCI_NEW_ID = 8,           /* its ID is not that of a container that is there */
	OCI_HIDDEN = 16,          /* not listed */
	OCI_ENTERS = 32,          /* goes where others may be already: own_program_protect() */
};

struct oci_command {
	const char *name, *synopsis, *summary;
	struct option_table options;
	struct {
		size_t least, most;
	} args;
	unsigned flags;
	/** Returns the exit code, or negative errno with @e filled. */
	int (*run)(struct oci *oci, void *values, const struct strv *args, struct err *e);
};

extern const struct oci_command *const oci_commands[];
extern const size_t oci_command_count;
/** NULL: there is none of that name. */
const struct oci_command *oci_command_find(const char *name);
extern const struct option_table oci_global_options;

/** The version of the specification that is implemented. */
#define OCI_VERSION "1.3.0"

/** Are control groups made by systemd: --systemd-cgroup, or --cgroup-manager systemd? */
bool oci_uses_systemd(const struct oci *oci);
/** May failures of control groups be passed over: --rootless, or a user (namespace_caller_is_user).
 */
bool oci_is_rootless(const struct oci *oci);

/* log.c */
/** Check --log and --log-format. */
int log_check(const struct oci *oci, struct err *e);
/** Tell a failure on standard error and in the log. */
void log_error(const struct oci *oci, const struct err *e);
/** The same for what is no failure, as runc does: where there is a log, in the log alone. */
void log_warning(const struct oci *oci, const struct err *e);
/** The same; NULL: nothing. */
void log_warning_text(const struct oci *oci, const char *text);
/** Tell what of a process object cannot be had and is left out. */
void log_process_warnings(struct oci *oci, const struct oci_process *p);

/* help.c */
void oci_help_program(void);
void oci_help_command(const struct oci_command *c);
