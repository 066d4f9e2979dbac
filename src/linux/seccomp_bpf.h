/* SPDX-License-Identifier: Apache-2.0 */
/* From decisions, one for each system call, to a classic BPF program. Inner header of seccomp*.c.
 */
#pragma once

#include <stdbool.h>

#include "linux/seccomp.h"
#include "linux/seccomp_calls.h"

/* Decisions are kept for the numbers 0..511, and for the sixteen that arm has apart. */
enum { SECCOMP_CALLS = 512, SECCOMP_APART = 0xf0000, SECCOMP_APART_CALLS = 16 };

/** A rule that depends on arguments, in the order in which they are tried. */
struct seccomp_branch {
	const struct seccomp_arg *args;
	uint32_t arg_count;
	uint32_t action; /* when all of args match */
	struct seccomp_branch *next;
};

struct seccomp_decision {
	uint32_t action; /* when no branch matches */
	bool fixed;      /* a rule without conditions has spoken: it outweighs all others */
	struct seccomp_branch *first, *last;
};

struct seccomp_decisions {
	struct seccomp_decision calls[SECCOMP_CALLS + SECCOMP_APART_CALLS];
	enum seccomp_abi abi;
	struct seccomp_decisions *next; /* for a further ABI, or NULL */
	bool named;                     /* some rule names a call that this machine has */
	uint32_t last;                  /* the newest number that the profile speaks of */
	uint32_t beyond;  /* action for larger numbers (x32 among them), and for foreign ABIs */
	uint32_t between; /* action for SECCOMP_CALLS..last, when last is larger */
};

/** The decision for @number, which the table of calls has. */
struct seccomp_decision *seccomp_decision_of(struct seccomp_decisions *d, int number);
/** Append a branch to the decision for @number. @args must outlive @d. */
void seccomp_branch_add(struct seccomp_decisions *d, int number, const struct seccomp_arg *args,
			uint32_t arg_count, uint32_t action, struct arena *a);
/** -E2BIG when the program would have more than BPF_MAXINSNS instructions. */
int seccomp_bpf_generate(const struct seccomp_decisions *d, struct arena *a,
			 struct seccomp_program *ret);
