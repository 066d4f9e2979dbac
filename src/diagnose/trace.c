/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See trace.h. Most points are recorded in the container's group alone. A signal and a choice of
 * the OOM killer happen in the context of somebody else, so these are recorded everywhere and
 * compared with the processes that are known to be the container's: from forks, and from
 * /proc/PID/cgroup. What a point is told as stands in one table; what a kind needs of them in
 * another.
 */
#include "diagnose/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"
#include "engine/stats.h"
#include "linux/capability.h"
#include "linux/kernel_symbols.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "linux/signals.h"
#include "linux/tracepoint.h"

enum { SEEN = 4096, PIDS_MAX = 4 << 20, BATCH_NS = 20000000, COMMAND_MAX = 512 };

enum point { GENERATE, DELIVER, EXEC, EXIT, EXIT_GROUP, FORK, VICTIM, CAPABLE, DIRTY, POINTS };

/* What is remembered of a process, by the low bits of its number. */
struct seen {
	pid_t pid;
	char comm[16];
	int code, signal; /* how it ends: -1 and 0 not known yet */
	uint64_t denied;  /* capabilities that were told of already */
};

struct watch {
	const struct trace_request *q;
	struct trace trace;
	struct arena *a, line; /* line: emptied after each */
	char path[256];        /* of the group */
	uint8_t *members;      /* a bit for each pid */
	struct seen *seen;
	struct kernel_symbols symbols;
	int stop;
};

/* ---- processes ---- */

static void set_member(struct watch *w, pid_t pid, bool is)
{
	if (pid <= 0 || pid >= PIDS_MAX)
		return;
	uint8_t bit = (uint8_t)(1 << (pid & 7));
	w->members[pid >> 3] =
		(uint8_t)(is ? w->members[pid >> 3] | bit : w->members[pid >> 3] & ~bit);
}

static bool is_member(struct watch *w, pid_t pid)
{
	char file[64], text[4096];
	const size_t len = strlen(w->path);
	if (pid <= 0 || pid >= PIDS_MAX)
		return false;
	if (w->members[pid >> 3] & 1 << (pid & 7))
		return true;
	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	if (file_read_small(AT_FDCWD, file, text, sizeof(text)) <= 0)
		return false;
	for (const char *at = text; (at = strstr(at, w->path)); at += len)
		if (!at[len] || at[len] == '\n' || at[len] == '/') {
			set_member(w, pid, true);
			return true;
		}
	return false;
}

static struct seen *seen_of(struct watch *w, pid_t pid)
{
	struct seen *s = &w->seen[(unsigned)pid % SEEN];
	if (s->pid == pid)
		return s;
	struct process p;
	*s = (struct seen){.pid = pid, .code = -1};
	if (process_read(pid, &p) == 0)
		memcpy(s->comm, p.comm, sizeof(s->comm));
	return s;
}

static const char *comm_of(struct watch *w, pid_t pid)
{
	const struct seen *s = seen_of(w, pid);
	return *s->comm ? s->comm : "?";
}

/* ---- telling ---- */

static void fact(struct watch *w, struct kvs *facts, const char *key, int64_t n)
{
	kvs_set(&w->line, facts, key, arena_printf(&w->line, "%lld", (long long)n));
}

static void tell(struct watch *w, const struct trace_record *r, enum trace_kind kind, pid_t pid,
		 const struct kvs *facts, const char *text)
{
	struct trace_line line = {.time_ns = r->time_ns,
				  .kind = trace_kind_name(kind),
				  .pid = pid,
				  .comm = comm_of(w, pid),
				  .text = text,
				  .facts = *facts};
	w->stop = w->q->line(&line, w->q->ctx);
	arena_free(&w->line);
	w->line = (struct arena){0};
}

