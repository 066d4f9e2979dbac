/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vfork(2), made safe to call: the child uses only stack frames below ours, because this function
 * does nothing else, is never inlined, and the child never returns from it. Read shared_child.h
 * first.
 */
#include "linux/shared_child.h"

#include <errno.h>
#include <unistd.h>

pid_t __attribute__((noinline)) shared_child(void (*body)(void *arg), void *arg)
{
	pid_t pid = vfork();
	if (pid == 0) {
		body(arg);
		_exit(127);
	}
	return pid < 0 ? -errno : pid;
}
