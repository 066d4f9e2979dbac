// SPDX-License-Identifier: Apache-2.0
/*
 * hull-init: PID 1 of a container. Read this file first.
 *
 * What the first process of a PID namespace owes the others (pid_namespaces(7), signal(7)):
 *   - the kernel drops signals PID 1 has no handler for, so a program that counts on their default
 *     action cannot be stopped: we take all signals and pass them on (signals.c, forward.c);
 *   - orphans become its children and stay zombies until it reaps them (reap.c);
 *   - when it exits, everybody is killed: so it must leave last (stop.c).
 *
 * The program is free-standing: no libc, no allocation, no writable data but one page of stack, so
 * that any image can run it and a thousand containers share its few pages. Its life: take hold of
 * the signals, read the options (options.c), start the command (child.c, exec.c, terminal.c), then
 * one loop with one wait. The engine may listen to what happens (report.h).
 *
 * Invariant: after child_start() nothing here can block or fail.
 */
#include <linux/prctl.h>

#include "child.h"
#include "forward.h"
#include "init.h"
#include "reap.h"
#include "report_write.h"
#include "signals.h"
#include "stop.h"
#include "sys.h"
#include "terminal.h"
#include "text.h"

static const char version[] = "hull-init " HULL_VERSION "\n";

static const char license[] = "hull-init is part of hull and free software under the Apache\n"
			      "License, version 2.0: https://www.apache.org/licenses/LICENSE-2.0\n";

/* tini and dumb-init use 1 for their own troubles. */
static int failed(const struct options *o)
{
	return o->dialect == DIALECT_HULL ? INIT_EXIT_FAILED : 1;
}

static int wrong_usage(const struct options *o, const struct options_error *error)
{
	text_say(error->option ? "option " : "", error->option ? error->option : "",
		 error->option ? ": " : "", error->value ? "\"" : "",
		 error->value ? error->value : "", error->value ? "\" " : "", error->why,
		 "; see hull-init --help", NULL);
	return failed(o);
}

/* Everything that must be so before the first child exists. */
static int prepare(struct init *init)
{
	struct options *o = &init->options;
	char buffer[TEXT_NUMBER_SIZE + 6];
	int error = report_open(o->report_fd);

	if (error < 0) {
		text_say("option --report-fd: ", text_error(-error, buffer),
			 "; open it in the program that starts hull-init", NULL);
		return error;
	}
	/* Started by descriptor we would be called after its number in ps. */
	sys_prctl(PR_SET_NAME, (unsigned long)(uintptr_t) "hull-init");
	if (o->parent_death)
		sys_prctl(PR_SET_PDEATHSIG, o->parent_death);
	if (!init_is_pid_one(init) && (o->subreaper || o->wait_all))
		sys_prctl(PR_SET_CHILD_SUBREAPER, 1);
	else if (!init_is_pid_one(init) && o->dialect == DIALECT_TINI && o->verbosity > 0)
		text_say("not PID 1 and no subreaper: orphans are not reaped here; use -s", NULL);
	init->terminal = o->terminal && !o->session ? terminal_find() : -1;
	return 0;
}

/* One turn per signal, or per batch of children, or per step of the stop. */
static void supervise(struct init *init)
{
	enum reaped reaped = REAPED_ALL;

	for (;;) {
		struct signal_event event;
		bool ended = init->main_ended;
		int sig = signal_wait(&event, reaped == REAPED_SOME ? 0 : stop_next_look(init));

		if (sig != 0 && sig != SIGCHLD)
			forward_signal(init, &event);
		reaped = reap_children(init);
		if (init->main_ended && !ended)
			stop_main_ended(init, reaped == REAPED_LAST);
		if (init->main_ended && !init->options.wait_all)
			return;
		if (init->main_ended && reaped == REAPED_LAST && !stop_outsiders_left(init))
			return;
		stop_step(init);
		if (init->given_up)
			return;
	}
}

static int exit_code(const struct init *init)
{
	int status = init->main_status;
	int code = status & 0x7f ? INIT_EXIT_SIGNAL + (status & 0x7f) : status >> 8 & 0xff;

	if (!init->main_ended)
		return INIT_EXIT_SIGNAL + SIGKILL; /* given up: killed, but not gone yet */
	if (init->options.success[code / 64] >> code % 64 & 1)
		return 0;
	return code;
}

static int finish(struct init *init)
{
	struct init_report report = {
		.kind = INIT_REPORT_EXITING,
		.value = exit_code(init),
		.count = init->reaped,
	};

	if (!init_is_pid_one(init))
		terminal_hand_over(init->terminal, init->main, sys_getpgid());
	report_write(init->options.report_fd, &report);
	return report.value;
}

static int run(struct init *init)
{
	char buffer[TEXT_NUMBER_SIZE + 6];
	int error = prepare(init);

	if (error < 0)
		return failed(&init->options);
	error = child_start(init);
	if (error < 0) {
		text_say("cannot create the main process: ", text_error(-error, buffer),
			 "; raise the limit of processes or of memory", NULL);
		return failed(&init->options);
	}
	supervise(init);
	return finish(init);
}

/* Run the command of argv and look after it. Returns our exit code. */
static int init_main(char **argv, char **envp)
{
	struct init init = {.envp = envp, .deadline = -1};
	struct options_error error;
	enum options_result result;

	/* First of all: until now a TERM sent to PID 1 was lost. */
	signals_take();
	init.self = sys_getpid();
	result = options_parse(&init.options, argv, envp, &error);
	switch (result) {
	case OPTIONS_RUN:
		break;
	case OPTIONS_HELP:
		options_help(init.options.dialect);
		return 0;
	case OPTIONS_VERSION:
		text_print(1, version);
		return 0;
	case OPTIONS_LICENSE:
		text_print(1, license);
		return 0;
	default:
		return wrong_usage(&init.options, &error);
	}
	if (init.options.session) {
		terminal_let_go();
		signals_take();
	}
	return run(&init);
}

/* What the kernel left on the stack: freestanding/start.c. */
_Noreturn void program_start(long *stack);

void program_start(long *stack)
{
	char **argv = (char **)(stack + 1);

	sys_exit(init_main(argv, argv + stack[0] + 1));
}
