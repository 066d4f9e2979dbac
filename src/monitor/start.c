/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting this program again, as the other of monitor and keeper. By /proc/self/exe, so that an
 * upgrade or removal of the file does not matter; name and id for `ps` come from our own command
 * line.
 */
#include "monitor/start.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

/* Split "hull-monitor\0NAME\0ID\0" into argv[1] and argv[2]. */
static void own_arguments(char *text, size_t size, char *argv[static 4])
{
	ssize_t n = file_read_small(AT_FDCWD, "/proc/self/cmdline", text, size);
	char *at = text, *end = text + (n > 0 ? n : 0);
	for (size_t i = 0; i < 3; i++) {
		argv[i] = at < end ? at : NULL;
		at += strnlen(at, (size_t)(end - at)) + 1;
		if (at > end)
			at = end;
	}
	argv[3] = NULL;
}

/* Put @fd at number @to, and let it survive execve. */
static void place(int fd, int to)
{
	if (fd == to)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, to);
}

static void become(const char *name, const struct start *s)
{
	char text[512], *argv[4];
	char *const env[] = {NULL};
	own_arguments(text, sizeof(text), argv);
	argv[0] = (char *)name;
	for (int fd = MONITOR_CONTROL_FD; fd < MONITOR_KEEPER_FD; fd++)
		if (s->pass & 1u << fd)
			fcntl(fd, F_SETFD, 0);
	/* The keeper's socket first: its number may be the one that the run folder goes to. */
	place(s->keeper_fd, MONITOR_KEEPER_FD);
	place(s->run_fd, MONITOR_RUN_FD);
	execve("/proc/self/exe", argv, env);
}

pid_t start_self(const char *name, const struct start *s)
{
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		become(name, s);
		_exit(127);
	}
	return pid;
}
