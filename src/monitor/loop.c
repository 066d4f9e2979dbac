/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: epoll(7) says what may be done, the pumps do it in small portions until nothing
 * moves any more, then it sleeps. After a second without work the big buffers are given back
 * (madvise(2)).
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "monitor/monitor.h"

enum { EVENTS_AT_ONCE = 16, GIVE_BACK_MS = 1000, RECORD_AGAIN_MS = 250 };

typedef void (*event_fn)(struct monitor *m, size_t index, uint32_t events);
static const event_fn handlers[WATCHES] = {
	[WATCH_CONTROL] = control_event,       [WATCH_CONNECTION] = control_connection_event,
	[WATCH_CLIENT] = attach_event,         [WATCH_STREAM] = stdio_stream_event,
	[WATCH_PTY] = stdio_pty_event,         [WATCH_STDIN] = input_event,
	[WATCH_PIDFD] = status_event,          [WATCH_OOM] = oom_event,
	[WATCH_INIT] = report_event,           [WATCH_KEEPER] = keeper_event,
	[WATCH_WRITERS] = stdio_writers_event,
};

int loop_watch(struct monitor *m, int fd, enum watch what, size_t index, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = (uint64_t)index << 32 | what};
	if (epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &e) == 0)
		return 0;
	if (errno == EEXIST && epoll_ctl(m->epoll, EPOLL_CTL_MOD, fd, &e) == 0)
		return 0;
	return -errno;
}

static void give_back(struct monitor *m)
{
	uint8_t *start = m->peek, *end = (uint8_t *)m + sizeof(*m);
	madvise(start, (size_t)(end - start), MADV_DONTNEED);
	m->buffers_used = false;
}

static bool buffers_idle(const struct monitor *m)
{
	return m->buffers_used && !m->queue_len && !m->input_len;
}

static int own_patience(const struct monitor *m)
{
	if (m->phase == PHASE_ENDED) {
		int64_t left = m->status_deadline_ms - clock_ms();
		return left < 0 ? 0 : (int)left;
	}
	if (m->phase == PHASE_CONCLUDED)
		return RECORD_AGAIN_MS;
	return buffers_idle(m) ? GIVE_BACK_MS : -1;
}

static int patience(const struct monitor *m)
{
	const int own = own_patience(m), oom = oom_patience(m);
	return oom >= 0 && (own < 0 || oom < own) ? oom : own;
}

static bool pump(struct monitor *m)
{
	bool more = stdio_pump(m);
	more |= attach_pump(m);
	more |= input_pump(m);
	control_pump(m);
	oom_pump(m);
	if (m->phase >= PHASE_DRAINING)
		exit_pump(m);
	return more;
}

static void sleep_and_dispatch(struct monitor *m, bool more)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(m->epoll, events, EVENTS_AT_ONCE, more ? 0 : patience(m));
	if (n == 0 && !more) {
		status_timeout(m);
		if (buffers_idle(m))
			give_back(m);
	}
	for (int i = 0; i < n; i++) {
		uint32_t what = (uint32_t)events[i].data.u64;
		handlers[what](m, events[i].data.u64 >> 32, events[i].events);
	}
}

void loop_run(struct monitor *m)
{
	while (m->phase != PHASE_DONE) {
		bool more = pump(m);
		if (m->phase != PHASE_DONE)
			sleep_and_dispatch(m, more);
	}
}
