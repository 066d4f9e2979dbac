/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of hull trace share: the session, and the processes that are known. Inner header.
 * Read trace.h first. */
#pragma once

#include "diagnose/trace.h"
#include "linux/kernel_symbols.h"
#include "linux/tracepoint.h"

enum { TRACE_SEEN = 4096 };

struct watch;

/** A tracepoint, and what is done with its records. */
struct trace_point {
	const char *name;
	bool everywhere; /* it happens in the context of somebody else */
	void (*take)(struct watch *w, const struct trace_record *r);
};

/** What is remembered of a process, by the low bits of its number. */
struct seen {
	pid_t pid;
	char comm[16];
	int code, signal; /* how it ends: -1 and 0 not known yet */
	uint64_t denied;  /* capabilities that were told of already */
};

struct watch {
	const struct trace_request *q;
	const char *name; /* of the container */
	struct trace trace;
	struct arena *a, line; /* line: emptied after each */
	char path[256];        /* of the group */
	int group;             /* its folder in the v2 tree */
	uint8_t *members;      /* a bit for each pid */
	uint8_t *programs;     /* the same: not on its way in, as what hull exec starts is */
	struct seen *seen;
	struct kernel_symbols symbols;
	struct trace_opens *opens; /* trace_open.c */
	struct trace_tcps *tcps;   /* trace_tcp.c */
	int stop;
};

/** Begin to record a tracepoint. -ENOENT: this kernel has none of that name. */
int watch_add(struct watch *w, const struct trace_point *p, struct err *e);

void watch_set(uint8_t *set, pid_t pid, bool is);
bool watch_has(const uint8_t *set, pid_t pid);
bool watch_is_member(struct watch *w, pid_t pid);
struct seen *watch_seen(struct watch *w, pid_t pid);
/** A place for one that begins. */
struct seen *watch_new(struct watch *w, pid_t pid);
const char *watch_comm(struct watch *w, pid_t pid);

void watch_fact(struct watch *w, struct kvs *facts, const char *key, int64_t n);
/** Hand a line on; what stood in w->line is gone then. @pid 0: not known. */
void watch_tell(struct watch *w, const struct trace_record *r, enum trace_kind kind, pid_t pid,
		const struct kvs *facts, const char *text);
bool watch_wants(const struct watch *w, enum trace_kind kind);

/* trace_take.c: of processes, signals, rights and writers. */
extern const struct trace_point trace_generate, trace_deliver, trace_exec, trace_exit,
	trace_exit_group, trace_fork, trace_victim, trace_capable, trace_dirty;

/** Begin to record what is opened. -ENOENT: this kernel cannot. */
int trace_open_begin(struct watch *w, struct err *e);
/** After trace_close(). */
void trace_open_end(struct watch *w);
/** Begin to record connections. */
int trace_tcp_begin(struct watch *w, struct err *e);
/** How many events were lost. */
uint64_t trace_tcp_end(struct watch *w);
