/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracepoints of the kernel, read through perf_event_open(2): one ring of records for each
 * processor, of one control group of version 2 with all below it, or of the whole machine. Where
 * the fields of a record lie is read from tracefs, which is mounted for that and attached nowhere.
 * Needs CAP_SYS_ADMIN (or CAP_PERFMON and a readable tracefs).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "linux/bpf_ring.h"

enum { TRACE_FIELDS = 32, TRACE_POINTS = 32 };

struct tracepoint {
	const char *name; /* "signal:signal_generate" */
	uint16_t id;
	struct trace_field {
		char name[32];
		uint16_t offset, size;
		bool is_signed, is_elsewhere; /* __data_loc: a text behind the fields */
	} fields[TRACE_FIELDS];
	size_t count;
};

struct trace_record {
	const struct tracepoint *point; /* NULL: of trace_add_ring() */
	void *context;                  /* what trace_add() was given */
	int64_t time_ns;                /* since 1970 */
	pid_t pid, tid; /* of the process in whose context it happened, by our pid namespace */
	const char *raw;
	size_t size;
	const uint64_t *stack; /* addresses in the kernel, innermost first; none without .stacks */
	size_t depth;
};

struct trace_ring {
	int cpu, fd; /* fd of its first event, -1: none yet */
	struct perf_event_mmap_page *page;
};

/** A session; zeroed but for tracefs -1 is closed. */
struct trace {
	int tracefs;
	struct trace_ring *rings; /* one for each processor */
	size_t ring_count;
	struct trace_source {
		struct tracepoint point;
		void *context;
	} * sources;
	size_t source_count;
	int *events; /* all descriptors of perf_event_open() */
	size_t event_count, event_room;
	int epoll;
	bool stacks; /* records carry the kernel's stack; set before the first trace_add() */
	/* Of what is added next: which records alone ("sig != 17"; events.rst, "Event filtering"),
	 * and that they may lie until another point's wake or half of the ring. */
	const char *filter;
	bool lazy;
	bool left;     /* by trace_drain(): records that are younger; no wake will come for them */
	uint64_t lost; /* records for which there was no room, as far as others came after them */
	struct bpf_ring ring; /* of trace_add_ring() */
	void *ring_context;
	struct arena *a;
};
#define TRACE_CLOSED                                                                               \
	{                                                                                          \
		.tracefs = -1, .epoll = -1                                                         \
	}

/** 0, or negative errno with what is missing. Allocates in @a. */
int trace_open(struct trace *t, struct arena *a, struct err *e);
void trace_close(struct trace *t);
/** Begin to record @name ("sched:sched_process_exec"), in the group @cgroup or with -1 everywhere.
 * A point stands in a session only once. -ENOENT: this kernel has none of that name. */
int trace_add(struct trace *t, const char *name, int cgroup, void *context, struct err *e);
/** Records of a program of ours, too: @map is its ring of @size bytes, of which each begins with
 * the time (CLOCK_MONOTONIC) and what bpf_get_current_pid_tgid() says, 64 bits both. One alone. */
int trace_add_ring(struct trace *t, int map, size_t size, void *context, struct err *e);
/** By the clock of the records. */
int64_t trace_now_ns(void);
/** Hand what was recorded until @until_ns to @take, in the order of time, until that returns other
 * than 0. What is younger stays for the next time. A record takes its time a little before it can
 * be read: nothing is missing and out of order if @until_ns was "now" some milliseconds ago.
 * INT64_MAX: all. */
int trace_drain(struct trace *t, int64_t until_ns,
		int (*take)(const struct trace_record *r, void *ctx), void *ctx);

/** Records for which there was no room: all of them, from Linux 6.0 on. */
uint64_t trace_lost(const struct trace *t);

/** Run a BPF program at @name ("raw_syscalls:sys_exit"), on all processors, as long as the
 * descriptor that is returned is open. -errno. The program is its caller's. */
int tracepoint_attach(const char *name, int program, struct err *e);

/** A number of a record; 0 where it has no such field. */
int64_t trace_number(const struct trace_record *r, const char *field);
bool trace_has(const struct trace_record *r, const char *field);
/** A text of a record; "" where it has none. Cut to @size. */
const char *trace_text(const struct trace_record *r, const char *field, char *buf, size_t size);
/** What the kernel calls a process that executes @file. */
void trace_program(const char *file, char ret_comm[static 16]);
