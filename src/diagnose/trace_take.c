/* SPDX-License-Identifier: Apache-2.0 */
/* What hull trace tells of processes, signals, capabilities and writers: one function for each
 * tracepoint. Read trace_watch.h first. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "diagnose/trace_watch.h"
#include "linux/capability.h"
#include "linux/process.h"
#include "linux/signals.h"

enum { COMMAND_MAX = 512 };

/* Codes above 0 are the kernel's own: sigaction(2). */
static const char *sender_text(struct watch *w, const struct trace_record *r, int signal, int code,
			       struct kvs *facts)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS};
	for (size_t i = 0; code > 0 && i < ARRAY_LEN(faults); i++)
		if (signal == faults[i] && code < SI_KERNEL)
			return "its own doing (a fault)";
	if (code > 0)
		return "the kernel";
	if (!signal_has_sender(code))
		return "a timer, or I/O, of its own";
	watch_fact(w, facts, "SenderPid", r->pid);
	kvs_set(&w->line, facts, "SenderComm", watch_comm(w, r->pid));
	return arena_printf(&w->line, "%s[%d]%s", watch_comm(w, r->pid), (int)r->pid,
			    watch_is_member(w, r->pid) ? "" : " outside of the container");
}

static void take_generate(struct watch *w, const struct trace_record *r)
{
	/* TRACE_SIGNAL_* of include/trace/events/signal.h */
	static const char *const results[] = {
		"", ": dropped, it ignores that (or is a first process without a handler)",
		": dropped, one waits already", ": dropped, too many wait",
		": without its details"};
	const int signal = (int)trace_number(r, "sig"), code = (int)trace_number(r, "code");
	const pid_t target = (pid_t)trace_number(r, "pid");
	const uint64_t result = (uint64_t)trace_number(r, "result");
	char name[SIGNAL_NAME_SIZE];
	struct kvs facts = {0};
	if (!watch_is_member(w, target) || (signal == SIGCHLD && code > 0))
		return;
	kvs_set(&w->line, &facts, "Signal", signal_text(signal, name));
	watch_fact(w, &facts, "Result", (int64_t)result);
	const char *sender = sender_text(w, r, signal, code, &facts);
	watch_tell(w, r, TRACE_SIGNALS, target, &facts,
		   arena_printf(&w->line, "gets %s from %s%s", kvs_get(&facts, "Signal"), sender,
				result < ARRAY_LEN(results) ? results[result] : ""));
}

/* The first that would end it: the other threads of one that ends get a SIGKILL, too. */
static void take_deliver(struct watch *w, const struct trace_record *r)
{
	const int signal = (int)trace_number(r, "sig");
	const char *action = signal_default_action(signal);
	struct seen *s = watch_seen(w, r->pid);
	if (!trace_number(r, "sa_handler") &&
	    (!strcmp(action, "term") || !strcmp(action, "core")) && !s->signal && s->code < 0)
		s->signal = signal;
}

static void take_exit_group(struct watch *w, const struct trace_record *r)
{
	struct seen *s = watch_seen(w, r->pid);
	if (s->code < 0)
		s->code = (int)trace_number(r, "error_code") & 0xff;
}

static void take_exit(struct watch *w, const struct trace_record *r)
{
	/* The last thread of a process; older kernels tell only whether it is the first. */
	const bool last =
		trace_has(r, "group_dead") ? trace_number(r, "group_dead") : r->pid == r->tid;
	struct seen *s = watch_seen(w, r->pid);
	char name[SIGNAL_NAME_SIZE];
	struct kvs facts = {0};
	if (r->tid != r->pid)
		watch_set(w->members, r->tid, false);
	if (!last)
		return;
	if (!*s->comm)
		trace_text(r, "comm", s->comm, sizeof(s->comm));
	if (s->signal)
		kvs_set(&w->line, &facts, "Signal", signal_text(s->signal, name));
	else if (s->code >= 0)
		watch_fact(w, &facts, "ExitCode", s->code);
	if (watch_wants(w, TRACE_EXIT))
		watch_tell(
			w, r, TRACE_EXIT, r->pid, &facts,
			s->signal ? arena_printf(&w->line, "ended by %s", kvs_get(&facts, "Signal"))
			: s->code >= 0 ? arena_printf(&w->line, "ended with %d", s->code)
				       : "ended; how was not seen");
	watch_set(w->members, r->pid, false);
	watch_set(w->programs, r->pid, false);
	s->pid = 0;
}

/* Its arguments, if it has not ended since. */
static const char *command_line(struct watch *w, pid_t pid)
{
	char text[COMMAND_MAX];
	return process_command_line(pid, text, sizeof(text)) > 0 ? arena_strdup(&w->line, text)
								 : "";
}

static void take_exec(struct watch *w, const struct trace_record *r)
{
	char file[256];
	struct seen *s = watch_new(w, r->pid);
	trace_text(r, "filename", file, sizeof(file));
	trace_program(file, s->comm);
	/* Whoever it is: one that has ended since is no longer known as a member. */
	watch_set(w->programs, r->pid, true);
	if (!watch_is_member(w, r->pid))
		return;
	if (!watch_wants(w, TRACE_EXEC))
		return;
	struct kvs facts = {0};
	const char *command = command_line(w, r->pid);
	kvs_set(&w->line, &facts, "File", file);
	kvs_set(&w->line, &facts, "Command", command);
	watch_tell(w, r, TRACE_EXEC, r->pid, &facts,
		   arena_printf(&w->line, "executes %s%s%s", file, *command ? ": " : "", command));
}

