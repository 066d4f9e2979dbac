/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the container's first process ended. Who knows, in this order:
 *   - the kernel, when it is our child (the usual case): waitid(2);
 *   - the keeper, when the process became its child because an earlier monitor died;
 *   - the pidfd, for anybody, once its parent has reaped it (Linux 6.15).
 * If none of them answers within STATUS_WAIT_MS, the status is unknown and is recorded as unknown.
 */
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "linux/pidfd.h"
#include "monitor/monitor.h"

enum { STATUS_WAIT_MS = 5000 };

static void ended(struct monitor *m)
{
	if (m->phase >= PHASE_DRAINING)
		return;
	m->phase = PHASE_DRAINING;
	m->record.finished_ns = clock_real_ns();
	oom_at_end(m);
	epoll_ctl(m->epoll, EPOLL_CTL_DEL, m->pidfd, NULL);
	stdio_end(m);
}

static void known(struct monitor *m, int wait_status)
{
	m->wait_status = wait_status;
	ended(m);
}

void status_lost(struct monitor *m)
{
	m->record.flags |= EXIT_UNKNOWN;
	ended(m);
}

void status_event(struct monitor *m, size_t index, uint32_t events)
{
	if (m->phase >= PHASE_DRAINING)
		return;
	int status;
	if (pidfd_wait_child(m->pidfd, &status) == 0 || pidfd_exit_status(m->pidfd, &status) == 0) {
		known(m, status);
		return;
	}
	if (m->phase == PHASE_RUNNING) {
		m->phase = PHASE_ENDED;
		m->status_deadline_ms = clock_ms() + STATUS_WAIT_MS;
		/* By edge: the next news is EPOLLHUP, when its parent has reaped it. */
		loop_watch(m, m->pidfd, WATCH_PIDFD, 0, EPOLLIN | EPOLLET);
	} else if ((events & EPOLLHUP) && m->keeper_fd < 0) {
		status_lost(m);
	}
}

void status_from_keeper(struct monitor *m, int code, int status)
{
	known(m, code == CLD_EXITED ? (status & 0xff) << 8 : status & 0x7f);
}

void status_timeout(struct monitor *m)
{
	if (m->phase == PHASE_ENDED && clock_ms() >= m->status_deadline_ms) {
		status_event(m, 0, 0);
		if (m->phase == PHASE_ENDED)
			status_lost(m);
	}
}
