/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hull-init reports over its pipe: how the command below it ended, and who had to be killed
 * when the grace time was over. See init/report.h. A container may have got hold of that pipe: a
 * record is data of a stranger, it fills bounded fields and decides nothing but the name of a
 * signal.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "init/report.h"
#include "monitor/monitor.h"

enum { RECORDS_AT_ONCE = 64 };

static void note_survivor(struct exit_record *x, const struct init_report *r)
{
	const uint32_t room = sizeof(x->survivors) / sizeof(x->survivors[0]);
	if (r->pid <= 0) {
		x->survivor_count += r->count > 0 && r->count < 1 << 20 ? (uint32_t)r->count : 0;
		return;
	}
	if (x->survivor_count < room) {
		struct exit_survivor *s = &x->survivors[x->survivor_count];
		s->pid = r->pid;
		memcpy(s->comm, r->comm, sizeof(s->comm));
		s->comm[sizeof(s->comm) - 1] = '\0';
	}
	x->survivor_count++;
}

static void take(struct monitor *m, const struct init_report *r)
{
	if (r->version != INIT_REPORT_VERSION)
		return;
	if (r->kind == INIT_REPORT_MAIN_ENDED)
		m->main_status = r->value & 0xffff;
	if (r->kind == INIT_REPORT_KILLED)
		note_survivor(&m->record, r);
}

void report_event(struct monitor *m, size_t index, uint32_t events)
{
	struct init_report r;
	for (int i = 0; i < RECORDS_AT_ONCE && m->init_fd >= 0; i++) {
		ssize_t n = read(m->init_fd, &r, sizeof(r));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n != (ssize_t)sizeof(r))
			fd_drop(&m->init_fd);
		else
			take(m, &r);
	}
}
