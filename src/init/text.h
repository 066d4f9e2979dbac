/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text without a libc: compare, numbers in and out, one line to standard error.
 */
#ifndef HULL_INIT_TEXT_H
#define HULL_INIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any int in decimal, its sign and the final NUL. */
#define TEXT_NUMBER_SIZE 12

/* A message longer than this is cut. Below PIPE_BUF, so that lines of two writers do not mix. */
#define TEXT_LINE_MAX 1024

/* What the compiler may call by itself: freestanding/memory.c. */
void *memset(void *to, int byte, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *left, const void *right, size_t size);

size_t text_length(const char *text);

bool text_equal(const char *left, const char *right);

/* The rest of text behind prefix, or NULL if it does not begin with it. */
const char *text_after(const char *text, const char *prefix);

/* The part of path behind its last slash. */
const char *text_basename(const char *path);

/*
 * Read decimal digits at *text up to limit and move *text behind them. Returns the number, or
 * -1 if there is no digit or the number is above limit; *text is then untouched.
 */
int64_t text_number(const char **text, int64_t limit);

/* Write number into buffer and return its first character, which need not be buffer itself. */
char *text_from_number(char buffer[TEXT_NUMBER_SIZE], int number);

/* The value of name in envp, or NULL. */
char *text_env(char **envp, const char *name);

/* Words for an errno (positive). Where none are known: "error N", written to buffer. */
const char *text_error(int error, char buffer[TEXT_NUMBER_SIZE + 6]);

/*
 * Write "hull-init: ", the parts and a newline to standard error. The last argument is NULL.
 * Never blocks: a line the reader has no room for is lost.
 */
void text_say(const char *part, ...) __attribute__((sentinel));

/* Write text as it is to a descriptor, for help and the like; waits for the reader. */
void text_print(int fd, const char *text);

#endif
