/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracepoints of our own, in functions of the kernel: what is written to kprobe_events in tracefs
 * is there for all, until somebody removes it. So ours are named hull_PID, and whoever makes some
 * removes those that nobody records any more. See Documentation/trace/kprobetrace.rst.
 */
#pragma once

#include "linux/tracepoint.h"

struct kprobes {
	int fd; /* -1: closed */
};
enum { KPROBE_NAME_SIZE = 64 };

/** Nobody else changes any until kprobes_ready(). -ENOENT: this kernel has no kprobes. */
int kprobes_open(struct kprobes *k, const struct trace *t, struct err *e);
/** @kind: "p", at the entry, or "r", at the return. @what: the function, and what to record:
 * "do_filp_open path=+0(+0($arg2)):string". @ret_name: for trace_add(), which must come before
 * kprobes_ready(). -ENOENT: this kernel has no such function. */
int kprobes_make(const struct kprobes *k, const char *kind, const char *name, const char *what,
		 char ret_name[static KPROBE_NAME_SIZE], struct err *e);
void kprobes_ready(const struct kprobes *k);
/** After trace_close(). */
void kprobes_close(struct kprobes *k);
