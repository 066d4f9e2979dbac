/* SPDX-License-Identifier: Apache-2.0 */
/* The table of system calls: of this machine's native ABI, and of the 32-bit ones. Inner header of
 * seccomp*.c. */
#pragma once

#include <linux/audit.h>
#include <stddef.h>
#include <stdint.h>

enum seccomp_abi { SECCOMP_NATIVE, SECCOMP_I386, SECCOMP_ARM, SECCOMP_ABIS };

/* As the kernel names the native one to a filter, and the one of this machine's 32-bit programs. */
#if defined(__x86_64__)
#define SECCOMP_NATIVE_ARCH AUDIT_ARCH_X86_64
#define SECCOMP_32BIT_ARCH AUDIT_ARCH_I386
#define SECCOMP_32BIT SECCOMP_I386
#elif defined(__aarch64__)
#define SECCOMP_NATIVE_ARCH AUDIT_ARCH_AARCH64
#define SECCOMP_32BIT_ARCH AUDIT_ARCH_ARM
#define SECCOMP_32BIT SECCOMP_ARM
#endif

struct seccomp_call {
	const char *name;
	int numbers[SECCOMP_ABIS]; /* -1: there is none */
	uint64_t when; /* docker's profile allows it with one of these capabilities; all ones:
			  always */
};

extern const struct seccomp_call seccomp_calls[]; /* sorted by name */
extern const size_t seccomp_call_count;

/** By its name; NULL when no ABI has such a call. */
const struct seccomp_call *seccomp_call_find(const char *name);
/** Where old i386 has @name behind another call: the first argument that means it, and that call's
 * number; -ENOENT when it has no such call. */
int seccomp_call_behind(const char *name, uint64_t *ret_argument);
