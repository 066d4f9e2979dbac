/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view that fills the terminal and is drawn again and again: on the alternate screen, without
 * echo and cursor, and all that is undone on every way out that a process has: signals included.
 */
#pragma once

#include <signal.h>

#include "base/strbuf.h"
#include "linux/tty.h"

struct screen {
	struct tty_raw tty;
	int signals; /* signalfd, or -1 */
	int ended_by;
	sigset_t before;
};
#define SCREEN_CLOSED                                                                              \
	{                                                                                          \
		.tty = {.fd = -1}, .signals = -1                                                   \
	}
#define CLEANUP_SCREEN __attribute__((cleanup(screen_leave)))

int screen_enter(struct screen *s, struct err *e);
/** Give the terminal back. The signal that ended the view, if any, comes now. */
void screen_leave(struct screen *s);
/** Show lines that end with '\n', as many as there is room for; what is longer is cut off. */
void screen_show(const struct strbuf *lines);

enum { SCREEN_TIME = 0, SCREEN_REDRAW = -1, SCREEN_QUIT = -2 };
/** Wait for a key, which is returned, or for one of these: the time is over; the terminal has
 * another size or is ours again; it is to end (q, ^C, a signal). */
int screen_wait(struct screen *s, int64_t timeout_ms);
