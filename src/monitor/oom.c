/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes killed for memory: the counter `oom_kill` of the container's control group, in
 * memory.events (version 2) or memory.oom_control (version 1, Linux 4.13). It counts children too.
 * The kernel tells of a change by POLLPRI on the file (2) or by an eventfd (1); the moment is kept,
 * because a process that dies of SIGKILL right after a rise is taken for the victim. The event of a
 * kill that the container outlives is the engine's to write, whom the keeper calls. See
 * cgroup-v2.rst, cgroup-v1/memory.rst section 10.
 */
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "monitor/monitor.h"

enum {
	OOM_NEAR_MS = 2000,
	OOM_TELL_MS = 50,    /* a kill is often the end, which tells of it; ... */
	OOM_QUIET_MS = 1000, /* ... and kills come in crowds */
	OOM_TRIES = 5,       /* each waits twice as long as the one before: 3 s in all */
};

/* The number behind the word "oom_kill" at the start of a line. */
static uint64_t read_counter(int fd)
{
	static const char word[] = "oom_kill ";
	char text[512];
	ssize_t n = fd >= 0 ? pread(fd, text, sizeof(text) - 1, 0) : -1;
	if (n <= 0)
		return 0;
	text[n] = '\0';
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, sizeof(word) - 1))
			continue;
		uint64_t value = 0;
		for (const char *d = line + sizeof(word) - 1; *d >= '0' && *d <= '9'; d++)
			value = value * 10 + (uint64_t)(*d - '0');
		return value;
	}
	return 0;
}

/* Version 1 tells before the counter rises: then it is looked at some times more. */
static void plan_note(struct monitor *m)
{
	const int64_t due = clock_ms() + OOM_TELL_MS, free = m->oom_quiet_ms;
	m->oom_tries = OOM_TRIES;
	if (!m->oom_due_ms)
		m->oom_due_ms = due > free ? due : free;
}

/* The group is as old as this start of the container: its counter began at zero. What a monitor
 * that follows another finds there has happened before, nobody knows when; but where the container
 * has ended meanwhile it may be what ended it; and where it runs on, nobody may have been told. */
void oom_init(struct monitor *m)
{
	if (m->pidfd >= 0)
		m->oom_seen = read_counter(m->memory_fd);
	if (m->memory_fd >= 0)
		loop_watch(m, m->memory_fd, WATCH_OOM, 0, EPOLLPRI);
	if (m->oom_fd >= 0)
		loop_watch(m, m->oom_fd, WATCH_OOM, 1, EPOLLIN);
	if (m->oom_seen)
		plan_note(m);
}

static void look(struct monitor *m)
{
	uint64_t now = read_counter(m->memory_fd);
	if (now <= m->oom_seen)
		return;
	m->oom_seen = now;
	m->oom_seen_ms = m->oom_told_ms ? m->oom_told_ms : clock_ms();
	m->oom_told_ms = 0;
	plan_note(m);
}

void oom_event(struct monitor *m, size_t index, uint32_t events)
{
	uint64_t count;
	/* The eventfd stays readable until read; it is also raised when the group is removed. */
	if (index == 1 && (events & EPOLLIN) && read(m->oom_fd, &count, sizeof(count)) < 0)
		epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->oom_fd, NULL);
	else if (index == 1) { /* just before the counter rises, which nobody tells */
		m->oom_told_ms = clock_ms();
		plan_note(m);
	}
	look(m);
}

int oom_patience(const struct monitor *m)
{
	if (!m->oom_due_ms || m->phase != PHASE_RUNNING)
		return -1;
	const int64_t left = m->oom_due_ms - clock_ms();
	return left < 0 ? 0 : (int)left;
}

void oom_pump(struct monitor *m)
{
	if (oom_patience(m) != 0)
		return;
	look(m);
	m->oom_due_ms = 0;
	if (m->oom_seen > m->oom_noted && keeper_tell_oom(m, m->oom_seen_ms) == 0) {
		m->oom_noted = m->oom_seen;
		m->oom_quiet_ms = clock_ms() + OOM_QUIET_MS;
	} else if (m->oom_seen == m->oom_noted && m->oom_tries-- > 0) {
		m->oom_due_ms = clock_ms() + (OOM_TELL_MS << (OOM_TRIES - m->oom_tries));
	}
}

void oom_at_end(struct monitor *m)
{
	look(m);
	const int64_t before = clock_ms() - m->oom_seen_ms;
	m->record.oom_kills = m->oom_seen;
	m->record.oom_before_ms =
		m->oom_seen_ms && before < OOM_TIME_UNKNOWN ? (uint32_t)before : OOM_TIME_UNKNOWN;
}

void oom_conclude(struct exit_record *x)
{
	if (x->oom_kills)
		x->flags |= x->signal == SIGKILL && x->oom_before_ms < OOM_NEAR_MS ? EXIT_OOM_MAIN
										   : EXIT_OOM_CHILD;
}
