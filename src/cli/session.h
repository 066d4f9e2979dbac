/* SPDX-License-Identifier: Apache-2.0 */
/* A client that is attached to a container through its monitor: for run, start -a and attach. */
#pragma once

#include "cli/cli.h"
#include "cli/client.h"

struct session {
	struct engine *engine;
	const char *id; /* of the container */
	int monitor;    /* connection for resizing, -1: not made yet */
	struct client client;
	int theirs; /* the monitor's end of the stream */
	bool told;  /* that the first process has no handler */
};
#define CLEANUP_SESSION __attribute__((cleanup(session_close)))

struct session_options {
	bool tty, with_stdin, with_stdout, with_stderr, sig_proxy;
	const char *detach_keys; /* NULL: the configured ones */
};

/** Make the stream. On success session.theirs is what the monitor gets. */
int session_open(struct cli *cli, struct session *s, const char *id,
		 const struct session_options *o, struct err *e);
/** Whether a client may join the container, as docker has it: it runs, and is not paused. */
int session_joinable(const struct container *c, struct err *e);
/** Have the container's monitor serve the stream from now on; session_serve() closes @end. */
int session_join(const struct container *c, struct session *s, struct container_end *end,
		 struct err *e);
void session_close(struct session *s);
/** docker's check: a terminal is asked for, but the input is none. */
int session_check_tty(bool tty, bool with_stdin, struct err *e);
/**
 * Serve until the stream ends, then wait for @end. Returns the container's exit code, or that of a
 * client which is done without it (detached, ended by a signal), or a negative errno
 * with @e filled. *@ret_detached: by the keys.
 */
int session_serve(struct cli *cli, struct session *s, struct container_end *end, bool *ret_detached,
		  struct err *e);
