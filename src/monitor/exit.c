/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end: log complete, exit record in place, waiters answered, keeper told to clean up, clients
 * served to their last byte. The order matters: a record that exists means that the log is whole,
 * and an answered waiter finds the record. The record is renamed into place; /run needs no fsync.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "monitor/monitor.h"

enum { TMPFS_LITTLE = 65536 };

/* hull-init turns a signal that ended the command into 128+n; its report says which it was. */
static int signal_of(const struct monitor *m)
{
	if (WIFSIGNALED(m->wait_status))
		return WTERMSIG(m->wait_status);
	if (m->main_status >= 0 && WIFSIGNALED(m->main_status) &&
	    WEXITSTATUS(m->wait_status) == 128 + WTERMSIG(m->main_status))
		return WTERMSIG(m->main_status);
	return 0;
}

/* The first one of which so little is left that what its program wanted to write may not have had
 * room. Its size is at least a page. */
static void look_at_tmpfs(const struct monitor *m, struct exit_record *x)
{
	struct statfs fs;
	for (uint32_t i = 0; i < TMPFS_MAX && x->flags < EXIT_FULL; i++)
		if (m->tmpfs_fds[i] >= 0 && fstatfs(m->tmpfs_fds[i], &fs) == 0 && fs.f_blocks &&
		    fs.f_bfree <= fs.f_blocks / 16 &&
		    fs.f_bfree * (uint64_t)fs.f_bsize < TMPFS_LITTLE)
			x->flags |= m->tmpfs_numbers[i] * EXIT_FULL;
}

static void fill_record(struct monitor *m)
{
	struct exit_record *x = &m->record;
	x->version = WIRE_VERSION;
	x->log_dropped_bytes = m->log.dropped;
	if (x->flags & EXIT_UNKNOWN) {
		x->exit_code = 255;
		if (!x->error[0])
			strcpy(x->error, "the exit status was lost: every process that watched it "
					 "was killed");
	} else {
		x->signal = signal_of(m);
		x->exit_code = WIFSIGNALED(m->wait_status) ? 128 + WTERMSIG(m->wait_status)
							   : WEXITSTATUS(m->wait_status);
	}
	if (m->unreleased)
		x->flags |= EXIT_UNSTARTED;
	oom_conclude(x);
	if (x->exit_code)
		look_at_tmpfs(m, x);
}

int exit_open(struct monitor *m)
{
	/* The folder lies beside that of the containers: see wire.h. */
	static const char path[] = "../../exits";
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	m->exits_fd = openat(m->run_fd, path, flags);
	if (m->exits_fd < 0 && errno == ENOENT && mkdirat(m->run_fd, path, 0700) == 0)
		m->exits_fd = openat(m->run_fd, path, flags);
	return m->exits_fd < 0 ? -errno : 0;
}

enum { RECORD_TRIES = 40 };

static void record(struct monitor *m)
{
	struct err e;
	int r = file_replace(m->exits_fd, m->id, &m->record, sizeof(m->record), true, &e);
	/* The start reserved its space, but that may have been taken away, and the kernel may be
	 * short of something. The loop tries again; waiters are not kept for ever by a broken
	 * folder. */
	const bool full = r == -ENOSPC || r == -EDQUOT;
	if (full || (r < 0 && r != -ENOENT && ++m->record_failures < RECORD_TRIES))
		return;
	/* Who asks now still counts as one who waited. */
	control_serve_pending(m);
	m->phase = PHASE_RECORDED;
	keeper_retire(m, control_answer_waiters(m));
}

void exit_pump(struct monitor *m)
{
	if (m->phase == PHASE_DRAINING && stdio_drained(m)) {
		stdio_flush(m);
		attach_pump(
			m); /* what came meanwhile: no event would tell that a client can take it */
		report_event(m, 0, 0);
		fill_record(m);
		m->phase = PHASE_CONCLUDED;
	}
	if (m->phase == PHASE_CONCLUDED)
		record(m);
	if (m->phase == PHASE_RECORDED && attach_drained(m)) {
		attach_close_all(m);
		m->phase = PHASE_DONE;
	}
}
