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
	unsigned first, second; /* descriptors */
	void (*deed)(void *arg);
	void *arg;
};

static int run(void *arg)
{
	const struct last *last = arg;
	if (last->first)
		close_range(0, last->first - 1, 0);
	if (last->second > last->first + 1)
		close_range(last->first + 1, last->second - 1, 0);
	close_range(last->second + 1, ~0U, 0);
	setsid();
	prctl(PR_SET_NAME, last->name);
	last->deed(last->arg);
	sys_exit(0);
}

void outlive(int code, const char *name, int a, int b, void (*deed)(void *arg), void *arg)
{
	static _Alignas(16) char stack[STACK_SIZE];
	static struct last last; /* of this frame nothing may be left */
	sigset_t all;
	last = (struct last){name, (unsigned)(a < b ? a : b), (unsigned)(a < b ? b : a), deed, arg};
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