static bool wants(const struct watch *w, enum trace_kind kind)
{
	return w->q->kinds & 1U << kind;
}

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
	fact(w, facts, "SenderPid", r->pid);
	kvs_set(&w->line, facts, "SenderComm", comm_of(w, r->pid));
	return arena_printf(&w->line, "%s[%d]%s", comm_of(w, r->pid), (int)r->pid,
			    is_member(w, r->pid) ? "" : " outside of the container");
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
	if (!is_member(w, target) || (signal == SIGCHLD && code > 0))
		return;
	kvs_set(&w->line, &facts, "Signal", signal_text(signal, name));
	fact(w, &facts, "Result", (int64_t)result);
	const char *sender = sender_text(w, r, signal, code, &facts);
	tell(w, r, TRACE_SIGNALS, target, &facts,
	     arena_printf(&w->line, "gets %s from %s%s", kvs_get(&facts, "Signal"), sender,
			  result < ARRAY_LEN(results) ? results[result] : ""));
}

/* The first that would end it: the other threads of one that ends get a SIGKILL, too. */
static void take_deliver(struct watch *w, const struct trace_record *r)
{
	const int signal = (int)trace_number(r, "sig");
	const char *action = signal_default_action(signal);
	struct seen *s = seen_of(w, r->pid);
	if (!trace_number(r, "sa_handler") &&
	    (!strcmp(action, "term") || !strcmp(action, "core")) && !s->signal && s->code < 0)
		s->signal = signal;
}

static void take_exit_group(struct watch *w, const struct trace_record *r)
{
	struct seen *s = seen_of(w, r->pid);
	if (s->code < 0)
		s->code = (int)trace_number(r, "error_code") & 0xff;
}

static void take_exit(struct watch *w, const struct trace_record *r)
{
	/* The last thread of a process; older kernels tell only whether it is the first. */
	const bool last =
		trace_has(r, "group_dead") ? trace_number(r, "group_dead") : r->pid == r->tid;
	struct seen *s = seen_of(w, r->pid);
	char name[SIGNAL_NAME_SIZE];
	struct kvs facts = {0};
	if (r->tid != r->pid)
		set_member(w, r->tid, false);
	if (!last)
		return;
	if (!*s->comm)
		trace_text(r, "comm", s->comm, sizeof(s->comm));
	if (s->signal)
		kvs_set(&w->line, &facts, "Signal", signal_text(s->signal, name));
	else if (s->code >= 0)
		fact(w, &facts, "ExitCode", s->code);
	if (wants(w, TRACE_EXIT))
		tell(w, r, TRACE_EXIT, r->pid, &facts,
		     s->signal ? arena_printf(&w->line, "ended by %s", kvs_get(&facts, "Signal"))
		     : s->code >= 0 ? arena_printf(&w->line, "ended with %d", s->code)
				    : "ended; how was not seen");
	set_member(w, r->pid, false);
	s->pid = 0;
}

/* Its arguments, if it has not ended since. */
static const char *command_line(struct watch *w, pid_t pid)
{
	char file[64], text[COMMAND_MAX];
	snprintf(file, sizeof(file), "/proc/%d/cmdline", (int)pid);
	ssize_t n = file_read_small(AT_FDCWD, file, text, sizeof(text));
	for (ssize_t i = 0; i + 1 < n; i++)
		text[i] = text[i] ? text[i] : ' ';
	return n > 0 ? arena_strdup(&w->line, text) : "";
}

static void take_exec(struct watch *w, const struct trace_record *r)
{
	char file[256];
	struct seen *s = seen_of(w, r->pid);
	trace_text(r, "filename", file, sizeof(file));
	*s = (struct seen){.pid = r->pid, .code = -1};
	trace_program(file, s->comm);
	if (!wants(w, TRACE_EXEC) || !is_member(w, r->pid))
		return;
	struct kvs facts = {0};
	const char *command = command_line(w, r->pid);
	kvs_set(&w->line, &facts, "File", file);
	kvs_set(&w->line, &facts, "Command", command);
	tell(w, r, TRACE_EXEC, r->pid, &facts,
	     arena_printf(&w->line, "executes %s%s%s", file, *command ? ": " : "", command));
}

