/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the monitor's control socket. The input is a row of messages: one byte of length,
 * one byte that says whether a descriptor comes along (bit 0: a stream socket, bit 1: something
 * else), the message. Whatever is sent, each message gets one answer or none, and no descriptor is
 * leaked.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "monitor/monitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of main.c and confine.c, which are not part of this. */
int monitor_main(void)
{
	abort();
}

bool is_confined(void)
{
	abort();
}

static struct monitor *make_monitor(void)
{
	struct monitor *m = mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert(m != MAP_FAILED);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	m->pty_fd = m->stdin_fd = m->keeper_fd = m->control_fd = -1;
	m->log.ops = &log_none_ops;
	attach_init(m);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		m->connections[i].fd = -1;
	return m;
}

static void send_message(int sock, const uint8_t *data, size_t len, uint8_t how)
{
	int pair[2] = {-1, -1};
	if (how & 1 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	if (!(how & 1) && how & 2)
		pair[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	fd_send(sock, data, len, pair, pair[0] >= 0 ? 1 : 0);
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static int lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int before = lowest_free(), pair[2];
	struct monitor *m = make_monitor();
	struct wire_reply reply;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		abort();
	m->connections[0].fd = pair[1];
	for (size_t at = 0; at + 2 < size && m->connections[0].fd >= 0;) {
		size_t len = data[at] < size - at - 2 ? data[at] : size - at - 2;
		if (len == 0)
			break;
		send_message(pair[0], data + at + 2, len, data[at + 1]);
		control_connection_event(m, 0, EPOLLIN);
		attach_pump(m);
		input_pump(m);
		control_pump(m);
		while (recv(pair[0], &reply, sizeof(reply), MSG_DONTWAIT) > 0)
			;
		at += len + 2;
	}
	attach_close_all(m);
	close(pair[0]);
	if (m->connections[0].fd >= 0)
		close(m->connections[0].fd);
	close(m->epoll);
	munmap(m, sizeof(*m));
	assert(lowest_free() == before);
	return 0;
}
