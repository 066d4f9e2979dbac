/* SPDX-License-Identifier: Apache-2.0 */
/* Handing descriptors over. Rests on unix(7), SCM_RIGHTS, sd_listen_fds(3). Read handover.h first.
 */
#include "oci/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/units.h"

enum { DESCRIPTORS_MAX = 1024, FIRST = 3 };

/* Meant for us only if it names our pid, or, from callers that cannot know it, none. */
static int64_t listen_fds(void)
{
	const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	uint64_t n = 0, who = 0;
	if (!count || uint_parse(count, DESCRIPTORS_MAX, &n) < 0)
		return 0;
	if (pid && (uint_parse(pid, INT32_MAX, &who) < 0 || (pid_t)who != getpid()))
		return 0;
	return (int64_t)n;
}

int64_t handover_count(int64_t preserve)
{
	return listen_fds() + preserve;
}

int handover_descriptors(struct oci_process *p, int64_t preserve, struct arena *a, struct err *e)
{
	int64_t sockets = listen_fds();
	if (preserve < 0 || preserve > DESCRIPTORS_MAX)
		return err_set(e, EINVAL, ERR_INVALID, "--preserve-fds %lld: must be 0 to %d",
			       (long long)preserve, DESCRIPTORS_MAX);
	/* Into a gap ours fall, which are all close-on-exec; what came through execve(2) is not. */
	for (int fd = FIRST; fd < FIRST + sockets + preserve; fd++)
		if (fcntl(fd, F_GETFD) != 0)
			return err_set(e, EBADF, ERR_INVALID,
				       "descriptor %d is to be preserved, and is not open", fd);
	if (sockets > 0) {
		strv_set_env(a, &p->env, arena_printf(a, "LISTEN_FDS=%lld", (long long)sockets));
		strv_set_env(a, &p->env, "LISTEN_PID=1");
	}
	return 0;
}

/* The folder of @path, opened, so that neither its length nor a change of it matters. */
static int open_parent(const char *path, const char **ret_name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char parent[4096];
	*ret_name = slash ? slash + 1 : path;
	if (snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 1,
		     slash ? path : ".") >= (int)sizeof(parent))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "%.80s...: the path is too long",
			       path);
	int fd = open(*parent ? parent : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(e, errno, "%s: cannot open its folder", path) : fd;
}

int handover_socket(const char *path, const char *name, int fd, struct err *e)
{
	const char *base;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEANUP_FD int dir = open_parent(path, &base, e);
	if (dir < 0)
		return dir;
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir,
			 base);
	CLEANUP_FD int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (n >= (int)sizeof(address.sun_path))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "socket %s: its name is too long",
			       path);
	if (s < 0 || connect(s, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(e, errno, "cannot connect to the socket %s", path);
	n = fd_send(s, name, strlen(name), &fd, 1);
	return n < 0 ? err_errno(e, n, "cannot send to the socket %s", path) : 0;
}

int handover_pid_file(const char *path, pid_t pid, struct err *e)
{
	const char *base;
	char text[16];
	CLEANUP_FD int dir = open_parent(path, &base, e);
	if (dir < 0)
		return dir;
	int n = snprintf(text, sizeof(text), "%d", (int)pid);
	n = file_replace(dir, base, text, (size_t)n, false, e);
	return n < 0 ? err_context(e, "pid file %s", path) : 0;
}
