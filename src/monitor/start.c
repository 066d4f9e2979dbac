/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Becoming the other of monitor and keeper: by fork alone. A confined monitor may not execute
 * anything, so its standby cannot either; and an upgrade or removal of the program's file does not
 * matter. Rests on fork(2), prctl(2).
 */
#include "monitor/start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* Of execve: the arguments one behind the other, each with its NUL. */
static char *line;
static size_t line_len;

void start_remember(int argc, char **argv)
{
	line = argv[0];
	line_len = (size_t)(argv[argc - 1] - line) + strlen(argv[argc - 1]) + 1;
}

/* "hull-monitor" is longer than "hull-keeper": the engine gives the keeper an empty last argument,
 * whose byte is room for it. */
void start_show(const char *name)
{
	size_t before = strlen(line) + 1, after = strlen(name) + 1;
	prctl(PR_SET_NAME, name);
	if (after > before && line[line_len - 2] != '\0')
		return;
	size_t rest = line_len - (after > before ? after : before);
	memmove(line + after, line + before, rest);
	memcpy(line, name, after);
	memset(line + after + rest, 0, line_len - after - rest);
}

pid_t start_other(const char *name, int pair[static 2], int (*life)(void))
{
	sigset_t none;
	pid_t pid = fork();
	if (pid != 0) {
		int r = pid < 0 ? -errno : pid;
		fd_drop(&pair[1]);
		if (pid < 0)
			fd_drop(&pair[0]);
		return r;
	}
	/* Out of the way first: either may lie at a number that means something else. */
	int ours = fd_move_up(pair[1], MONITOR_FD_END);
	close(pair[0]);
	dup3(ours, MONITOR_KEEPER_FD, O_CLOEXEC);
	close_range(MONITOR_FD_END, ~0U, 0);
	sigemptyset(&none);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	start_show(name);
	_exit(life());
}
