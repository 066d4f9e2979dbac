/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes, and descriptors over sockets. */
#include "tests/unit/unit.h"

#include <sys/socket.h>

#include "base/fd.h"

static void whole_reads_and_writes(void **state)
{
	(void)state;
	int p[2];
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		static char big[300000];
		memset(big, 'z', sizeof(big));
		_exit(fd_write_full(p[1], big, sizeof(big)) != 0);
	}
	close(p[1]);
	char *got = malloc(400000);
	assert_int_equal(fd_read_full(p[0], got, 400000), 300000);
	assert_int_equal(got[299999], 'z');
	free(got);
	close(p[0]);
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(fd_read_full(-1, &status, 1), -EBADF);
	assert_int_equal(fd_write_full(-1, &status, 1), -EBADF);
}

static bool is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static void descriptors_travel(void **state)
{
	struct scratch *s = *state;
	int sock[2], got[3], sent[2];
	char msg[8];
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
	put_file(s->fd, "f", "hello");
	sent[0] = openat(s->fd, "f", O_RDONLY);
	sent[1] = dup(sock[0]);
	assert_int_equal(fd_send(sock[0], "msg", 4, sent, 2), 0);
	assert_int_equal(fd_recv(sock[1], msg, sizeof(msg), got, 3), 4);
	assert_string_equal(msg, "msg");
	assert_true(got[0] >= 0 && got[1] >= 0);
	assert_int_equal(got[2], -1);
	assert_true(is_cloexec(got[0]) && is_cloexec(got[1]));
	assert_int_equal(fd_read_full(got[0], msg, 5), 5);
	assert_memory_equal(msg, "hello", 5);
	for (int i = 0; i < 2; i++) {
		close(got[i]);
		close(sent[i]);
	}
	close(sock[0]);
	assert_int_equal(fd_recv(sock[1], msg, sizeof(msg), got, 3), 0);
	assert_int_equal(fd_send(sock[1], "x", 1, NULL, 0), -EPIPE);
	close(sock[1]);
}

/* Those that the receiver has no slot for are closed, not leaked. */
static void surplus_descriptors_are_closed(void **state)
{
	(void)state;
	int sock[2], got[1], p[2], sent[FD_PASS_MAX];
	char c;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	for (int i = 0; i < FD_PASS_MAX; i++)
		sent[i] = p[1];
	assert_int_equal(fd_send(sock[0], "x", 1, sent, FD_PASS_MAX), 0);
	assert_int_equal(fd_recv(sock[1], &c, 1, got, 1), 1);
	close(got[0]);
	close(p[1]);
	/* With every copy of the write end closed the pipe is at its end. */
	assert_int_equal(fd_read_full(p[0], &c, 1), 0);
	close(p[0]);
	close(sock[0]);
	close(sock[1]);
}

static void moving_up(void **state)
{
	(void)state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int moved = fd_move_up(fd, 100);
	assert_true(moved >= 100);
	assert_true(is_cloexec(moved));
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fd_move_up(moved, 100), moved);
	close(moved);
	assert_int_equal(fd_move_up(-1, 3), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_reads_and_writes),
		scratch_test(descriptors_travel),
		cmocka_unit_test(surplus_descriptors_are_closed),
		cmocka_unit_test(moving_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
