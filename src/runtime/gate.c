/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate of a created container. Rests on unix(7), SOCK_SEQPACKET; a folder that is reached by
 * its descriptor, so that no length of a path matters. Read gate.h first.
 */
#include "runtime/gate.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "runtime/runtime.h"

enum { WAITING_MAX = 16, GO = 'g' };

static int make(int dirfd, const char *name, struct sockaddr_un *address)
{
	address->sun_family = AF_UNIX;
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", dirfd, name);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int gate_listen(int dirfd, const char *name, struct err *e)
{
	struct sockaddr_un address;
	CLEANUP_FD int fd = make(dirfd, name, &address);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, WAITING_MAX) < 0)
		return err_errno(e, errno, "cannot make the socket \"%s\"", name);
	return fd_steal(&fd);
}

/* Those who only look whether we wait hang up without a word. */
int gate_wait(int listener)
{
	for (;;) {
		char word = 0;
		CLEANUP_FD int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			return -errno;
		if (fd >= 0 && read(fd, &word, 1) == 1 && word == GO)
			return fd_steal(&fd);
	}
}

int gate_connect(int dirfd, const char *name)
{
	struct sockaddr_un address;
	CLEANUP_FD int fd = make(dirfd, name, &address);
	if (fd < 0)
		return fd;
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno
									     : fd_steal(&fd);
}

int gate_open(int connection, struct err *e)
{
	char word = GO;
	ssize_t n = send(connection, &word, 1, MSG_NOSIGNAL);
	if (n < 0 && errno != EPIPE && errno != ECONNRESET)
		return err_errno(e, errno, "cannot start the container's command");
	return runtime_await_exec(connection, e);
}
