/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of an exec between the requests that make it, start it and ask how it ended: a file
 * of its own, --runroot/execs/ID. The process that serves its start is its parent, and writes it.
 */
#pragma once

#include "base/id.h"
#include "engine/engine.h"

/** API "ExecConfig", and what became of it. */
struct exec_record {
	char *container;
	bool attach_stdin, attach_stdout, attach_stderr, tty, privileged;
	char *detach_keys, *user, *workdir;
	struct strv env, args;
	struct array console_size; /* rows, columns */
	bool started, ended;
	int64_t exit_code, pid;
	int64_t holder, holder_start, pty; /* who serves it, and its descriptor of the terminal */
	int64_t ended_at;                  /* ns since 1970 */
};
/** What of it a client may give. */
extern const struct shape exec_asked_shape;

/** Those that ended long ago go. */
void exec_records_sweep(struct engine *en);
/** A new one. */
int exec_record_make(struct engine *en, const struct exec_record *x, struct arena *a,
		     char ret_id[ID_LEN + 1], struct err *e);
/** -ENOENT, docker's text. */
int exec_record_find(struct engine *en, const char *id, struct arena *a, struct exec_record *ret,
		     struct err *e);
/** The same, for who starts it; a second one is refused. */
int exec_record_take(struct engine *en, const char *id, struct arena *a, struct exec_record *ret,
		     struct err *e);
int exec_record_write(struct engine *en, const char *id, const struct exec_record *x,
		      struct arena *a, struct err *e);
