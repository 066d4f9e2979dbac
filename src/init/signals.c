// SPDX-License-Identifier: Apache-2.0
/*
 * Signals are blocked for good and taken one at a time: rt_sigtimedwait(2), signal(7).
 *
 * No handler ever runs, so no code here needs to be async-signal-safe and no signal can arrive
 * between a test and a wait. A real fault of ours (SIGSEGV and friends) still ends the process:
 * the kernel forces it through a blocked mask.
 *
 * Invariant: from signals_take() on, every signal but KILL and STOP reaches signal_wait().
 * Next: forward.c.
 */
#include <linux/time.h>

#include "signal_names.h"
#include "signals.h"
#include "sys.h"

#define EVERY_SIGNAL (~UINT64_C(0))
#define SECOND_NS INT64_C(1000000000)

void signals_take(void)
{
	struct sigaction fallback = {0};

	sys_sigmask_set(EVERY_SIGNAL);
	for (int sig = 1; sig <= SIGNALS_MAX; sig++)
		sys_sigaction(sig, &fallback); /* refused for KILL and STOP, which have no other */
}

void signals_release(void)
{
	sys_sigmask_set(0);
}

void signals_allow(int sig)
{
	sys_sigmask_set(sig ? EVERY_SIGNAL & ~signal_bit(sig) : EVERY_SIGNAL);
}

static bool has_sender(int code)
{
	return code == SI_USER || code == SI_QUEUE || code == SI_TKILL;
}

static int take(uint64_t set, struct signal_event *ret_event, struct __kernel_timespec *timeout)
{
	siginfo_t info = {0};
	long sig = sys_sigwait(set, &info, timeout);

	if (sig <= 0)
		return 0;
	ret_event->signal = (int)sig;
	/* With any other code the kernel sent it, and the field may not be a process id. */
	ret_event->sender = has_sender(info.si_code) ? info.si_pid : 0;
	ret_event->queued = info.si_code == SI_QUEUE;
	ret_event->value = (uint64_t)(uintptr_t)info.si_ptr;
	return (int)sig;
}

int signal_wait(struct signal_event *ret_event, int64_t deadline)
{
	struct __kernel_timespec left = {0, 0};
	int sig = take(EVERY_SIGNAL & ~signal_bit(SIGCHLD), ret_event, &left);

	/*
	 * The kernel hands out the lowest number first. In a storm of exiting children SIGCHLD
	 * (17) would be pending again at every call and CONT, WINCH or RTMIN never get their
	 * turn: so the others were asked for first.
	 */
	if (sig != 0)
		return sig;
	if (deadline < 0)
		return take(EVERY_SIGNAL, ret_event, NULL);
	if (deadline > 0) {
		int64_t ns = deadline - sys_clock(CLOCK_MONOTONIC);

		if (ns > 0) {
			left.tv_sec = ns / SECOND_NS;
			left.tv_nsec = ns % SECOND_NS;
		}
	}
	return take(EVERY_SIGNAL, ret_event, &left);
}
