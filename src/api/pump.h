/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes between a client's socket and what it is attached to, in both directions at once: neither
 * waits for the other, and each half ends by itself. One chunk is held of each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/detach_keys.h"

struct pump {
	int client;    /* a stream socket; -1 from when it has gone on */
	int input;     /* where its bytes go; -1: nowhere */
	int output[2]; /* from where bytes come: stdout and stderr, or a terminal; -1: none */
	bool shut;     /* the end of the input is a half-close of `input`, not its closing */
	bool frames;   /* output goes out in docker's frames */
	struct detach_keys *keys; /* or NULL */
	int process;              /* a pidfd: once it has ended, what is there is the end; or -1 */
	const char *first;        /* what the client had sent already */
	size_t first_len;
};

enum pump_end {
	PUMP_ENDED,    /* no more output, or the process has ended */
	PUMP_DETACHED, /* by the keys */
	PUMP_LEFT      /* the client has gone, and there is no process to watch on */
};
/** Everything but `client` and `process` is closed as it ends; the descriptors become
 * non-blocking. */
enum pump_end pump_run(struct pump *p);
