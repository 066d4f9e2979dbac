/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The standard descriptors of an exec without a terminal: which of the caller's the process may
 * have, and the bytes of the others. See exec_stdio.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { EXEC_STDIO_CHUNK = 64 * 1024 };

/** Bytes on their way between one of the caller's descriptors and a pipe. */
struct exec_relay {
	int ours;       /* our end of the pipe, -1: ended, or there was nothing to carry */
	int error;      /* positive errno of the write that ended it */
	size_t at, len; /* what of `data` is not written yet */
	size_t limit;   /* bytes that are read at most from now on */
	unsigned char *data; /* EXEC_STDIO_CHUNK, where there is a pipe of ours */
};

struct exec_stdio {
	int process[3]; /* for the process, -1: /dev/null */
	int made[3];    /* those of `process` that are ours to close, else -1 */
	struct exec_relay relays[3];
};
#define CLEANUP_EXEC_STDIO __attribute__((cleanup(exec_stdio_close)))

/** Decide and make the pipes. @detached: all three are /dev/null. Fails with a folder. */
int exec_stdio_open(struct exec_stdio *s, bool detached, bool with_stdin, struct err *e);
/** The process has its descriptors: close our copies, or its pipes would never end. */
void exec_stdio_given(struct exec_stdio *s);
void exec_stdio_close(struct exec_stdio *s);

/**
 * Carry bytes and signals until the process @pidfd has ended and what it had written is out. What
 * others still hold its pipes for is not waited for. Every signal that can be caught is handed to
 * @on_signal. Returns 0, 1 when the third INT or TERM ended the wait but not the process, or
 * negative errno with @e filled: after the end of the process too, when its output was lost.
 */
int exec_stdio_serve(struct exec_stdio *s, int pidfd, void (*on_signal)(void *ctx, int signal),
		     void *ctx, struct err *e);
