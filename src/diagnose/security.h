/* SPDX-License-Identifier: Apache-2.0 */
/* What a running container may do, and what keeps it from more. */
#pragma once

#include "diagnose/story.h"
#include "engine/engine.h"
#include "linux/capability.h"

/** The capability sets of its processes, and how they differ from the default. */
int diagnose_caps(const struct container *c, struct story *s, struct err *e);
/** What its first process would have after execve of @file, a path in the container or a name on
 * its PATH. */
int diagnose_file_caps(const struct container *c, const char *file, struct story *s, struct err *e);
/** A set in few words: "all 41", "the default 14", "the default without KILL", or the names. */
char *diagnose_describe_caps(capset set, struct arena *a);
/** Which capabilities its processes ask for and lack, from when @ready is called on for @span_ns,
 * until it ends, or SIGINT comes. */
int diagnose_denied(const struct container *c, int64_t span_ns, void (*ready)(void),
		    struct story *s, struct err *e);
/** Which system calls its seccomp filter refuses, likewise. */
int diagnose_refused(const struct container *c, int64_t span_ns, void (*ready)(void),
		     struct story *s, struct err *e);
/** Each thing that confines it, what it means, and how to have it stricter. */
int diagnose_security(const struct container *c, struct story *s, struct err *e);
/** Kernel parameters of its namespaces that are not as the machine's. */
int diagnose_sysctl(const struct container *c, struct story *s, struct err *e);
