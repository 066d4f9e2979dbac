/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal of a client is gone, but the container's lives on, so that another client may attach
 * to it. Those who work at it are told as the kernel tells them when a terminal hangs up, by SIGHUP
 * to the session's leader and to the foreground group (credentials(7), proc_pid_stat(5)). The
 * leader is PID 1, or the command of hull-init, which passes the signal on.
 */
#include "engine/internal.h"

#include <signal.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "linux/cgroup.h"
#include "linux/pidfd.h"

/* /dev/pts/0 of the container: its terminal is the first of its own devpts. */
enum { PTS_MAJOR = 136 };

static bool is_leader(pid_t pid, pid_t first)
{
	struct pidfd_job job;
	return pidfd_job(pid, &job) == 0 && job.session == pid &&
	       job.terminal == (int)makedev(PTS_MAJOR, 0) && (pid == first || job.parent == first);
}

static void hang_up_group(const pid_t *pids, size_t count, pid_t first, pid_t leader)
{
	struct pidfd_job job, its;
	if (pidfd_job(leader, &job) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (pids[i] == leader || pids[i] == first)
			continue;
		/* Looked at after it was opened: whoever is in the group now is meant. */
		CLEANUP_FD int fd = pidfd_of(pids[i]);
		if (fd >= 0 && pidfd_job(pids[i], &its) == 0 && its.group == job.foreground)
			pidfd_signal(fd, SIGHUP);
	}
}

int container_hang_up(struct engine *en, const char *ref, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct container c;
	pid_t *pids;
	size_t count;
	int r = container_find(en, ref, &a, &c, e);
	if (r == 0)
		r = container_pids(&c, &a, &pids, &count, e);
	if (r == 0)
		r = container_kill(en, c.id, SIGHUP, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (is_leader(pids[i], c.pid))
			hang_up_group(pids, count, c.pid, pids[i]);
	return r;
}
