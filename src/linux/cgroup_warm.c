/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Begin a wait early. The first process that is moved between groups on a quiet machine makes the
 * kernel wait for an RCU grace period (10 ms and more), before it may take the lock that keeps
 * forks out (cgroup_threadgroup_rwsem, a percpu_rw_semaphore; see kernel/rcu/sync.c). Moves that
 * come during that wait, or shortly after it, share it. So a command that will start a container
 * moves a child of its own first thing: while the grace period runs, it reads its store, mounts and
 * clones. The child shares our memory, because copying it would cost more than all else it does: it
 * has a stack of its own, and makes two system calls.
 * Invariant: failure means no gain, and nothing else.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "freestanding/call.h"
#include "linux/cgroup_host.h"

enum { STACK = 4096 };

/* Without libc: errno is ours. */
__attribute__((no_sanitize("address", "undefined"))) static int move(void *procs_fd)
{
	sys_call(__NR_write, (long)procs_fd, (long)"0", 1, 0, 0, 0);
	sys_exit(0);
}

void cgroup_warm(void)
{
	/* One call of this goes on while the next is made, where a program starts twice. */
	static _Alignas(64) char stacks[2][STACK];
	static unsigned calls;
	const struct cgroup_host *h = cgroup_host_get();
	int root = h->v1[CGROUP_PIDS];
	sigset_t all, old;
	/* v2 needs no move at all: clone3 puts the child where it belongs. */
	if (root < 0 || calls == ARRAY_LEN(stacks))
		return;
	/* Into the root of a hierarchy, where it harms nobody, and gone at once. */
	CLEANUP_FD int fd = openat(root, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	/* A handler would run in it as in us. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	clone(move, stacks[calls++] + STACK, CLONE_VM | SIGCHLD, (void *)(long)fd);
	sigprocmask(SIG_SETMASK, &old, NULL);
}