static void take_fork(struct watch *w, const struct trace_record *r)
{
	const pid_t child = (pid_t)trace_number(r, "child_pid");
	struct kvs facts = {0};
	set_member(w, r->pid, true);
	set_member(w, child, true);
	struct seen *s = &w->seen[(unsigned)child % SEEN];
	*s = (struct seen){.pid = child, .code = -1};
	trace_text(r, "child_comm", s->comm, sizeof(s->comm));
	if (!wants(w, TRACE_FORK))
		return;
	fact(w, &facts, "Child", child);
	tell(w, r, TRACE_FORK, r->pid, &facts,
	     arena_printf(&w->line, "starts the process or thread %d", (int)child));
}

static void take_victim(struct watch *w, const struct trace_record *r)
{
	const pid_t pid = (pid_t)trace_number(r, "pid");
	const int64_t held = trace_number(r, "anon_rss") + trace_number(r, "file_rss") +
			     trace_number(r, "shmem_rss"); /* KiB; Linux 6.9 */
	char size[SIZE_TEXT_SIZE];
	struct kvs facts = {0};
	if (!is_member(w, pid))
		return;
	if (trace_has(r, "anon_rss"))
		fact(w, &facts, "Held", held * 1024);
	tell(w, r, TRACE_OOM, pid, &facts,
	     trace_has(r, "anon_rss") ? arena_printf(&w->line, "is killed for memory; it holds %s",
						     size_binary(held * 1024, size))
				      : "is killed for memory");
}

