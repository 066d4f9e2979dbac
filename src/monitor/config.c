/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine wrote into the run folder, and the command that it wants run at the end. The
 * files are hull's own, but may be of another version or damaged: sizes, version and text ends are
 * checked. Read base/wire.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "monitor/monitor.h"

int run_folder_read(int run_fd, const char *name, void *ret, size_t size)
{
	CLEANUP_FD int fd = openat(run_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = fd_read_full(fd, ret, size);
	uint32_t version;
	memcpy(&version, ret, sizeof(version));
	return n == (ssize_t)size && version == WIRE_VERSION ? 0 : -EINVAL;
}

int monitor_config_read(int run_fd, struct monitor_config *c)
{
	int r = run_folder_read(run_fd, "monitor", c, sizeof(*c));
	if (r < 0)
		return r;
	char *const texts[] = {c->id,      c->name,          c->root, c->runroot,
			       c->log_dir, c->memory_cgroup, c->hull, c->log_tag};
	const size_t sizes[] = {sizeof(c->id),      sizeof(c->name),    sizeof(c->root),
				sizeof(c->runroot), sizeof(c->log_dir), sizeof(c->memory_cgroup),
				sizeof(c->hull),    sizeof(c->log_tag)};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strnlen(texts[i], sizes[i]) == sizes[i])
			return -EINVAL;
	return strchr(c->id, '/') || !c->id[0] ? -EINVAL : 0;
}

void monitor_become_reaper(int run_fd)
{
	struct monitor_config c;
	if (monitor_config_read(run_fd, &c) < 0 || !c.hull[0])
		return;
	char *const argv[] = {"hull",   "--root", c.root, "--runroot", c.runroot,
			      "system", "reap",   c.id,   NULL};
	char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			     NULL};
	sigset_t none;
	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGTTOU, SIG_DFL);
	/* SIGIO stays ignored: one may be pending. */
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(c.hull, argv, env);
}
