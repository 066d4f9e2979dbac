/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes, and descriptors over sockets. Read fd.h first. */
#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t fd_read_full(int fd, void *buf, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);
		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int fd_write_full(int fd, const void *buf, size_t len)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = write(fd, (const char *)buf + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	return 0;
}

int fd_send(int sock, const void *msg, size_t len, const int *fds, size_t nfds)
{
	assert(nfds <= FD_PASS_MAX);
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)] = {0};
	struct iovec iov = {(void *)msg, len};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	if (nfds) {
		h.msg_control = control;
		h.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		struct cmsghdr *c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	ssize_t n = TEMP_FAILURE_RETRY(sendmsg(sock, &h, MSG_NOSIGNAL));
	return n < 0 ? -errno : 0;
}

static void take_fds(struct cmsghdr *c, int *fds, size_t nfds)
{
	size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	for (size_t i = 0; i < count; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
		if (i < nfds)
			fds[i] = fd;
		else
			close(fd);
	}
}

ssize_t fd_recv(int sock, void *msg, size_t len, int *fds, size_t nfds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FD_PASS_MAX)];
	struct iovec iov = {msg, len};
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	for (size_t i = 0; i < nfds; i++)
		fds[i] = -1;
	ssize_t n = TEMP_FAILURE_RETRY(recvmsg(sock, &h, MSG_CMSG_CLOEXEC));
	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			take_fds(c, fds, nfds);
	return n;
}

int fd_connect(int sock, const void *address, socklen_t len, int patience_ms)
{
	struct pollfd p = {.fd = sock, .events = POLLOUT};
	int error = 0;
	socklen_t size = sizeof(error);
	if (connect(sock, address, len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	if (poll(&p, 1, patience_ms) <= 0)
		return -ETIMEDOUT;
	return getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

bool fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

int fd_move_up(int fd, int lowest)
{
	if (fd >= lowest)
		return fd;
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
	if (moved < 0)
		return -errno;
	close(fd);
	return moved;
}