static void take_capable(struct watch *w, const struct trace_record *r)
{
	const int cap = (int)trace_number(r, "cap");
	const char *name = capability_name(cap);
	struct seen *s = seen_of(w, r->pid);
	struct kvs facts = {0};
	bool by_the_way;
	const char *call = kernel_symbols_call(&w->symbols, r->stack, r->depth, &by_the_way);
	if (!trace_number(r, "ret") || by_the_way || !name || s->denied & UINT64_C(1) << cap)
		return;
	s->denied |= UINT64_C(1) << cap;
	kvs_set(&w->line, &facts, "Capability", name);
	if (call)
		kvs_set(&w->line, &facts, "Call", call);
	tell(w, r, TRACE_CAPS, r->pid, &facts,
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
	fact(w, &facts, "PauseMs", pause);
	fact(w, &facts, "Dirty", dirty * page);
	fact(w, &facts, "Limit", limit * page);
	tell(w, r, TRACE_DIRTY, r->pid, &facts,
	     arena_printf(&w->line,
			  "its writes wait %lld ms: %s of at most %s are unwritten; it is held to "
			  "%s/s on %s",
			  (long long)pause, size_binary(dirty * page, have),
			  size_binary(limit * page, most), size_binary(rate * 1024, speed),
			  device));
}

/* ---- the tables ---- */

static const struct {
	const char *name;
	bool everywhere;
	void (*take)(struct watch *w, const struct trace_record *r);
} points[POINTS] = {
	[GENERATE] = {"signal:signal_generate", true, take_generate},
	[DELIVER] = {"signal:signal_deliver", false, take_deliver},
	[EXEC] = {"sched:sched_process_exec", true, take_exec},
	[EXIT] = {"sched:sched_process_exit", false, take_exit},
	[EXIT_GROUP] = {"syscalls:sys_enter_exit_group", false, take_exit_group},
	[FORK] = {"sched:sched_process_fork", false, take_fork},
	[VICTIM] = {"oom:mark_victim", true, take_victim},
	[CAPABLE] = {"capability:cap_capable", false, take_capable},
	[DIRTY] = {"writeback:balance_dirty_pages", false, take_dirty},
};

#define BIT(point_) (1U << (point_))
static const struct {
	const char *name;
	unsigned points;
} kinds[TRACE_KINDS] = {
	[TRACE_SIGNALS] = {"signals", BIT(GENERATE)},
	[TRACE_EXEC] = {"exec", 0},
	[TRACE_EXIT] = {"exit", BIT(EXIT_GROUP) | BIT(DELIVER)},
	[TRACE_FORK] = {"fork", 0},
	[TRACE_OOM] = {"oom", BIT(VICTIM)},
	[TRACE_CAPS] = {"caps", BIT(CAPABLE)},
	[TRACE_DIRTY] = {"dirty", BIT(DIRTY)},
};
/* They say which processes there are, and how they are called. */
enum { ALWAYS = BIT(EXEC) | BIT(EXIT) | BIT(FORK) };

const char *trace_kind_name(int kind)
{
	return kind >= 0 && kind < TRACE_KINDS ? kinds[kind].name : NULL;
}

/* ---- the session ---- */

static int take(const struct trace_record *r, void *ctx)
{
	struct watch *w = ctx;
	points[(size_t)(uintptr_t)r->context].take(w, r);
	return w->stop;
}

static int add_points(struct watch *w, unsigned wanted, unsigned *added, int group, struct err *e)
{
	for (size_t i = 0; i < POINTS; i++) {
		if (!(wanted & ~*added & BIT(i)))
			continue;
		int r = trace_add(&w->trace, points[i].name, points[i].everywhere ? -1 : group,
				  (void *)(uintptr_t)i, e);
		if (r < 0)
			return r;
		*added |= BIT(i);
	}
	return 0;
}

static int add_kinds(struct watch *w, int group, unsigned *ret_kinds, struct err *e)
{
	unsigned added = 0;
	int r = add_points(w, ALWAYS, &added, group, e);
	*ret_kinds = 0;
	for (unsigned i = 0; r == 0 && i < TRACE_KINDS; i++) {
		if (!(w->q->kinds & BIT(i)))
			continue;
		r = add_points(w, kinds[i].points, &added, group, e);
		if (r == 0)
			*ret_kinds |= BIT(i);
		else if (r == -ENOENT && w->q->optional & BIT(i))
			r = 0;
	}
	return r;
}

/* The capability to overcommit memory is asked for at each mmap, and its lack does no harm. */
static void prepare_stacks(struct watch *w)
{
	static const char *const by_the_way[] = {"cap_vm_enough_memory", "__vm_enough_memory",
						 "security_vm_enough_memory_mm", NULL};
	w->trace.stacks = true;
	kernel_symbols_read(by_the_way, w->a, &w->symbols);
}

static int follow(struct watch *w, int main_process)
{
	static const struct timespec batch = {.tv_nsec = BATCH_NS};
	struct pollfd fds[] = {{.fd = w->trace.epoll, .events = POLLIN},
			       {.fd = main_process, .events = POLLIN}};
	while (!w->stop) {
		if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
			return -errno;
		nanosleep(&batch, NULL); /* what comes together is sorted together */
		trace_drain(&w->trace, take, w);
		if (fds[1].revents)
			return 0;
	}
	return 0;
}

static void release(struct watch *w)
{
	trace_close(&w->trace);
	arena_free(&w->line);
}

int diagnose_trace(const struct container *c, const struct trace_request *q, uint64_t *ret_lost,
		   struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	CLEANUP_FD int process = pidfd_of(c->pid), scope = -1;
	CLEANUP(release) struct watch w = {.q = q, .trace = TRACE_CLOSED, .a = &a};
	struct container_stats_place place;
	unsigned traced;
	container_stats_place(c, &place);
	snprintf(w.path, sizeof(w.path), "%s", place.path);
	if (process < 0)
		return err_errno(e, process, "container %s: cannot watch its first process",
				 c->name);
	int r = cgroup_open(place.path, &group, e);
	if (r == 0 && (scope = cgroup_scope(&group, e)) < 0)
		r = scope;
	if (r == 0)
		r = trace_open(&w.trace, &a, e);
	if (r < 0)
		return r;
	w.members = arena_alloc(&a, PIDS_MAX / 8);
	w.seen = arena_array(&a, SEEN, sizeof(*w.seen));
	if (q->kinds & 1U << TRACE_CAPS)
		prepare_stacks(&w);
	r = add_kinds(&w, scope, &traced, e);
	if (r < 0)
		return r;
	q->ready(traced, q->ctx);
	r = follow(&w, process);
	*ret_lost = w.trace.lost;
	return r < 0 ? err_errno(e, r, "cannot follow container %s", c->name) : 0;
}
