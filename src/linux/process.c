/* SPDX-License-Identifier: Apache-2.0 */
/* One process of /proc. Rests on the fields of /proc/PID/status by name. Read process.h first. */
#include "linux/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* What follows "Name:\t" at the beginning of a line; NULL if there is none. */
static const char *field(const char *text, const char *name)
{
	for (const char *p = text; (p = strstr(p, name)); p++)
		if ((p == text || p[-1] == '\n') && p[strlen(name)] == ':')
			return p + strlen(name) + 1 + strspn(p + strlen(name) + 1, "\t ");
	return NULL;
}

static uint64_t mask(const char *text, const char *name)
{
	const char *at = field(text, name);
	return at ? strtoull(at, NULL, 16) : 0;
}

static int64_t number(const char *text, const char *name)
{
	const char *at = field(text, name);
	return at ? strtoll(at, NULL, 10) : 0;
}

/* Of the numbers that it has, one for each namespace from ours on, the last. */
static pid_t own_number(const char *text)
{
	const char *at = field(text, "NSpid");
	pid_t last = 0;
	while (at && *at >= '0' && *at <= '9') {
		char *end;
		last = (pid_t)strtol(at, &end, 10);
		at = end + strspn(end, "\t ");
	}
	return last;
}

/* In sigwait or sigtimedwait(2), as hull-init is: while it sleeps there, the mask in /proc lacks
 * the signals that it waits for. */
bool process_waits(const struct process *p)
{
	char path[32], where[64];
	snprintf(path, sizeof(path), "/proc/%d/wchan", (int)p->pid);
	return file_read_small(AT_FDCWD, path, where, sizeof(where)) > 0 &&
	       strstr(where, "sigtimedwait");
}

int process_read(pid_t pid, struct process *ret)
{
	char path[32], text[8192];
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	ssize_t n = file_read_small(AT_FDCWD, path, text, sizeof(text));
	if (n < 0)
		return (int)n;
	const char *name = field(text, "Name"), *state = field(text, "State");
	*ret = (struct process){
		.pid = pid,
		.inside = own_number(text),
		.parent = (pid_t)number(text, "PPid"),
		.state = state ? *state : '?',
		.caught = mask(text, "SigCgt"),
		.ignored = mask(text, "SigIgn"),
		.blocked = mask(text, "SigBlk"),
		.pending = mask(text, "SigPnd") | mask(text, "ShdPnd"),
		.threads = number(text, "Threads"),
	};
	if (name)
		snprintf(ret->comm, sizeof(ret->comm), "%.*s", (int)strcspn(name, "\n"), name);
	return 0;
}

bool process_drops(const struct process *p, int signal)
{
	uint64_t bit = UINT64_C(1) << (signal - 1);
	if (signal == SIGKILL || signal == SIGSTOP)
		return false;
	/* A blocked signal may be fetched by sigwait(3) or a signalfd. */
	return p->inside == 1 && !((p->caught | p->blocked) & bit) && !process_waits(p);
}

const char *signal_default_action(int signal)
{
	static const struct {
		const char *action;
		int signals[10];
	} actions[] = {
		{"core",
		 {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ,
		  SIGSYS}},
		{"stop", {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU}},
		{"cont", {SIGCONT}},
		{"ignore", {SIGCHLD, SIGURG, SIGWINCH}},
	};
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		for (size_t k = 0; k < 10 && actions[i].signals[k]; k++)
			if (actions[i].signals[k] == signal)
				return actions[i].action;
	return "term";
}
