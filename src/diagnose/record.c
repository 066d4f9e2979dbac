/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See record.h and engine/recorder.h. Read of the whole machine: signals but SIGCHLD, forks, and
 * programs that are executed; kept are the signals that would end a process of a container, and the
 * exits that are no success. A process is known by the control group that it is in soon after its
 * execve; by the time that a signal is read here it may be gone. Forks are read along with these,
 * for whoever sent a signal is often gone as well (kill(1)), and its parent tells more. Invariant:
 * what does not concern a container costs a record in the kernel's ring and a look here.
 */
#include "diagnose/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "diagnose/record_load.h"
#include "engine/recorder.h"
#include "linux/capability.h"
#include "linux/kernel_symbols.h"
#include "linux/pidfd.h"
#include "linux/process.h"
#include "linux/signals.h"
#include "linux/tracepoint.h"

/* include/trace/events/signal.h */
enum { TRACE_SIGNAL_IGNORED = 1 };
enum { SETS = 4096, WAYS = 8, BATCH_NS = 2000000 };

struct known {
	pid_t pid, parent;
	int uid; /* -1: not known */
	char comm[16], parent_comm[16];
	bool first;                 /* PID 1 of its namespace */
	bool moved;                 /* it may have entered a container since `container` was read */
	uint64_t denied;            /* capabilities, that were noted already; ... */
	uint32_t refused;           /* ... and calls, by their place in `refusals` */
	char container[ID_LEN + 1]; /* "": of none */
	char unit[RECORDED_UNIT_MAX];
};

struct recorder {
	struct trace trace, caps; /* caps: with the kernel's stacks */
	struct kernel_symbols symbols;
	struct arena a;
	struct recorder_ring *ring;
	struct known *known; /* SETS times WAYS, by the low bits of the number */
	unsigned turn;
};

/* ---- processes ---- */

/* Its place, or that of one who can be forgotten: rather than a process of a container, anybody. */
static struct known *slot(struct recorder *w, pid_t pid)
{
	struct known *set = &w->known[(unsigned)pid % SETS * WAYS], *victim = NULL;
	for (int i = 0; i < WAYS; i++)
		if (set[i].pid == pid)
			return &set[i];
	for (int i = 0; i < WAYS && !victim; i++)
		if (!set[i].pid)
			victim = &set[i];
	for (int i = 0; i < WAYS && !victim; i++) {
		struct known *k = &set[(w->turn + (unsigned)i) % WAYS];
		if (!*k->container || kill(k->pid, 0) < 0)
			victim = k;
	}
	w->turn++;
	victim = victim ? victim : &set[w->turn % WAYS];
	*victim = (struct known){.pid = pid, .uid = -1};
	return victim;
}

/* The id of a container in the name of one of the groups: <id>, or hull-<id>.scope. */
static void find_container(const char *path, char ret[ID_LEN + 1])
{
	for (const char *at = path; (at = strchr(at, '/'));) {
		at++;
		const char *id = strncmp(at, "hull-", 5) ? at : at + 5;
		if (strnlen(id, ID_LEN) == ID_LEN && id_is_hex(id, ID_LEN)) {
			memcpy(ret, id, ID_LEN);
			ret[ID_LEN] = '\0';
			return;
		}
	}
}

/* "0::/user.slice/user-1000.slice/session-3.scope"; on version 1 systemd's own hierarchy. */
static void read_group(pid_t pid, struct known *k)
{
	char file[64], text[4096];
	snprintf(file, sizeof(file), "/proc/%d/cgroup", (int)pid);
	if (file_read_small(AT_FDCWD, file, text, sizeof(text)) <= 0)
		return;
	k->moved = false;
	k->container[0] = '\0';
	find_container(text, k->container);
	const char *line = strstr(text, "0::/");
	if (!line || !line[4] || line[4] == '\n')
		line = strstr(text, ":name=systemd:/");
	if (!line)
		return;
	size_t len = strcspn(line, "\n"), from = len;
	while (from > 0 && line[from - 1] != '/')
		from--;
	snprintf(k->unit, sizeof(k->unit), "%.*s", (int)(len - from), line + from);
}

/* What /proc says now, where it still does, of who had that number at @at_ns: by now it may be
 * another's. */
