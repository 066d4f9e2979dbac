/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on posix_spawn(3), pidfd_open(2), unix(7). Read helper.h first. */
#include "image/helper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* A sanitizer reports on the error output. */
#ifdef __SANITIZE_ADDRESS__
enum { FIRST_KEPT = 2, FD_ABOVE = 10 };
#else
enum { FIRST_KEPT = 3, FD_ABOVE = 10 };
#endif

/* Place the descriptors; all others are close-on-exec. Sources lie above, so none is overwritten
 * before it is used. */
static int plan_fds(posix_spawn_file_actions_t *f, const struct helper_fd *fds, size_t count)
{
	int r = 0;
	for (int fd = 0; r == 0 && fd < FIRST_KEPT; fd++)
		r = posix_spawn_file_actions_addopen(f, fd, "/dev/null", fd ? O_WRONLY : O_RDONLY,
						     0);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = posix_spawn_file_actions_adddup2(f, fds[i].from, fds[i].to);
	return r;
}

static int spawn(const char *program, const char *name, char *const *env,
		 const struct helper_fd *fds, size_t count, pid_t *ret)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	char *const argv[] = {(char *)name, NULL};
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int r = plan_fds(&files, fds, count);
	if (r == 0)
		r = posix_spawn(ret, program, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return -r;
}

static void close_all(struct helper_fd (*fds)[HELPER_FDS_MAX + 1])
{
	for (size_t i = 0; i < HELPER_FDS_MAX + 1; i++)
		fd_drop(&(*fds)[i].from);
}

int helper_start(struct helper *h, const char *libexec, const char *name, char *const *env,
		 const struct helper_fd *fds, size_t count, struct err *e)
{
	char program[4096];
	int pair[2];
	assert(count <= HELPER_FDS_MAX);
	*h = (struct helper)HELPER_NONE;
	if (snprintf(program, sizeof(program), "%s/%s", libexec, name) >= (int)sizeof(program))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "%s: path is too long", libexec);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(e, errno, "cannot start %s", name);
	h->sock = pair[0];
	CLEANUP_FD int theirs = pair[1];
	CLEANUP(close_all)
	struct helper_fd up[HELPER_FDS_MAX + 1];
	for (size_t i = 0; i < ARRAY_LEN(up); i++)
		up[i] = (struct helper_fd){-1, 0};
	for (size_t i = 0; i <= count; i++) {
		up[i].to = i < count ? fds[i].to : HELPER_SOCKET_FD;
		up[i].from = fcntl(i < count ? fds[i].from : theirs, F_DUPFD_CLOEXEC, FD_ABOVE);
		if (up[i].from < 0) {
			err_errno(e, errno, "cannot start %s", name);
			helper_stop(h);
			return -e->number;
		}
	}
	int r = spawn(program, name, env, up, count + 1, &h->pid);
	if (r < 0) {
		h->pid = 0;
		err_errno(e, r, "cannot start %s", program);
	} else {
		/* It is our child and not reaped: the number cannot stand for another process. */
		h->pidfd = pidfd_open(h->pid, 0);
		r = h->pidfd < 0 ? err_errno(e, errno, "cannot watch %s", name) : 0;
	}
	if (r < 0)
		helper_stop(h);
	return r;
}

static void reap(struct helper *h, siginfo_t *ret)
{
	TEMP_FAILURE_RETRY(waitid(P_PID, (id_t)h->pid, ret, WEXITED));
	h->pid = 0;
	fd_drop(&h->pidfd);
	fd_drop(&h->sock);
}

void helper_stop(struct helper *h)
{
	siginfo_t ignored;
	if (h->pid <= 0) {
		fd_drop(&h->sock);
		return;
	}
	if (h->pidfd < 0 || pidfd_send_signal(h->pidfd, SIGKILL, NULL, 0) < 0)
		kill(h->pid, SIGKILL);
	reap(h, &ignored);
}

int helper_died(struct helper *h, const char *name, struct err *e)
{
	siginfo_t info = {0};
	reap(h, &info);
	if (info.si_code == CLD_EXITED)
		return err_set(e, EIO, ERR_INTERNAL, "%s ended without a word (status %d)", name,
			       info.si_status);
	err_set(e, EIO, ERR_INTERNAL, "%s was ended by signal %d (%s)", name, info.si_status,
		sigabbrev_np(info.si_status) ?: "?");
	if (info.si_status == SIGXCPU || info.si_status == SIGKILL)
		err_hint(e, "it may have reached its limit of time or memory; what it read may be "
			    "made to exhaust it");
	return -EIO;
}
