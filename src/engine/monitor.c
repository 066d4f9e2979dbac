/* SPDX-License-Identifier: Apache-2.0 */
/* Talking to a container's monitor. Rests on unix(7), SOCK_SEQPACKET. Read monitor.h and wire.h
 * first. */
#include "engine/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

int monitor_connect(int runroot_fd, const char *id)
{
	/* Through /proc/self/fd: a socket's path has 108 bytes, --runroot may have more. */
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path),
			 "/proc/self/fd/%d/containers/%s/control", runroot_fd, id);
	if (n < 0 || n >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	CLEANUP_FD int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	if (connect(s, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return fd_steal(&s);
}

void monitor_patience(int conn, int seconds)
{
	const struct timeval patience = {.tv_sec = seconds};
	setsockopt(conn, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

bool exit_record_check(struct exit_record *x)
{
	if (x->version != WIRE_VERSION)
		return false;
	x->error[sizeof(x->error) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(x->survivors); i++)
		x->survivors[i].comm[sizeof(x->survivors[i].comm) - 1] = '\0';
	return true;
}

static int request(int conn, const struct wire_request *q, const int *fd, struct err *e)
{
	int r = fd_send(conn, q, sizeof(*q), fd, fd ? 1 : 0);
	return r < 0 ? err_errno(e, r, "the container's monitor does not listen") : 0;
}

static int answer(int conn, struct wire_reply *ret, struct err *e)
{
	ssize_t n = fd_recv(conn, ret, sizeof(*ret), NULL, 0);
	if (n < 0)
		return err_errno(e, (int)n, "the container's monitor does not answer");
	if (n == 0)
		return err_set(e, ECONNRESET, ERR_SYSTEM, "the container's monitor is gone");
	if (n != (ssize_t)sizeof(*ret) || ret->version != WIRE_VERSION)
		return err_set(e, EPROTO, ERR_INTERNAL,
			       "the container's monitor speaks another version of hull");
	if (ret->error)
		return err_errno(e, ret->error, "the container's monitor refused");
	return 0;
}

static int ask(int conn, const struct wire_request *q, const int *fd, struct err *e)
{
	struct wire_reply reply;
	int r = request(conn, q, fd, e);
	return r < 0 ? r : answer(conn, &reply, e);
}

int monitor_ping(int conn, struct err *e)
{
	return ask(conn, &(struct wire_request){.version = WIRE_VERSION, .op = WIRE_PING}, NULL, e);
}

int monitor_attach_begin(int conn, int stream_fd, unsigned flags, struct err *e)
{
	const struct wire_request q = {.version = WIRE_VERSION, .op = WIRE_ATTACH, .flags = flags};
	return request(conn, &q, &stream_fd, e);
}

int monitor_attach(int conn, int stream_fd, unsigned flags, struct err *e)
{
	struct wire_reply reply;
	int r = monitor_attach_begin(conn, stream_fd, flags, e);
	return r < 0 ? r : answer(conn, &reply, e);
}

int monitor_wait_begin(int conn, unsigned flags, struct err *e)
{
	const struct wire_request q = {.version = WIRE_VERSION, .op = WIRE_WAIT, .flags = flags};
	return request(conn, &q, NULL, e);
}

int monitor_wait_end(int conn, struct exit_record *ret, struct err *e)
{
	struct wire_reply reply;
	int r = answer(conn, &reply, e);
	if (r < 0)
		return r;
	if (!exit_record_check(&reply.exit))
		return err_set(e, EPROTO, ERR_INTERNAL,
			       "the container's monitor sent no valid exit record");
	*ret = reply.exit;
	return 0;
}

int monitor_wait(int conn, struct exit_record *ret, struct err *e)
{
	int r = monitor_wait_begin(conn, 0, e);
	return r < 0 ? r : monitor_wait_end(conn, ret, e);
}

int monitor_resize(int conn, unsigned rows, unsigned cols, struct err *e)
{
	const struct wire_request q = {
		.version = WIRE_VERSION, .op = WIRE_RESIZE, .rows = rows, .cols = cols};
	return ask(conn, &q, NULL, e);
}

int monitor_rated(int conn, struct err *e)
{
	const struct wire_request q = {.version = WIRE_VERSION, .op = WIRE_RATED};
	return request(conn, &q, NULL, e);
}

int monitor_log_sync(int conn, struct err *e)
{
	const struct wire_request q = {.version = WIRE_VERSION, .op = WIRE_LOG_SYNC};
	return ask(conn, &q, NULL, e);
}

void monitor_execute(int program, int null, const int fds[MONITOR_FD_COUNT], bool keeper,
		     const char *name, const char *id)
{
	enum { ABOVE = MONITOR_FD_END, SHORT = 12 };
	int moved[MONITOR_FD_COUNT];
	program = fcntl(program, F_DUPFD_CLOEXEC, ABOVE);
	for (int i = 0; i < MONITOR_FD_COUNT; i++) {
		moved[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, ABOVE);
		/* One that lacks what it should have would come to wrong conclusions. */
		if (fds[i] >= 0 && moved[i] < 0)
			return;
	}
	/* Before the numbers above are given out anew: ours may be among them. */
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	for (int i = 0; i < MONITOR_FD_COUNT; i++) {
		if (moved[i] < 0)
			close(MONITOR_RUN_FD + i);
		else if (dup3(moved[i], MONITOR_RUN_FD + i, 0) < 0)
			return;
	}
	char short_id[SHORT + 1];
	snprintf(short_id, sizeof(short_id), "%s", id);
	/* The empty argument: monitor/start.c, start_show. */
	char *const argv[] = {keeper ? "hull-keeper" : "hull-monitor", (char *)name, short_id,
			      keeper ? "" : NULL, NULL};
	char *const env[] = {NULL};
	execveat(program, "", argv, env, AT_EMPTY_PATH);
}
