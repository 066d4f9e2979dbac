/* SPDX-License-Identifier: Apache-2.0 */
/* The table of system calls of this machine's native ABI. Inner header of seccomp*.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct seccomp_call {
	const char *name;
	int number;    /* -1: not on this architecture */
	uint64_t when; /* docker's profile allows it with one of these capabilities; all ones:
			  always */
};

extern const struct seccomp_call seccomp_calls[]; /* sorted by name */
extern const size_t seccomp_call_count;

/** "openat" to its number; -ENOENT when this architecture has no such call. */
int seccomp_call_number(const char *name);
