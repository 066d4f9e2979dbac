// SPDX-License-Identifier: Apache-2.0
/*
 * Tell the engine what happens in here: fixed-size records to a descriptor it gave us.
 *
 * write(2) to a pipe is atomic up to PIPE_BUF (pipe(7)). When the reader is gone the kernel sends
 * us SIGPIPE; it stays blocked, and forward.c drops signals whose sender we are ourselves.
 *
 * Invariant: never blocks, never fails towards the caller. The layout is in report.h.
 */
#include <linux/time.h>

#include "report_write.h"
#include "sys.h"
#include "text.h"

int report_open(int fd)
{
	long flags;

	if (fd < 0)
		return 0;
	flags = sys_fcntl(fd, F_GETFL, 0);
	if (flags < 0)
		return (int)flags;
	sys_fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	return (int)sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void report_write(int fd, struct init_report *report)
{
	if (fd < 0)
		return;
	report->version = INIT_REPORT_VERSION;
	report->time_ns = (uint64_t)sys_clock(CLOCK_REALTIME);
	sys_write(fd, report, sizeof(*report));
}

void report_name(struct init_report *report, const char *name)
{
	size_t i = 0;

	for (; name[i] && i < sizeof(report->comm) - 1; i++)
		report->comm[i] = name[i];
	for (; i < sizeof(report->comm); i++)
		report->comm[i] = '\0';
}