static struct known *look(struct recorder *w, pid_t pid, int64_t at_ns)
{
	struct known *k = slot(w, pid);
	struct process p;
	int64_t started;
	if (process_read(pid, &p) == 0 && pidfd_started_ns(pid, &started) == 0 &&
	    started <= at_ns) {
		memcpy(k->comm, p.comm, sizeof(k->comm));
		k->parent = p.parent ? p.parent : k->parent;
		k->uid = (int)p.uid;
		k->first = p.inside == 1;
		read_group(pid, k);
	}
	return k;
}

/* ---- records ---- */

/* One of hull's, which may be about to enter a container; a number is what hull executes by its
 * descriptor. */
static bool is_hulls(const char *comm)
{
	return !strncmp(comm, "hull", 4) || (*comm && !comm[strspn(comm, "0123456789")]);
}

static void take_fork(struct recorder *w, const struct trace_record *r)
{
	const pid_t child = (pid_t)trace_number(r, "child_pid");
	const struct known parent = *slot(w, r->pid);
	struct known *k = slot(w, child);
	*k = parent;
	k->pid = child;
	k->parent = r->pid;
	k->first = false;
	k->moved |= is_hulls(parent.comm);
	k->denied = k->refused = 0;
	trace_text(r, "child_comm", k->comm, sizeof(k->comm));
	trace_text(r, "parent_comm", k->parent_comm, sizeof(k->parent_comm));
}

static void take_exec(struct recorder *w, const struct trace_record *r)
{
	char file[256];
	struct known *k = look(w, r->pid, r->time_ns);
	k->denied = k->refused = 0;
	trace_text(r, "filename", file, sizeof(file));
	trace_program(file, k->comm);
}

static void fill_sender(struct recorder *w, const struct trace_record *r, struct recorded *s)
{
	const struct known k = *look(w, r->pid, r->time_ns);
	s->sender_pid = r->pid;
	s->sender_uid = k.uid;
	s->sender_parent = k.parent;
	s->inside = !strcmp(k.container, s->container);
	memcpy(s->sender, k.comm, sizeof(s->sender));
	memcpy(s->unit, k.unit, sizeof(s->unit));
	memcpy(s->parent, k.parent_comm, sizeof(s->parent));
	s->unplaced = k.moved;
	if (k.parent <= 1)
		return;
	/* The parent is more likely to be there still. */
	const struct known *parent = look(w, k.parent, r->time_ns);
	if (*parent->comm)
		memcpy(s->parent, parent->comm, sizeof(s->parent));
	if (k.moved && !parent->moved && *parent->container) { /* its children are where it is */
		s->unplaced = false;
		s->inside = !strcmp(parent->container, s->container);
	}
	if (!*s->unit)
		memcpy(s->unit, parent->unit, sizeof(s->unit));
	if (s->sender_uid < 0)
		s->sender_uid = parent->uid;
}

static void take_signal(struct recorder *w, const struct trace_record *r)
{
	const pid_t pid = (pid_t)trace_number(r, "pid");
	const struct known *k = look(w, pid, r->time_ns);
	struct recorded s = {.time_ns = r->time_ns,
			     .pid = pid,
			     .signal = (int32_t)trace_number(r, "sig"),
			     .code = (int32_t)trace_number(r, "code")};
	/* What is ignored, and what ends nobody, would push out what is asked for. */
	const char *action = signal_default_action(s.signal);
	if (!*k->container || trace_number(r, "result") == TRACE_SIGNAL_IGNORED ||
	    (strcmp(action, "term") && strcmp(action, "core")))
		return;
	memcpy(s.container, k->container, sizeof(s.container));
	memcpy(s.comm, k->comm, sizeof(s.comm));
	/* What PID 1 leaves is killed by the kernel, on its way out. */
	const struct known *doer = slot(w, r->pid);
	s.taken_along = s.signal == SIGKILL && s.code == SI_KERNEL && doer->first &&
			r->pid != pid && !strcmp(doer->container, s.container);
	if (signal_has_sender(s.code))
		fill_sender(w, r, &s);
	recorder_put(w->ring, RECORDED_SIGNAL, &s);
}

/* Once for each program. What hull starts on its way into a container is not yet known as one of
 * it: that is looked at when it executes. */
