/* SPDX-License-Identifier: Apache-2.0 */
/* What a running container may do, and what keeps it from more. */
#pragma once

#include "diagnose/story.h"
#include "engine/engine.h"

/** The capability sets of its processes, and how they differ from the default. */
int diagnose_caps(const struct container *c, struct story *s, struct err *e);
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
