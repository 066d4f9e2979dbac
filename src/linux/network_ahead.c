/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made by a process that shares our memory and our descriptors and is not waited for until the end:
 * clone(2) with CLONE_VM and CLONE_FILES. Read network_ahead.h first.
 *
 * Invariant: the maker has our thread-local storage, errno included, so it calls no function of the
 * libc; and it takes no signal, whose handler would run twice.
 */
#include "linux/network_ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "freestanding/call.h"

static int make(void *arg)
{
	struct network_ahead *n = arg;
	struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	long r = sys_call(__NR_unshare, CLONE_NEWNET, 0, 0, 0, 0, 0);
	long sock =
		r < 0 ? r : sys_call(__NR_socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0, 0, 0, 0);
	if (sock < 0)
		return 1;
	r = sys_call(__NR_ioctl, sock, SIOCSIFFLAGS, (long)&up, 0, 0, 0);
	sys_call(__NR_close, sock, 0, 0, 0, 0, 0);
	if (r < 0)
		return 1;
	r = sys_call(__NR_openat, AT_FDCWD, (long)"/proc/self/ns/net", O_RDONLY | O_CLOEXEC, 0, 0,
		     0);
	n->netns = r < 0 ? -1 : (int)r;
	return 0;
}

void network_ahead_begin(struct network_ahead *n)
{
	sigset_t all, before;
	*n = NETWORK_AHEAD_NONE;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = clone(make, n->stack + sizeof(n->stack), CLONE_VM | CLONE_FILES, n);
	sigprocmask(SIG_SETMASK, &before, NULL);
	n->maker = pid < 0 ? 0 : pid;
}

int network_ahead_wait(struct network_ahead *n)
{
	if (n->maker > 0)
		while (waitpid(n->maker, NULL, __WALL) < 0 && errno == EINTR)
			;
	n->maker = 0;
	return n->netns;
}

void network_ahead_end(struct network_ahead *n)
{
	network_ahead_wait(n);
	fd_drop(&n->netns);
}