static void take_capable(struct recorder *w, const struct trace_record *r)
{
	struct known *k = slot(w, r->pid);
	struct recorded s = {.time_ns = r->time_ns,
			     .pid = r->pid,
			     .capability = (int32_t)trace_number(r, "cap")};
	const uint64_t bit = UINT64_C(1) << (s.capability & 63);
	bool by_the_way;
	if (k->uid < 0)
		k = look(w, r->pid, r->time_ns);
	if (!*k->container || k->denied & bit)
		return;
	const char *call = kernel_symbols_call(&w->symbols, r->stack, r->depth, &by_the_way);
	if (by_the_way || capability_is_first_try(s.capability, call))
		return;
	k->denied |= bit;
	memcpy(s.container, k->container, sizeof(s.container));
	memcpy(s.comm, k->comm, sizeof(s.comm));
	snprintf(s.call, sizeof(s.call), "%s", call ? call : "");
	recorder_put(w->ring, RECORDED_DENIAL, &s);
}

/* Calls that ordinary programs do not make, and that need a right which most containers have not:
 * by the filter they are refused before any capability is asked for, and CAP_SYS_ADMIN is not
 * recorded. In the words of the tracepoints. */
static const char *const refusals[] = {
	"mount",       "umount",  "pivot_root", "move_mount",      "fsopen",
	"open_tree",   "unshare", "setns",      "sethostname",     "mount_setattr",
	"bpf",         "keyctl",  "add_key",    "perf_event_open", "io_uring_setup",
	"userfaultfd", "ptrace",  "quotactl",   "settimeofday",    "clock_settime",
};
_Static_assert(ARRAY_LEN(refusals) <= 32, "bits of known.refused");

/* Once for each program, too. */
static void take_refused(struct recorder *w, const struct trace_record *r)
{
	static const char before[] = "syscalls:sys_exit_";
	const char *call = r->point->name + sizeof(before) - 1;
	struct known *k = slot(w, r->pid);
	struct recorded s = {.time_ns = r->time_ns,
			     .pid = r->pid,
			     .capability = -1,
			     .error = (int32_t)-trace_number(r, "ret")};
	uint32_t bit = 0;
	for (size_t i = 0; i < ARRAY_LEN(refusals) && !bit; i++)
		bit = strcmp(refusals[i], call) ? 0 : UINT32_C(1) << i;
	if (k->uid < 0)
		k = look(w, r->pid, r->time_ns);
	if (!*k->container || k->refused & bit)
		return;
	k->refused |= bit;
	memcpy(s.container, k->container, sizeof(s.container));
	memcpy(s.comm, k->comm, sizeof(s.comm));
	snprintf(s.call, sizeof(s.call), "%s", strcmp(call, "umount") ? call : "umount2");
	recorder_put(w->ring, RECORDED_DENIAL, &s);
}

/* KiB, from Linux 6.9 on. */
static int64_t held(const struct trace_record *r, const char *field)
{
	return trace_has(r, field) ? trace_number(r, field) * 1024 : -1;
}

static void take_victim(struct recorder *w, const struct trace_record *r)
{
	const pid_t pid = (pid_t)trace_number(r, "pid");
	const struct known *k = look(w, pid, r->time_ns);
	struct recorded s = {.time_ns = r->time_ns,
			     .pid = pid,
			     .anon = held(r, "anon_rss"),
			     .file = held(r, "file_rss"),
			     .shmem = held(r, "shmem_rss")};
	if (!*k->container)
		return;
	memcpy(s.container, k->container, sizeof(s.container));
	memcpy(s.comm, k->comm, sizeof(s.comm));
	recorder_put(w->ring, RECORDED_OOM, &s);
}

/* PID 1's is in the record of the container. */
static void take_exit(struct recorder *w, const struct trace_record *r)
{
	const struct known *k = slot(w, r->pid);
	struct recorded s = {.time_ns = r->time_ns,
			     .pid = r->pid,
			     .exit_code = (int32_t)trace_number(r, "error_code") & 0xff};
	if (!*k->container || k->first || !s.exit_code)
		return;
	memcpy(s.container, k->container, sizeof(s.container));
	memcpy(s.comm, k->comm, sizeof(s.comm));
	recorder_put(w->ring, RECORDED_EXIT, &s);
}

