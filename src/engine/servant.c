/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/servant.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/arena.h"

int servant_start(struct engine *en, char *const argv[], const int *fds, size_t count, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	const char *program = arena_printf(&a, "%s/%s", en->libexec, argv[0]);
	static char *const none[] = {NULL};
	int high[SERVANT_FDS_MAX];
	sigset_t no_signals;
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(e, errno, "cannot start %s", argv[0]);
	if (pid > 0)
		return 0;
	sigemptyset(&no_signals);
	sigprocmask(SIG_SETMASK, &no_signals, NULL);
	setsid();
	for (size_t i = 0; i < count; i++)
		high[i] = fds[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC)
				     : fcntl(fds[i], F_DUPFD_CLOEXEC, SERVANT_FDS_MAX);
	for (size_t i = 0; i < count; i++)
		dup2(high[i], (int)i);
	if (chdir("/") < 0 || close_range((unsigned)count, ~0u, 0) < 0)
		_exit(1);
	execve(program, argv, none);
	_exit(127);
}
