/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load that a container is to the machine: the kernel's load average counts the tasks that run
 * or could run (R) and those in uninterruptible sleep (D), which use no processor but wait, mostly
 * for a disk. Rests on /proc/PID/task, wchan and stack of proc(5). A task's state is a matter of
 * microseconds: it is looked at several times.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "diagnose/processes.h"
#include "engine/recorder.h"
#include "engine/stats.h"
#include "linux/process.h"

enum { LOOKS = 10, APART_MS = 20, FRAMES = 4, WAITING_MAX = 16 };

struct waiting {
	pid_t tid;
	int looks;                   /* in which it was seen so */
	int64_t since_ms, until_ms;  /* CLOCK_BOOTTIME: of the first and the last look */
	int64_t sleeps_from, sleeps; /* its count of sleeps then */
	char *label, *where;
};

struct load {
	struct arena *a;
	int64_t running, sleeping; /* over all looks */
	size_t processes, stopped; /* of the last one, without hull-init */
	struct waiting waiting[WAITING_MAX];
	size_t count;
};

/* "folio_wait_bit_common < filemap_fault < ...": from the inside out; the wchan where the stack may
 * not be read. */
static char *where(pid_t tid, struct arena *a)
{
	char path[40], text[4096], *line, *rest = text, *all = NULL;
	snprintf(path, sizeof(path), "/proc/%d/stack", (int)tid);
	ssize_t n = file_read_small(AT_FDCWD, path, text, sizeof(text));
	for (int i = 0; n > 0 && i < FRAMES && (line = strsep(&rest, "\n"));) {
		char *name = strchr(line, ']');
		if (!name)
			continue;
		name += strspn(name, "] ");
		name[strcspn(name, "+")] = '\0';
		if (!strncmp(name, "do_syscall", 10) || !strncmp(name, "entry_", 6))
			break; /* how it got there: by a system call */
		all = all ? arena_printf(a, "%s < %s", all, name) : arena_strdup(a, name);
		i++;
	}
	if (all)
		return all;
	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)tid);
	n = file_read_small(AT_FDCWD, path, text, sizeof(text));
	return arena_strdup(a, n > 0 ? text : "?");
}

static void note_waiting(struct load *l, const struct process *p)
{
	size_t i;
	for (i = 0; i < l->count && l->waiting[i].tid != p->pid; i++)
		;
	if (i == WAITING_MAX)
		return;
	if (i == l->count)
		l->waiting[l->count++] = (struct waiting){.tid = p->pid,
							  .since_ms = clock_ms(),
							  .sleeps_from = p->sleeps,
							  .label = process_label(p, l->a),
							  .where = where(p->pid, l->a)};
	l->waiting[i].looks++;
	l->waiting[i].until_ms = clock_ms();
	l->waiting[i].sleeps = p->sleeps;
}

static void look_at_tasks(struct load *l, pid_t pid)
{
	char path[32];
	uint64_t tid;
	struct dirent *entry;
	struct process p;
	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	CLEANUP_DIR DIR *d = opendir(path);
	while (d && (entry = dir_next(d))) {
		if (uint_parse(entry->d_name, INT32_MAX, &tid) < 0 ||
		    process_read((pid_t)tid, &p) < 0)
			continue;
		l->running += p.state == 'R';
		l->sleeping += p.state == 'D';
		if (p.state == 'D')
			note_waiting(l, &p);
	}
}

static int look(struct load *l, const struct container *c, struct err *e)
{
	static const struct timespec apart = {.tv_nsec = APART_MS * 1000000L};
	for (int i = 0; i < LOOKS; i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct processes all;
		int r = processes_read(c, &a, &all, e);
		if (r < 0)
			return r;
		const size_t first = container_has_init(c) && all.count;
		l->processes = all.count - first;
		l->stopped = 0;
		for (size_t k = 0; k < all.count; k++) {
			const char state = all.list[k].state;
			l->stopped += k >= first && (state == 'T' || state == 't');
			look_at_tasks(l, all.list[k].pid);
		}
		nanosleep(&apart, NULL);
	}
	return 0;
}