static const struct point {
	const char *name, *filter;
	bool wakes;
	void (*take)(struct recorder *w, const struct trace_record *r);
} points[] = {
	{"sched:sched_process_fork", NULL, false, take_fork},
	{"sched:sched_process_exec", NULL, true, take_exec},
	{"signal:signal_generate", "sig != 17", true, take_signal},
	{"oom:mark_victim", NULL, true, take_victim},
	{"syscalls:sys_enter_exit_group", "error_code != 0", true, take_exit},
};
/* EPERM; EACCES, as AppArmor says it. */
static const struct point refused = {NULL, "ret == -1 || ret == -13", true, take_refused};
/* The kernel asks for CAP_SYS_ADMIN at each mmap. */
static const struct point capable = {"capability:cap_capable", "ret != 0 && cap != 21", true,
				     take_capable};

static int take(const struct trace_record *r, void *ctx)
{
	const struct point *p = r->context;
	p->take(ctx, r);
	return 0;
}

/* Those that run already. */
static void look_at_all(struct recorder *w)
{
	CLEANUP_DIR DIR *proc = opendir("/proc");
	struct dirent *d;
	while (proc && (d = readdir(proc))) {
		const long pid = strtol(d->d_name, NULL, 10);
		if (pid > 0)
			look(w, (pid_t)pid, INT64_MAX);
	}
}

static int add_named(struct trace *t, const char *name, const struct point *p, struct err *e)
{
	t->filter = p->filter;
	t->lazy = !p->wakes;
	return trace_add(t, name, -1, (void *)p, e);
}

static int add(struct trace *t, const struct point *p, struct err *e)
{
	return add_named(t, p->name, p, e);
}

/* A kernel need not have all of them. */
static int add_refusals(struct recorder *w, struct err *e)
{
	int r = 0;
	for (size_t i = 0; i < ARRAY_LEN(refusals) && (r == 0 || r == -ENOENT); i++)
		r = add_named(&w->trace, arena_printf(&w->a, "syscalls:sys_exit_%s", refusals[i]),
			      &refused, e);
	return r == -ENOENT ? 0 : r;
}

/* Before Linux 6.14 there is no such tracepoint: then denials are not kept. */
static int add_caps(struct recorder *w, struct err *e)
{
	static const char *const by_the_way[] = {NULL};
	w->caps.stacks = true;
	int r = add(&w->caps, &capable, e);
	if (r == 0)
		kernel_symbols_read(by_the_way, &w->a, &w->symbols);
	return r == -ENOENT ? 0 : r;
}

static void release(struct recorder *w)
{
	trace_close(&w->caps);
	trace_close(&w->trace);
	arena_free(&w->a);
}

int diagnose_record(struct engine *en, void (*ready)(void), struct err *e)
{
	static const struct timespec batch = {.tv_nsec = BATCH_NS};
	CLEANUP(release) struct recorder w = {.trace = TRACE_CLOSED, .caps = TRACE_CLOSED};
	w.ring = recorder_open(en, e);
	if (!w.ring)
		return -e->number;
	int r = trace_open(&w.trace, &w.a, e);
	if (r == 0)
		r = trace_open(&w.caps, &w.a, e);
	if (r < 0)
		return r;
	w.known = arena_array(&w.a, SETS * WAYS, sizeof(*w.known));
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(points); i++)
		r = add(&w.trace, &points[i], e);
	if (r == 0)
		r = add_refusals(&w, e);
	if (r == 0)
		r = add_caps(&w, e);
	if (r < 0)
		return r;
	look_at_all(&w);
	ready();
	db_close(&en->db);
	int64_t due = clock_ms();
	for (;;) {
		if (clock_ms() >= due) {
			record_load(en, w.ring);
			due = clock_ms() + LOAD_AVERAGE_NS / 1000000;
		}
		const int64_t left = due - clock_ms();
		struct pollfd fds[] = {{.fd = w.trace.epoll, .events = POLLIN},
				       {.fd = w.caps.epoll, .events = POLLIN}};
		if (poll(fds, ARRAY_LEN(fds),
			 w.trace.left || w.caps.left ? 0
			 : left < 0                  ? 0
						     : (int)left) < 0 &&
		    errno != EINTR)
			return err_errno(e, errno, "cannot wait for the kernel's records");
		/* The same for both: who is denied something was seen to execute. */
		const int64_t until = trace_now_ns();
		nanosleep(&batch, NULL);
		trace_drain(&w.trace, until, take, &w);
		trace_drain(&w.caps, until, take, &w);
	}
}