static void take_fork(struct watch *w, const struct trace_record *r)
{
	const pid_t child = (pid_t)trace_number(r, "child_pid");
	struct kvs facts = {0};
	watch_set(w->members, r->pid, true);
	watch_set(w->members, child, true);
	watch_set(w->programs, child, watch_has(w->programs, r->pid));
	struct seen *s = watch_new(w, child);
	trace_text(r, "child_comm", s->comm, sizeof(s->comm));
	if (!watch_wants(w, TRACE_FORK))
		return;
	watch_fact(w, &facts, "Child", child);
	watch_tell(w, r, TRACE_FORK, r->pid, &facts,
		   arena_printf(&w->line, "starts the process or thread %d", (int)child));
}

static void take_victim(struct watch *w, const struct trace_record *r)
{
	const pid_t pid = (pid_t)trace_number(r, "pid");
	const int64_t held = trace_number(r, "anon_rss") + trace_number(r, "file_rss") +
			     trace_number(r, "shmem_rss"); /* KiB; Linux 6.9 */
	char size[SIZE_TEXT_SIZE];
	struct kvs facts = {0};
	if (!watch_is_member(w, pid))
		return;
	if (trace_has(r, "anon_rss"))
		watch_fact(w, &facts, "Held", held * 1024);
	watch_tell(w, r, TRACE_OOM, pid, &facts,
		   trace_has(r, "anon_rss")
			   ? arena_printf(&w->line, "is killed for memory; it holds %s",
					  size_binary(held * 1024, size))
			   : "is killed for memory");
}

static void take_capable(struct watch *w, const struct trace_record *r)
{
	const int cap = (int)trace_number(r, "cap");
	const char *name = capability_name(cap);
	struct seen *s = watch_seen(w, r->pid);
	struct kvs facts = {0};
	bool by_the_way;
	const char *call = kernel_symbols_call(&w->symbols, r->stack, r->depth, &by_the_way);
	if (!trace_number(r, "ret") || by_the_way || !name || s->denied & UINT64_C(1) << cap ||
	    capability_is_first_try(cap, call) || !watch_has(w->programs, r->pid))
		return;
	s->denied |= UINT64_C(1) << cap;
	kvs_set(&w->line, &facts, "Capability", name);
	if (call)
		kvs_set(&w->line, &facts, "Call", call);
	watch_tell(w, r, TRACE_CAPS, r->pid, &facts,
		   arena_printf(&w->line, "is denied %s%s%s", name, call ? " in " : "",
				call ? call : ""));
}

static void take_dirty(struct watch *w, const struct trace_record *r)
{
	const int64_t pause = trace_number(r, "pause"), dirty = trace_number(r, "dirty"),
		      limit = trace_number(r, "limit"), rate = trace_number(r, "task_ratelimit"),
		      page = sysconf(_SC_PAGESIZE);
	char device[32], have[SIZE_TEXT_SIZE], most[SIZE_TEXT_SIZE], speed[SIZE_TEXT_SIZE];
	struct kvs facts = {0};
	if (pause <= 0)
		return;
	trace_text(r, "bdi", device, sizeof(device));
	kvs_set(&w->line, &facts, "Device", device);
	watch_fact(w, &facts, "PauseMs", pause);
	watch_fact(w, &facts, "Dirty", dirty * page);
	watch_fact(w, &facts, "Limit", limit * page);
	/* Older kernels tell the machine's figures alone: far from its limit it is the group's. */
	const bool own = dirty < limit / 2;
	const char *what = arena_printf(
		&w->line,
		own ? "its memory limit allows no more unwritten pages (the machine has %s of at "
		      "most %s)"
		    : "%s of at most %s are unwritten",
		size_binary(dirty * page, have), size_binary(limit * page, most));
	watch_tell(w, r, TRACE_DIRTY, r->pid, &facts,
		   rate > 0 ? arena_printf(&w->line,
					   "its writes to %s wait %lld ms, it is held to %s/s: %s",
					   device, (long long)pause,
					   size_binary(rate * 1024, speed), what)
			    : arena_printf(&w->line, "its writes to %s wait %lld ms: %s", device,
					   (long long)pause, what));
}

const struct trace_point trace_generate = {"signal:signal_generate", true, take_generate};
const struct trace_point trace_deliver = {"signal:signal_deliver", false, take_deliver};
const struct trace_point trace_exec = {"sched:sched_process_exec", true, take_exec};
const struct trace_point trace_exit = {"sched:sched_process_exit", false, take_exit};
const struct trace_point trace_exit_group = {"syscalls:sys_enter_exit_group", false,
					     take_exit_group};
const struct trace_point trace_fork = {"sched:sched_process_fork", false, take_fork};
const struct trace_point trace_victim = {"oom:mark_victim", true, take_victim};
const struct trace_point trace_capable = {"capability:cap_capable", false, take_capable};
const struct trace_point trace_dirty = {"writeback:balance_dirty_pages", false, take_dirty};
