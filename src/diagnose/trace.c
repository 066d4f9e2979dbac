/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See trace.h. Most points are recorded in the container's group alone. A signal and a choice of
 * the OOM killer happen in the context of somebody else, so these are recorded everywhere and
 * compared with the processes that are known to be the container's: from forks, and from
 * /proc/PID/cgroup. What a kind needs stands in one table; what its records are told as, in
 * trace_take.c and its neighbours. Read trace_watch.h first.
 */
#include "diagnose/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "diagnose/trace_watch.h"
#include "engine/stats.h"
#include "linux/pidfd.h"
#include "linux/process.h"

enum { PIDS_MAX = 4 << 20, BATCH_NS = 20000000 };

/* ---- processes ---- */

void watch_set(uint8_t *set, pid_t pid, bool is)
{
	if (pid <= 0 || pid >= PIDS_MAX)
		return;
	uint8_t bit = (uint8_t)(1 << (pid & 7));
	set[pid >> 3] = (uint8_t)(is ? set[pid >> 3] | bit : set[pid >> 3] & ~bit);
}

bool watch_has(const uint8_t *set, pid_t pid)
{
	return pid > 0 && pid < PIDS_MAX && set[pid >> 3] & 1 << (pid & 7);
}

bool watch_is_member(struct watch *w, pid_t pid)
{
	char file[64], text[4096];
	const size_t len = strlen(w->path);
	if (watch_has(w->members, pid))
		return true;
	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	if (file_read_small(AT_FDCWD, file, text, sizeof(text)) <= 0)
		return false;
	for (const char *at = text; (at = strstr(at, w->path)); at += len)
		if (!at[len] || at[len] == '\n' || at[len] == '/') {
			watch_set(w->members, pid, true);
			return true;
		}
	return false;
}

struct seen *watch_new(struct watch *w, pid_t pid)
{
	struct seen *s = &w->seen[(unsigned)pid % TRACE_SEEN];
	*s = (struct seen){.pid = pid, .code = -1};
	return s;
}

struct seen *watch_seen(struct watch *w, pid_t pid)
{
	struct seen *s = &w->seen[(unsigned)pid % TRACE_SEEN];
	struct process p;
	if (s->pid == pid)
		return s;
	s = watch_new(w, pid);
	if (process_read(pid, &p) == 0)
		memcpy(s->comm, p.comm, sizeof(s->comm));
	return s;
}

const char *watch_comm(struct watch *w, pid_t pid)
{
	const struct seen *s = watch_seen(w, pid);
	return *s->comm ? s->comm : "?";
}

/* ---- telling ---- */

void watch_fact(struct watch *w, struct kvs *facts, const char *key, int64_t n)
{
	kvs_set(&w->line, facts, key, arena_printf(&w->line, "%lld", (long long)n));
}

void watch_tell(struct watch *w, const struct trace_record *r, enum trace_kind kind, pid_t pid,
		const struct kvs *facts, const char *text)
{
	struct trace_line line = {.time_ns = r->time_ns,
				  .kind = trace_kind_name(kind),
				  .pid = pid,
				  .comm = pid ? watch_comm(w, pid) : "",
				  .text = text,
				  .facts = *facts};
	w->stop = w->q->line(&line, w->q->ctx);
	arena_free(&w->line);
	w->line = (struct arena){0};
}

bool watch_wants(const struct watch *w, enum trace_kind kind)
{
	return w->q->kinds & 1U << kind;
}

/* ---- the table ---- */

enum { KIND_POINTS = 3 };
#define BIT(kind_) (1U << (kind_))
static const struct {
	const char *name;
	const struct trace_point *points[KIND_POINTS];
	int (*begin)(struct watch *w, struct err *e);
} kinds[TRACE_KINDS] = {
	[TRACE_SIGNALS] = {"signals", {&trace_generate}},
	[TRACE_EXEC] = {"exec"},
	[TRACE_EXIT] = {"exit", {&trace_exit_group, &trace_deliver}},
	[TRACE_FORK] = {"fork"},
	[TRACE_OOM] = {"oom", {&trace_victim}},
	[TRACE_CAPS] = {"caps", {&trace_capable}},
	[TRACE_DIRTY] = {"dirty", {&trace_dirty}},
	[TRACE_OPEN] = {"open", .begin = trace_open_begin},
	[TRACE_TCP] = {"tcp", .begin = trace_tcp_begin},
};
/* They say which processes there are, and how they are called. */
static const struct trace_point *const always[] = {&trace_exec, &trace_exit, &trace_fork};

const char *trace_kind_name(int kind)
{
	return kind >= 0 && kind < TRACE_KINDS ? kinds[kind].name : NULL;
}

