/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about what a running container uses, against what it may. */
#pragma once

#include "diagnose/story.h"
#include "engine/engine.h"

/** Processor time: user and system, and how much its quota held it back. */
int diagnose_cpu(const struct container *c, struct story *s, struct err *e);
/** Each limit as it was asked for, as it stands in its file, and as it is in force. */
int diagnose_limits(const struct container *c, struct story *s, struct err *e);
/** Memory: what it needs, what the kernel can take back, and how far it is from its limit. */
int diagnose_memory(const struct container *c, struct story *s, struct err *e);
/** Network: who listens, whether published ports reach somebody, what was lost. */
int diagnose_network(const struct container *c, struct story *s, struct err *e);
