/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct err: what failed, on which object, why, and what to do about it.
 *
 * One err lives on the stack of the command (or request) and is passed down. The function that
 * sees the failure fills it; each caller that knows more adds context in front; `main` prints it
 * once. It has a fixed size and no pointers, so a child writes it whole over a pipe and a failure
 * after clone reads as well as one before it.
 *
 * Functions return 0 (or a positive result) on success and a negative errno on failure; every
 * function that takes a struct err fills it on each failure.
 */
#pragma once

#include <stdint.h>

enum err_kind {
	ERR_NONE = 0,
	ERR_INTERNAL,       /* a fault of hull or of the kernel that the user cannot mend */
	ERR_SYSTEM,         /* the system refused: no memory, no space, no process slot */
	ERR_INVALID,        /* the request makes no sense as it stands */
	ERR_USAGE,          /* the command line makes no sense: prints a pointer to --help */
	ERR_NOT_FOUND,      /* the named object does not exist */
	ERR_CONFLICT,       /* the object is in a state that forbids this */
	ERR_DENIED,         /* not permitted */
	ERR_NO_COMMAND,     /* the container's command does not exist: exit code 127 */
	ERR_NOT_EXECUTABLE, /* the container's command cannot be executed: exit code 126 */
	ERR_TIMEOUT,
	ERR_OUTPUT, /* what our own output goes to does not take it: exit code 1, also of run */
	ERR_KINDS
};

struct err {
	int32_t number; /* positive errno, 0 while nothing failed */
	uint32_t kind;  /* enum err_kind */
	char text[1024];
	char hint[512];
};

/** For a call of which it does not matter whether it fails, nor why. */
#define ERR_IGNORED (&(struct err){0})

/** Fill @e and return -@number. @number is a positive errno; 0 becomes EIO. */
int err_set(struct err *e, int number, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), cold));

/**
 * Fill @e from a failed system call. @number may be positive or negative. The text becomes
 * "<message>: <what errno means>"; kind and hint follow from errno where they can.
 */
int err_errno(struct err *e, int number, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), cold));

/** Put "<message>: " before the text. Returns -e->number, for `return err_context(...)`. */
int err_context(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/** Set the hint (what the user can do); replaces an earlier one. Returns -e->number, too. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3), cold));

/** Exit code that docker gives for @kind: 125 for the engine's own, 126, 127, 1 for the rest. */
int err_exit_code(enum err_kind kind);

/** "No such file or directory", as strerror but thread-safe and without locale. */
const char *err_errno_text(int number);
