/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a running container do and what is done to them, as it happens: the
 * kernel's tracepoints, told in a container's terms. Nothing of the container is changed or slowed
 * but for what a record costs.
 */
#pragma once

#include "base/arena.h"
#include "engine/engine.h"

/** What can be traced, as bits; their names and what they tell stand in one table. */
enum trace_kind {
	TRACE_SIGNALS,
	TRACE_EXEC,
	TRACE_EXIT,
	TRACE_FORK,
	TRACE_OOM,
	TRACE_CAPS,
	TRACE_DIRTY,
	TRACE_OPEN,
	TRACE_TCP,
	TRACE_KINDS
};

struct trace_line {
	int64_t time_ns; /* since 1970 */
	const char *kind;
	pid_t pid; /* of the host; 0: not known */
	const char *comm, *text;
	struct kvs facts; /* the same for programs */
};

struct trace_request {
	unsigned kinds;
	/* Kinds for which a kernel without their tracepoints is no error. */
	unsigned optional;
	int64_t span_ns; /* ends after that; 0: not by itself */
	/** Everything is being recorded from now on; @kinds: of them those that are. */
	void (*ready)(unsigned kinds, void *ctx);
	/** Valid until it returns; other than 0 ends the tracing. */
	int (*line)(const struct trace_line *line, void *ctx);
	void *ctx;
};

/** "signals", and what it tells; NULL beyond the last. */
const char *trace_kind_name(int kind);
/** Trace @c, which runs, until it ends, .line says so, .span_ns
 * have passed, or SIGINT, SIGTERM or SIGHUP comes. @ret_lost: records that were lost. */
int diagnose_trace(const struct container *c, const struct trace_request *q, uint64_t *ret_lost,
		   struct err *e);
/** A descriptor that can be read when SIGINT or the like has come: whoever looks has seen enough.
 */
int trace_wishes(void);
