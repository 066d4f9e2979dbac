/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made by clone(2) with CLONE_VM: nothing is copied, and the memory of the program is given back
 * behind its end, too. Read outlive.h first.
 *
 * Invariant: both have the same libc with the same thread-local storage, so from the clone on the
 * program does nothing but its last system call.
 */
#include "linux/outlive.h"

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "freestanding/call.h"

enum { STACK_SIZE = 256 * 1024 };

struct last {
	const char *name;
	int keep[OUTLIVE_KEEP_MAX]; /* descriptors, the lowest first */
	size_t count;
	void (*deed)(void *arg);
	void *arg;
};

static int run(void *arg)
{
	const struct last *last = arg;
	unsigned from = 0;
	for (size_t i = 0; i < last->count; from = (unsigned)last->keep[i++] + 1)
		if ((unsigned)last->keep[i] > from)
			close_range(from, (unsigned)last->keep[i] - 1, 0);
	close_range(from, ~0U, 0);
	setsid();
	prctl(PR_SET_NAME, last->name);
	last->deed(last->arg);
	sys_exit(0);
}

static void keep_sorted(struct last *last, int fd)
{
	size_t at = last->count++;
	for (; at > 0 && last->keep[at - 1] > fd; at--)
		last->keep[at] = last->keep[at - 1];
	last->keep[at] = fd;
}

void outlive(int code, const char *name, const int *keep, size_t count, void (*deed)(void *arg),
	     void *arg)
{
	static _Alignas(16) char stack[STACK_SIZE];
	static struct last last; /* of this frame nothing may be left */
	sigset_t all;
	last = (struct last){.name = name, .deed = deed, .arg = arg};
	for (size_t i = 0; i < count && last.count < OUTLIVE_KEEP_MAX; i++)
		if (keep[i] >= 0)
			keep_sorted(&last, keep[i]);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
#ifdef __SANITIZE_ADDRESS__
	bool made = false; /* it knows of no stack but its own */
#else
	/* With PID 1 all end. */
	bool made = getpid() != 1 && clone(run, stack + sizeof(stack), CLONE_VM, &last) > 0;
#endif
	if (!made)
		deed(arg);
	sys_exit(code);
}
