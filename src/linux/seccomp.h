/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System call filters. hull makes its BPF itself: sorted ranges of numbers searched as a binary
 * tree, which the kernel loads in a tenth of the time it takes for libseccomp's list. Names of
 * system calls stand in hull's own table (seccomp_calls.c). See seccomp(2), bpf classic in
 * networking/filter.rst.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct seccomp_program {
	struct sock_filter *code;
	uint16_t count;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
};

/** A bit beside those of capabilities: files keep their project and flags, or what is written would
 *  leave the project whose quota limits it. */
#define SECCOMP_KEEP_PROJECT ((uint64_t)1 << 63)
/** Docker's default profile for a process with the bounding capabilities @caps (bit per number). */
int seccomp_default_program(uint64_t caps, struct arena *a, struct seccomp_program *ret,
			    struct err *e);

/* A policy in general, as the OCI spec and docker's profile files state it. */
enum seccomp_op { SC_NE, SC_LT, SC_LE, SC_EQ, SC_GE, SC_GT, SC_MASKED_EQ };
struct seccomp_arg {
	uint32_t index; /* 0..5 */
	enum seccomp_op op;
	uint64_t value, value_two; /* MASKED_EQ: (arg & value) == value_two */
};
struct seccomp_rule {
	const char *const *names; /* NULL-terminated; unknown names are skipped */
	uint32_t action;          /* SECCOMP_RET_* with data */
	const struct seccomp_arg *args;
	uint32_t arg_count; /* all must match */
};
struct seccomp_policy {
	uint32_t default_action; /* for numbers up to the newest that the rules name */
	uint32_t unknown_action; /* for numbers beyond it (unless the default allows), and foreign
				    ABIs */
	const struct seccomp_rule *rules;
	uint32_t rule_count;
	uint32_t flags;
	bool i386, arm; /* the rules are for these ABIs, too; else they are foreign */
};
/** Several rules for one call: see seccomp.c. @ret's code lives in the arena. -EINVAL or -E2BIG for
 * a policy that makes no sense or needs more than BPF_MAXINSNS instructions. */
int seccomp_compile(const struct seccomp_policy *p, struct arena *a, struct seccomp_program *ret,
		    struct err *e);
/** Install on the calling thread. Needs no_new_privs or CAP_SYS_ADMIN. 0, with
 *  SECCOMP_FILTER_FLAG_NEW_LISTENER the listener's descriptor, or negative errno. */
int seccomp_load(const struct seccomp_program *p);
/** Where one would be loaded: a call that changes nothing, from which on usage_probe.h counts. */
void seccomp_load_none(void);
