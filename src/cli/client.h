/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attached client: bytes between the user's terminal or pipes and a stream (a monitor's socket,
 * or the pty of an exec), signals and window sizes besides. One loop, no threads; see client.c.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/detach_keys.h"

struct client {
	int stream;     /* socket or pty master */
	bool raw;       /* a terminal's bytes, without frames */
	bool is_socket; /* its sending half can be closed */
	bool with_stdin, with_stdout, with_stderr;
	bool proxy; /* catch signals and hand them to on_signal */
	int watch;  /* a descriptor that becomes readable when the process has ended, or -1 */
	int also;   /* another one, for on_also */
	struct detach_keys detach;
	/* Called in the loop. A failure of on_signal is not told: the process may just have ended.
	 */
	void (*on_signal)(void *ctx, int signal);
	void (*on_resize)(void *ctx, unsigned rows, unsigned cols);
	void (*on_also)(void *ctx);
	void *ctx, *also_ctx;
};

enum client_end {
	CLIENT_ENDED,     /* the stream ended */
	CLIENT_DETACHED,  /* by the detach keys */
	CLIENT_SIGNALLED, /* a signal ended the client, not the container: see client_signal */
	CLIENT_FORCED,    /* see client_is_forced */
};

/** Serve until it ends: an enum client_end, or negative errno with @e filled. With CLIENT_SIGNALLED
 *  *@ret_signal is the signal. The terminal is restored before it returns, and with_stdin is false
 *  once all the input was given. */
int client_run(struct client *c, int *ret_signal, struct err *e);

/** Count the INT and TERM that were handed on in *@count. True at the third, and the user is told:
 *  as docker's client, ours then ends whatever the container does with them. */
bool client_is_forced(unsigned *count, int signal);
