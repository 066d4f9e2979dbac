// SPDX-License-Identifier: Apache-2.0
/*
 * The main process: from fork to the command's first instruction: clone(2), setpgid(2), setsid(2).
 *
 * An own process group lets a signal reach the main process together with what it starts, and not
 * us. Parent and child both set it: whoever comes first, the group exists before it is used.
 * A session of its own (--setsid) can take over the terminal; dumb-init does so by default.
 *
 * Invariant: between fork and execve the child only makes system calls; it shares nothing with us
 * but descriptors.
 */

#include "child.h"
#include "exec.h"
#include "report_write.h"
#include "signals.h"
#include "sys.h"
#include "terminal.h"
#include "text.h"

static int not_executed(struct init *init, int error)
{
	struct init_report report = {
		.kind = INIT_REPORT_EXEC_FAILED,
		.pid = sys_getpid(),
		.value = -error,
	};
	int code = exec_explain(init->options.command, init->envp, error);

	report_name(&report, text_basename(init->options.command[0]));
	report_write(init->options.report_fd, &report);
	/* dumb-init has one code for every failure. */
	return init->options.dialect == DIALECT_DUMB_INIT ? 2 : code;
}

/* group is the one the foreground may have now: ours. */
_Noreturn static void become_main(struct init *init, int group)
{
	if (init->options.session) {
		sys_setsid();
		terminal_take();
	} else {
		sys_setpgid(0, 0);
		terminal_hand_over(init->terminal, group, sys_getpgid());
	}
	signals_release();
	sys_exit(not_executed(init, exec_command(init->options.command, init->envp)));
}

/* Descriptors we hold would keep files, pipes and sockets open that the main process closed. */
static void close_others(int report_fd)
{
	if (report_fd < 0) {
		sys_close_range(3, ~0U);
		return;
	}
	if (report_fd > 3)
		sys_close_range(3, (unsigned int)report_fd - 1);
	sys_close_range((unsigned int)report_fd + 1, ~0U);
}

int child_start(struct init *init)
{
	struct init_report report = {.kind = INIT_REPORT_STARTED};
	char number[TEXT_NUMBER_SIZE];
	int group = sys_getpgid(); /* in the child it may change at any time: by us, below */
	long pid = sys_fork();

	if (pid < 0)
		return (int)pid;
	if (pid == 0)
		become_main(init, group);
	init->main = (int)pid;
	if (!init->options.session)
		sys_setpgid(init->main, init->main);
	close_others(init->options.report_fd);
	report.pid = init->main;
	report_write(init->options.report_fd, &report);
	if (init->options.verbosity > 1)
		text_say("started ", init->options.command[0], " as process ",
			 text_from_number(number, init->main), NULL);
	return 0;
}
