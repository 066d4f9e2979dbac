// SPDX-License-Identifier: Apache-2.0
/*
 * The stop: a grace time for every process, then SIGKILL for those who remain.
 *
 * It begins with the first stop signal or with the end of the main process, whichever comes first.
 * When PID 1 exits, the kernel kills what is left in the PID namespace (pid_namespaces(7)): all we
 * do is not to exit before the others had their time. The engine may kill us earlier, from outside.
 *
 * Those we wait for are our children, and orphans become ours. A process that entered the
 * namespace from outside (exec) has its parent there, so no SIGCHLD tells of its end: once we have
 * no child left we look every 20 ms. One that ignores the signal is not waited for: an interactive
 * shell does, and a forgotten one would make every stop last the whole grace time.
 *
 * Invariant: deadline is -1 or the moment of the next step; without --wait it stays -1.
 */
#include <linux/time.h>

#include "forward.h"
#include "proc.h"
#include "report_write.h"
#include "stop.h"
#include "sys.h"
#include "text.h"

#define MS_NS INT64_C(1000000)

/* After SIGKILL: how long to wait for them to be gone, and, when not PID 1, how often to repeat. */
#define KILLED_WAIT_NS (400 * MS_NS)
#define KILL_AGAIN_NS (20 * MS_NS)
#define OUTSIDERS_NS (20 * MS_NS)

static void begin(struct init *init, int sig, int32_t grace_ms)
{
	char number[TEXT_NUMBER_SIZE];
	struct init_report report = {
		.kind = INIT_REPORT_STOPPING,
		.signal = (uint8_t)sig,
		.value = grace_ms,
	};

	init->stopping = true;
	init->deadline = -1;
	if (grace_ms != OPTIONS_GRACE_NO_LIMIT)
		init->deadline = sys_clock(CLOCK_MONOTONIC) + grace_ms * MS_NS;
	report_write(init->options.report_fd, &report);
	if (init->options.verbosity > 1)
		text_say("stopping, grace time ",
			 grace_ms < 0 ? "without limit" : text_from_number(number, grace_ms),
			 grace_ms < 0 ? "" : " ms", NULL);
}

/* The grace time that came with the signal (report.h). */
static bool has_own_grace(const struct signal_event *event, int32_t *ret_ms)
{
	uint32_t ms = (uint32_t)event->value;

	if (!event->queued || event->value >> 32 != INIT_STOP_TAG)
		return false;
	*ret_ms = ms > OPTIONS_GRACE_MAX_MS ? OPTIONS_GRACE_NO_LIMIT : (int32_t)ms;
	return true;
}

void stop_begin(struct init *init, const struct signal_event *event, int sent,
		enum init_scope scope)
{
	int32_t grace_ms = init->options.grace_ms;
	bool own = has_own_grace(event, &grace_ms);

	if (!init->options.wait_all || init->killed)
		return;
	if (scope == INIT_SCOPE_ALL) {
		init->told |= signal_bit(sent);
		/* A stopped process can handle nothing: systemd.kill(5) does the same. */
		forward_deliver(init, scope, SIGCONT);
	}
	if (own || !init->stopping)
		begin(init, event->signal, grace_ms);
}

void stop_main_ended(struct init *init, bool childless)
{
	int sig = init->options.rest_signal;

	if (!init->options.wait_all) {
		/* dumb-init tells the group before it leaves; tini does not. */
		if (init->options.dialect == DIALECT_DUMB_INIT && init->options.session && sig &&
		    init->options.rewrite[sig])
			sys_kill(-init->main, init->options.rewrite[sig]);
		return;
	}
	/* Nobody to look for in all of /proc. As PID 1 there may be some who came from outside. */
	if (childless && !init_is_pid_one(init))
		return;
	/* For many programs a second TERM means "at once": who has been told is not told again. */
	if (sig && !(init->told & signal_bit(sig))) {
		forward_deliver(init, INIT_SCOPE_ALL, sig);
		forward_deliver(init, INIT_SCOPE_ALL, SIGCONT);
		init->told |= signal_bit(sig);
	}
	if (!init->stopping)
		begin(init, 0, init->options.grace_ms);
}

struct naming {
	const struct init *init;
	int count;
};

static void name_one(void *context, const struct proc *proc, int pidfd)
{
	struct naming *naming = context;
	struct init_report report = {.kind = INIT_REPORT_KILLED, .pid = proc->pid};
	char number[TEXT_NUMBER_SIZE];

	if (++naming->count > INIT_REPORT_NAMES_MAX)
		return;
	report_name(&report, proc->comm);
	report_write(naming->init->options.report_fd, &report);
	if (naming->init->options.verbosity > 0)
		text_say("process ", text_from_number(number, proc->pid), " (", proc->comm,
			 ") did not end in the grace time: killing it", NULL);
}

/* Tell who is going to be killed, before they are gone. */
static void name_survivors(const struct init *init)
{
	struct naming naming = {.init = init};
	struct init_report more = {.kind = INIT_REPORT_KILLED};

	proc_each_below(init->self, name_one, &naming);
	more.count = naming.count - INIT_REPORT_NAMES_MAX;
	if (more.count > 0)
		report_write(init->options.report_fd, &more);
}

void stop_step(struct init *init)
{
	int64_t now;

	if (init->deadline < 0)
		return;
	now = sys_clock(CLOCK_MONOTONIC);
	if (now < init->deadline)
		return;
	if (!init->killed) {
		name_survivors(init);
		init->killed = true;
		init->last_deadline = now + KILLED_WAIT_NS;
	} else if (now >= init->last_deadline) {
		init->given_up = true;
		return;
	}
	/* As PID 1 once is enough: the kernel lets no fork of a killed process through. */
	forward_deliver(init, INIT_SCOPE_ALL, SIGKILL);
	init->deadline = now + KILL_AGAIN_NS;
}

static void find_unfinished(void *context, const struct proc *proc, int pidfd)
{
	struct init *init = context;

	if (!init->outsiders && !proc_ignores(proc->pid, init->told))
		init->outsiders = true;
}

bool stop_outsiders_left(struct init *init)
{
	init->outsiders = false;
	if (init_is_pid_one(init) && init->told)
		proc_each_below(init->self, find_unfinished, init);
	return init->outsiders;
}

int64_t stop_next_look(const struct init *init)
{
	int64_t look;

	if (!init->outsiders)
		return init->deadline;
	look = sys_clock(CLOCK_MONOTONIC) + OUTSIDERS_NS;
	return init->deadline >= 0 && init->deadline < look ? init->deadline : look;
}
