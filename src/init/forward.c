// SPDX-License-Identifier: Apache-2.0
/*
 * Passing signals on: kill(2), pidfd_send_signal(2), pid_namespaces(7).
 *
 * "All" is kill(-1) when we are PID 1: one call, which the kernel makes atomic against fork and
 * which spares us. Outside a PID namespace of our own that would be the whole machine, so there
 * "all" is every descendant that /proc shows; orphans stay below us because we are a subreaper.
 *
 * Invariant: a signal we sent ourselves (SIGPIPE from a write of ours) is never passed on, and the
 * number of the main process or its group is not used once that process was reaped.
 * Next: stop.c.
 */
#include <asm/errno.h>

#include "forward.h"
#include "proc.h"
#include "report_write.h"
#include "stop.h"
#include "sys.h"
#include "terminal.h"
#include "text.h"

struct sending {
	int signal;
	int count;
	int error;
};

static void send_to_one(void *context, const struct proc *proc, int pidfd)
{
	struct sending *sending = context;
	long result = pidfd >= 0 ? sys_pidfd_kill(pidfd, sending->signal)
				 : sys_kill(proc->pid, sending->signal);

	if (result == 0)
		sending->count++;
	else
		sending->error = (int)-result;
}

static struct delivery deliver_below(int self, int sig)
{
	struct sending sending = {.signal = sig, .error = ESRCH};
	int result = proc_each_below(self, send_to_one, &sending);

	if (result < 0)
		sending.error = -result;
	return (struct delivery){sending.count, sending.count > 0 ? 0 : sending.error};
}

/* kill(2) with a negative number: several processes, how many the kernel does not tell. */
static struct delivery deliver_many(int target, int sig)
{
	long result = sys_kill(target, sig);

	return (struct delivery){result < 0 ? 0 : FORWARD_COUNT_UNKNOWN, (int)-result};
}

static struct delivery deliver_main(const struct init *init, int sig)
{
	long result = sys_kill(init->main, sig);

	return (struct delivery){result == 0, (int)-result};
}

struct delivery forward_deliver(const struct init *init, enum init_scope scope, int sig)
{
	struct delivery done;

	if (init->main_ended && scope != INIT_SCOPE_ALL)
		scope = INIT_SCOPE_ALL;
	switch (scope) {
	case INIT_SCOPE_ALL:
		if (init_is_pid_one(init))
			return deliver_many(-1, sig);
		done = deliver_below(init->self, sig);
		if (done.count > 0 || init->main_ended)
			return done;
		/* No usable /proc: better fewer than none. */
		__attribute__((fallthrough));
	case INIT_SCOPE_GROUP:
		done = deliver_many(-init->main, sig);
		if (done.error != ESRCH)
			return done;
		/* It has not made its session yet: between fork and setsid. */
		__attribute__((fallthrough));
	default:
		return deliver_main(init, sig);
	}
}

static void report_forwarded(const struct init *init, const struct signal_event *event, int sent,
			     enum init_scope scope, struct delivery done)
{
	struct init_report report = {
		.kind = INIT_REPORT_FORWARDED,
		.signal = (uint8_t)sent,
		.scope = (uint8_t)scope,
		.pid = event->sender,
		.value = event->signal,
		.count = done.count,
		.error = done.error,
	};

	report_write(init->options.report_fd, &report);
}

static void say_forwarded(const struct init *init, int received, int sent, enum init_scope scope,
			  int error)
{
	static const char scopes[][28] = {"the main process", "the main process's group",
					  "all processes"};
	char from[SIGNAL_NAME_SIZE], to[SIGNAL_NAME_SIZE];
	char number[TEXT_NUMBER_SIZE + 6];

	if (error && error != ESRCH && init->options.verbosity > 0)
		text_say("cannot send SIG", signal_name(sent, to), " to ", scopes[scope], ": ",
			 text_error(error, number), NULL);
	else if (init->options.verbosity > 1)
		text_say("received SIG", signal_name(received, from), ", ",
			 sent ? "sent SIG" : "dropped", sent ? signal_name(sent, to) : "",
			 sent ? " to " : "", sent ? scopes[scope] : "", NULL);
}

static bool is_job_control(int sig)
{
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

void forward_signal(struct init *init, const struct signal_event *event)
{
	const struct options *o = &init->options;
	int received = event->signal;
	int sent = o->rewrite[received];
	enum init_scope scope = options_scope(o, received, sent);
	struct delivery done = {0};

	if (event->sender == init->self)
		return;
	if (sent == 0) {
		say_forwarded(init, received, 0, scope, 0);
		return;
	}
	if (received == SIGCONT)
		terminal_hand_over(init->terminal, sys_getpgid(), init->main);
	done = forward_deliver(init, scope, sent);
	say_forwarded(init, received, sent, scope, done.error);
	report_forwarded(init, event, sent, scope, done);
	if (options_is_stop(o, received, sent))
		stop_begin(init, event, sent, scope);
	/* The shell that started us waits to see us stop. PID 1 cannot be stopped from inside. */
	if (is_job_control(received) && !init_is_pid_one(init))
		sys_kill(init->self, SIGSTOP);
}
