/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals by name. Rests on signal(7), rt_sigaction(2). Invariant: numbers are the kernel's, 1 to
 * 64, with the real-time ones counted from 34 as glibc and docker do. Read signals.h first.
 */
#include "linux/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

enum { SIGNAL_LAST = 64, RT_FIRST = 34, RT_LAST = 64, KERNEL_SIGSET_SIZE = 8 };

static const struct {
	const char *name;
	int number;
} names[] = {
	{"HUP", SIGHUP},
	{"INT", SIGINT},
	{"QUIT", SIGQUIT},
	{"ILL", SIGILL},
	{"TRAP", SIGTRAP},
	{"ABRT", SIGABRT},
	{"BUS", SIGBUS},
	{"FPE", SIGFPE},
	{"KILL", SIGKILL},
	{"USR1", SIGUSR1},
	{"SEGV", SIGSEGV},
	{"USR2", SIGUSR2},
	{"PIPE", SIGPIPE},
	{"ALRM", SIGALRM},
	{"TERM", SIGTERM},
	{"STKFLT", SIGSTKFLT},
	{"CHLD", SIGCHLD},
	{"CONT", SIGCONT},
	{"STOP", SIGSTOP},
	{"TSTP", SIGTSTP},
	{"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU},
	{"URG", SIGURG},
	{"XCPU", SIGXCPU},
	{"XFSZ", SIGXFSZ},
	{"VTALRM", SIGVTALRM},
	{"PROF", SIGPROF},
	{"WINCH", SIGWINCH},
	{"IO", SIGIO},
	{"PWR", SIGPWR},
	{"SYS", SIGSYS},
	/* Other names of the same; the first of a number is the one that is printed. */
	{"IOT", SIGABRT},
	{"CLD", SIGCHLD},
	{"POLL", SIGIO},
};

/* "RTMIN", "RTMIN+3", "RTMAX-1": offsets count away from the end that is named. */
static int realtime_parse(const char *text)
{
	int base = !strncasecmp(text, "RTMIN", 5) ? RT_FIRST : RT_LAST;
	if (base == RT_LAST && strncasecmp(text, "RTMAX", 5))
		return -EINVAL;
	text += 5;
	if (!*text)
		return base;
	uint64_t offset;
	if (*text != (base == RT_FIRST ? '+' : '-') ||
	    uint_parse(text + 1, RT_LAST - RT_FIRST, &offset) < 0)
		return -EINVAL;
	return base == RT_FIRST ? base + (int)offset : base - (int)offset;
}

int signal_parse(const char *text)
{
	uint64_t number;
	if (uint_parse(text, SIGNAL_LAST, &number) == 0)
		return number ? (int)number : -EINVAL;
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcasecmp(text, names[i].name))
			return names[i].number;
	return realtime_parse(text);
}

const char *signal_name(int number, char buf[static SIGNAL_NAME_SIZE])
{
	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(names) && !buf[0]; i++)
		if (names[i].number == number)
			snprintf(buf, SIGNAL_NAME_SIZE, "SIG%s", names[i].name);
	if (number == RT_FIRST)
		snprintf(buf, SIGNAL_NAME_SIZE, "SIGRTMIN");
	else if (number == RT_LAST)
		snprintf(buf, SIGNAL_NAME_SIZE, "SIGRTMAX");
	else if (number > RT_FIRST && number < RT_LAST)
		snprintf(buf, SIGNAL_NAME_SIZE, number < 50 ? "SIGRTMIN+%d" : "SIGRTMAX-%d",
			 number < 50 ? number - RT_FIRST : RT_LAST - number);
	return buf;
}

const char *signal_text(int number, char buf[static SIGNAL_NAME_SIZE])
{
	if (!*signal_name(number, buf))
		snprintf(buf, SIGNAL_NAME_SIZE, "signal %d", number);
	return buf;
}

void signal_reset_all(void)
{
	/* The system calls themselves: glibc hides the two signals that it uses. */
	struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} was, none = {0};
	for (int i = 1; i <= SIGNAL_LAST; i++)
		if (syscall(SYS_rt_sigaction, i, NULL, &was, KERNEL_SIGSET_SIZE) == 0 &&
		    was.handler == (void *)SIG_IGN)
			syscall(SYS_rt_sigaction, i, &none, NULL, KERNEL_SIGSET_SIZE);
	uint64_t empty = 0;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &empty, NULL, KERNEL_SIGSET_SIZE);
}

bool signal_has_sender(int code)
{
	return code == SI_USER || code == SI_QUEUE || code == SI_TKILL || code == SI_MESGQ;
}
