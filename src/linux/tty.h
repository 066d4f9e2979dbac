/* SPDX-License-Identifier: Apache-2.0 */
/* The user's terminal: raw while a container has it, and its own self again on every way out. */
#pragma once

#include <stdbool.h>
#include <termios.h>

#include "base/err.h"

struct tty_raw {
	int fd; /* -1: not changed */
	struct termios before;
};
#define CLEANUP_TTY __attribute__((cleanup(tty_raw_leave)))

/** Make @fd raw if it is a terminal. */
int tty_raw_enter(int fd, struct tty_raw *ret, struct err *e);
/** Raw again, after the process was stopped and continued. */
void tty_raw_again(const struct tty_raw *t);
void tty_raw_leave(struct tty_raw *t);
/** Size of the terminal on any of the standard descriptors; false: there is none. */
bool tty_size(unsigned *ret_rows, unsigned *ret_cols);
