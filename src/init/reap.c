// SPDX-License-Identifier: Apache-2.0
/*
 * Reaping children: wait4(2), and why: a child that ended stays a zombie, and keeps its process
 * number and its place in the pids limit, until its parent asks for its status. Whose parent died
 * becomes a child of PID 1 or of the nearest subreaper (prctl(2)).
 *
 * Invariant: WNOHANG always, and in batches: a signal waits for at most one batch.
 */
#include <asm/errno.h>
#include <linux/wait.h>

#include "reap.h"
#include "report_write.h"
#include "signals.h"
#include "sys.h"
#include "text.h"

#define REAP_BATCH 64

/* The status of wait(2): sys/wait.h belongs to the C library. */
static bool was_stopped(int status)
{
	return (status & 0xff) == 0x7f;
}

static int stop_signal(int status)
{
	return status >> 8 & 0xff;
}

static void say_ended(const struct init *init)
{
	int sig = init->main_status & 0x7f;
	char name[SIGNAL_NAME_SIZE], number[TEXT_NUMBER_SIZE];

	if (init->options.verbosity < 2)
		return;
	if (sig)
		text_say("main process ended by SIG", signal_name(sig, name), NULL);
	else
		text_say("main process exited with ",
			 text_from_number(number, init->main_status >> 8 & 0xff), NULL);
}

static void main_ended(struct init *init, int status)
{
	struct init_report report = {
		.kind = INIT_REPORT_MAIN_ENDED,
		.pid = init->main,
		.value = status,
	};

	init->main_ended = true;
	init->main_status = status;
	report_write(init->options.report_fd, &report);
	say_ended(init);
}

/*
 * The terminal stopped the main process (^Z) and its group, not us. The shell that started us has
 * to see its job stop, so we pass the signal to our own group, ourselves included, and stop by
 * its default action: the kernel does not let that happen to an orphaned process group, which no
 * shell would ever continue. The shell continues us with CONT: forward.c.
 */
static void main_stopped(struct init *init, int sig)
{
	if (init->terminal < 0 || (sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU))
		return;
	signals_allow(sig);
	sys_kill(0, sig);
	signals_allow(0);
}

static void orphan_ended(struct init *init, int pid)
{
	char number[TEXT_NUMBER_SIZE];

	init->reaped++;
	if (init->options.warn_reaped || init->options.verbosity > 2)
		text_say("reaped orphan ", text_from_number(number, pid), NULL);
}

enum reaped reap_children(struct init *init)
{
	int options = WNOHANG | __WALL | (init_is_pid_one(init) ? 0 : WUNTRACED);

	for (int i = 0; i < REAP_BATCH; i++) {
		int status = 0;
		long pid = sys_wait(&status, options);

		if (pid <= 0)
			return pid == -ECHILD ? REAPED_LAST : REAPED_ALL;
		if (pid != init->main || init->main_ended) {
			if (!was_stopped(status))
				orphan_ended(init, (int)pid);
		} else if (was_stopped(status)) {
			main_stopped(init, stop_signal(status));
		} else {
			main_ended(init, status);
		}
	}
	return REAPED_SOME;
}
