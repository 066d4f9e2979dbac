/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls and capabilities the processes of one control group use: small programs in the
 * kernel mark each in a table, so that nothing is lost and nothing need be read in time. Needs a v2
 * tree, CAP_SYS_ADMIN (or CAP_BPF and CAP_PERFMON), and for capabilities Linux 6.14 or kprobes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "linux/capability.h"

enum { USAGE_CALLS = 512 };

struct usage_probe {
	int calls, caps, state, group, pending, entered, refused; /* maps */
	int links[5];
	bool knows_calls; /* `pending` has the system call of each thread, else its question */
};
#define USAGE_PROBE_CLOSED                                                                         \
	{                                                                                          \
		-1, -1, -1, -1, -1, -1, -1,                                                        \
		{                                                                                  \
			-1, -1, -1, -1, -1                                                         \
		}                                                                                  \
	}

struct usage {
	bool calls[USAGE_CALLS];         /* by number, of the native ABI */
	bool calls_32bit[USAGE_CALLS];   /* see refused_32bit */
	bool refused[USAGE_CALLS];       /* by a seccomp filter: they failed, and did not begin */
	bool refused_32bit[USAGE_CALLS]; /* for who can tell them apart: by number of the 32-bit
					    ABI; the probe itself has them among the others */
	uint64_t ends_lost; /* of calls: of these the ABI is not known */
	capset granted, denied;
};

/** Begin. Capabilities count from the group's first execve(2) on, system calls from there or from
 *  the loading of a filter: what the engine does before that is none of the container's. 0, or
 *  negative errno with what is missing. Without @caps only system calls are. @cgroup: a descriptor
 * of the group in the v2 tree. */
int usage_probe_open(struct usage_probe *p, int cgroup, bool caps, struct err *e);
/** Count from now on, in a group whose processes run already. */
void usage_probe_begin(const struct usage_probe *p);
/** What was used so far. */
void usage_probe_read(const struct usage_probe *p, struct usage *ret);
void usage_probe_close(struct usage_probe *p);
