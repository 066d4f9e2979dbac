/* SPDX-License-Identifier: Apache-2.0 */
/* Locking hull-unpack in, before it reads a foreign byte. */
#pragma once

#include <stdint.h>

#include "base/err.h"

/**
 * From here on this process can reach the folder @stage and its open descriptors, and nothing else:
 * no other file, no network, no new program, no privilege but those that writing a tree needs.
 * @max_file: the largest file it may write. Threads are started afterwards, so that they inherit
 * it.
 */
int confine(int stage, uint64_t max_file, struct err *e);
/** The last part of it: the system call filter (calls.c). */
int confine_calls(struct err *e);