/* ---- the session ---- */

static int take(const struct trace_record *r, void *ctx)
{
	struct watch *w = ctx;
	const struct trace_point *p = r->context;
	p->take(w, r);
	return w->stop;
}

int watch_add(struct watch *w, const struct trace_point *p, struct err *e)
{
	return trace_add(&w->trace, p->name, p->everywhere ? -1 : w->group, (void *)p, e);
}

static int add_kind(struct watch *w, enum trace_kind kind, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < KIND_POINTS && kinds[kind].points[i]; i++)
		r = watch_add(w, kinds[kind].points[i], e);
	return r == 0 && kinds[kind].begin ? kinds[kind].begin(w, e) : r;
}

static int add_kinds(struct watch *w, unsigned *ret_kinds, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(always); i++)
		r = watch_add(w, always[i], e);
	*ret_kinds = 0;
	for (unsigned i = 0; r == 0 && i < TRACE_KINDS; i++) {
		if (!(w->q->kinds & BIT(i)))
			continue;
		r = add_kind(w, i, e);
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

/* Whoever ends it must not leave behind what it has made in the kernel. A write to a pipe that
 * nobody reads fails instead of ending us. */
int trace_wishes(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int follow(struct watch *w, int main_process, int wish)
{
	static const struct timespec batch = {.tv_nsec = BATCH_NS};
	struct pollfd fds[] = {{.fd = w->trace.epoll, .events = POLLIN},
			       {.fd = main_process, .events = POLLIN},
			       {.fd = wish, .events = POLLIN}};
	const int64_t end = clock_ms() + w->q->span_ns / 1000000;
	for (bool last = false; !w->stop && !last;) {
		int64_t left = w->q->span_ns ? end - clock_ms() : -1;
		last = w->q->span_ns && left <= 0;
		if (poll(fds, ARRAY_LEN(fds), last || w->trace.left ? 0 : (int)left) < 0 &&
		    errno != EINTR)
			return -errno;
		const int64_t until = trace_now_ns();
		nanosleep(&batch, NULL); /* what comes together is sorted together */
		trace_drain(&w->trace, until, take, w);
		last |= fds[1].revents || fds[2].revents;
	}
	if (!w->stop)
		trace_drain(&w->trace, INT64_MAX, take, w);
	return 0;
}

static int know_programs(struct watch *w, const struct cgroup *g, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	pid_t *pids;
	size_t count;
	int r = cgroup_pids(g, &a, &pids, &count, e);
	for (size_t i = 0; r >= 0 && i < count; i++)
		watch_set(w->programs, pids[i], true);
	return r;
}

static void release(struct watch *w)
{
	trace_tcp_end(w);
	trace_close(&w->trace);
	trace_open_end(w);
	arena_free(&w->line);
	fd_drop(&w->group);
}

/* All but the waiting. */
static int begin(struct watch *w, const struct container *c, unsigned *ret_kinds, struct err *e)
{
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct container_stats_place place;
	container_stats_place(c, &place);
	snprintf(w->path, sizeof(w->path), "%s", place.path);
	int r = cgroup_open(place.path, &group, e);
	if (r == 0)
		r = w->group = cgroup_scope(&group, e);
	if (r >= 0)
		r = trace_open(&w->trace, w->a, e);
	if (r < 0)
		return r;
	w->members = arena_array(w->a, PIDS_MAX / 8, 1);
	w->programs = arena_array(w->a, PIDS_MAX / 8, 1);
	w->seen = arena_array(w->a, TRACE_SEEN, sizeof(*w->seen));
	if (watch_wants(w, TRACE_CAPS))
		prepare_stacks(w);
	r = add_kinds(w, ret_kinds, e);
	return r < 0 ? r : know_programs(w, &group, e);
}

int diagnose_trace(const struct container *c, const struct trace_request *q, uint64_t *ret_lost,
		   struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_FD int process = pidfd_of(c->pid), wish = trace_wishes();
	CLEANUP(release)
	struct watch w = {.q = q, .name = c->name, .trace = TRACE_CLOSED, .a = &a, .group = -1};
	unsigned traced;
	if (process < 0)
		return err_errno(e, process, "container %s: cannot watch its first process",
				 c->name);
	int r = begin(&w, c, &traced, e);
	if (r < 0)
		return r;
	q->ready(traced, q->ctx);
	r = follow(&w, process, wish);
	*ret_lost = trace_lost(&w.trace) + trace_tcp_end(&w);
	return r < 0 ? err_errno(e, r, "cannot follow container %s", c->name) : 0;
}