/* Over minutes it is known only to one who looks all the time. */
static void tell_average(struct engine *en, const struct container *c, struct story *s)
{
	struct recorded_load l;
	const int r = recorder_load(en, c->id, &l);
	if (r == 1)
		story_evidence(s, "its load",
			       "%.2f %.2f %.2f (1, 5 and 15 minutes, looked at for %lld s)",
			       l.average[0], l.average[1], l.average[2],
			       (long long)((l.at_ns - l.since_ns) / 1000000000));
	else
		story_evidence(
			s, "its load", "over minutes %s",
			r == 0 ? "it is not known yet"
			       : "the recorder knows it, where one runs (hull system record)");
}

/* The parent of vfork(2), and of posix_spawn(3), until its child executes a program or ends: the
 * one sleep of this kind that the program itself asks for, and that a signal which kills does end.
 */
static bool is_vfork(const struct waiting *w)
{
	static const char *const places[] = {"kernel_clone", "wait_for_vfork_done", "_do_fork"};
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (!strncmp(w->where, places[i], strlen(places[i])))
			return true;
	return false;
}

static void advise(const struct load *l, struct story *s)
{
	size_t forks = 0;
	for (size_t i = 0; i < l->count; i++)
		forks += is_vfork(&l->waiting[i]);
	if (forks)
		story_advise(s, "who waits in vfork waits for its child to execute a program or to "
				"end: see what that child does; such a wait ends by SIGKILL");
	if (forks < l->count)
		story_advise(s,
			     "a task in D usually cannot be killed until what it waits for comes: "
			     "a disk, a network file system, or memory at its limit");
}

/* The kernel does not keep when a sleep began: what was seen of it is the least. */
static const char *how_long(const struct waiting *w, struct arena *a)
{
	if (w->looks < 2)
		return "";
	if (w->sleeps == w->sleeps_from)
		return arena_printf(a, ", all of one wait, for at least %.2f s",
				    (double)(w->until_ms - w->since_ms) / 1000);
	return arena_printf(a, "; it slept %lld times, of whatever kind, in these %.2f s",
			    (long long)(w->sleeps - w->sleeps_from),
			    (double)(w->until_ms - w->since_ms) / 1000);
}

int diagnose_load(struct engine *en, const struct container *c, struct story *s, struct err *e)
{
	struct arena *a = s->a;
	struct load l = {.a = a};
	char host[64] = "";
	int r = look(&l, c, e);
	if (r < 0)
		return r;
	double running = (double)l.running / LOOKS, sleeping = (double)l.sleeping / LOOKS;
	if (sleeping >= 0.5)
		s->verdict =
			arena_printf(a,
				     "it adds %.1f to the load: %.1f tasks run or could, %.1f wait "
				     "uninterruptibly (D) and use no processor",
				     running + sleeping, running, sleeping);
	else
		s->verdict = arena_printf(a, "it adds %.1f to the load: tasks that run or could",
					  running);
	if (l.stopped && l.stopped == l.processes) {
		s->verdict = arena_printf(
			a,
			"all its processes (%zu) are stopped, by SIGSTOP or a debugger: they do "
			"nothing, and take no signal but SIGKILL, until SIGCONT",
			l.stopped);
		story_advise(s,
			     "hull kill -s CONT %s lets its first process go on, but for one "
			     "that a debugger holds",
			     c->name);
	}
	double quota = container_cpu_limit(c);
	if (quota > 0 && running + sleeping > quota)
		story_evidence(s, "its quota", "of %g CPUs is for processor time, not for the load",
			       quota);
	for (size_t i = 0; i < l.count; i++)
		story_evidence(s, l.waiting[i].label, "waits in %s (%d of %d looks%s)",
			       l.waiting[i].where, l.waiting[i].looks, LOOKS,
			       how_long(&l.waiting[i], a));
	tell_average(en, c, s);
	if (file_read_small(AT_FDCWD, "/proc/loadavg", host, sizeof(host)) > 0) {
		char *end = host;
		for (int i = 0; i < 3 && end; i++)
			end = strchr(end + 1, ' ');
		if (end)
			*end = '\0';
		story_evidence(s, "the machine's load", "%s (1, 5 and 15 minutes)", host);
	}
	if (sleeping >= 0.5)
		advise(&l, s);
	return 0;
}
