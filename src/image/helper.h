/* SPDX-License-Identifier: Apache-2.0 */
/* Starting the programs that touch foreign bytes for us, each with a socket to talk over. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

enum { HELPER_SOCKET_FD = 3, HELPER_FDS_MAX = 6 };

struct helper {
	pid_t pid; /* 0: not running */
	int pidfd, sock;
};
#define HELPER_NONE                                                                                \
	{                                                                                          \
		.pidfd = -1, .sock = -1                                                            \
	}

struct helper_fd {
	int from, to;
};

/** Start <libexec>/<name> with the other end of a SOCK_SEQPACKET pair on HELPER_SOCKET_FD, @fds
 * placed (none of them there), /dev/null as input, output and error output, and nothing else. All stay the caller's. On
 * failure nothing runs. */
int helper_start(struct helper *h, const char *libexec, const char *name, char *const *env,
		 const struct helper_fd *fds, size_t count, struct err *e);
/** Kill and reap it if it still runs, and close the socket. */
void helper_stop(struct helper *h);
/** It has closed the socket: reap it and say how it ended. */
int helper_died(struct helper *h, const char *name, struct err *e);
