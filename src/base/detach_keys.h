/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that detach a client from a terminal: "ctrl-p,ctrl-q", and finding them in the input. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { DETACH_KEYS_MAX = 16 };
#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

struct detach_keys {
	unsigned char keys[DETACH_KEYS_MAX];
	size_t count; /* 0: no detaching */
	size_t held;  /* how many of them were typed in a row */
};

/** Parse "a,ctrl-b,DEL": each key is one character or ctrl- with one of a-z @ [ \ ] ^ _. */
int detach_keys_parse(const char *text, struct detach_keys *ret, struct err *e);
/**
 * Pass input through: what is not (the beginning of) the sequence goes to @out, which has room for
 * @len + DETACH_KEYS_MAX bytes. Returns true when the whole sequence was typed; the rest of the
 * input is then dropped.
 */
bool detach_keys_filter(struct detach_keys *d, const unsigned char *in, size_t len,
			unsigned char *out, size_t *ret_len);
