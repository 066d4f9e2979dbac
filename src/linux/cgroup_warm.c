/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Begin a wait early. The first process that is moved between groups on a quiet machine makes the
 * kernel wait for an RCU grace period (10 ms and more), before it may take the lock that keeps
 * forks out (cgroup_threadgroup_rwsem, a percpu_rw_semaphore; see kernel/rcu/sync.c). Moves that
 * come during that wait, or shortly after it, share it. So a command that will start a container
 * moves a child of its own first thing: while the grace period runs, it reads its store, mounts and
 * clones. Invariant: failure means no gain, and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "linux/cgroup_host.h"

void cgroup_warm(void)
{
	const struct cgroup_host *h = cgroup_host_get();
	int root = h->v1[CGROUP_PIDS];
	/* v2 needs no move at all: clone3 puts the child where it belongs. */
	if (root < 0 || fork() != 0)
		return;
	/* Into the parent of all containers, where it harms nobody, and gone at once. */
	int fd = openat(root, "hull/cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "0", 1) < 0)
		_exit(1);
	_exit(0);
}
