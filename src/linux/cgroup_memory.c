/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the memory controller says about killed processes, and whether it counts swap.
 * See cgroup-v1/memory.rst, "OOM Control" and "memory.oom_control"; cgroup-v2.rst, "memory.events".
 * Invariant: v1's files are used where v1 has the controller. Read cgroup.h first.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/cgroup_host.h"

void cgroup_memory_path(const struct cgroup *g, char *buf, size_t size)
{
	const struct cgroup_host *h = cgroup_host_get();
	buf[0] = '\0';
	if (g->v1[CGROUP_MEMORY] >= 0)
		snprintf(buf, size, "%s%s", h->v1_point[CGROUP_MEMORY], g->path);
	else if (g->v2 >= 0)
		snprintf(buf, size, "%s%s", h->v2_point, g->path);
}

int cgroup_oom_file(const struct cgroup *g)
{
	bool on_v1 = g->v1[CGROUP_MEMORY] >= 0;
	return openat(on_v1 ? g->v1[CGROUP_MEMORY] : g->v2,
		      on_v1 ? "memory.oom_control" : "memory.events", O_RDONLY | O_CLOEXEC);
}

int64_t cgroup_oom_kills(const struct cgroup *g)
{
	char text[1024];
	CLEANUP_FD int fd = cgroup_oom_file(g);
	ssize_t n = fd < 0 ? -errno : read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return n;
	text[n] = '\0';
	/* "oom_kill 0" begins a line; "oom_kill_disable" is another one of v1's. */
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, "oom_kill ", 9))
			return strtoll(line + 9, NULL, 10);
	}
	return -EOPNOTSUPP;
}

int cgroup_oom_eventfd(const struct cgroup *g)
{
	char text[32];
	if (g->v1[CGROUP_MEMORY] < 0)
		return -1;
	CLEANUP_FD int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CLEANUP_FD int control = cgroup_oom_file(g);
	if (event < 0 || control < 0)
		return -1;
	snprintf(text, sizeof(text), "%d %d", event, control);
	if (file_write_small(g->v1[CGROUP_MEMORY], "cgroup.event_control", text) < 0)
		return -1;
	return fd_steal(&event);
}

/* v1 shows it in the root group. On v2 the files are in every group but the root; they are missing
 * when the kernel has no swap at all, or was told not to count it. */
bool cgroup_host_limits_swap(void)
{
	const struct cgroup_host *h = cgroup_host_get();
	char boot[4096];
	if (h->v1[CGROUP_MEMORY] >= 0)
		return file_exists(h->v1[CGROUP_MEMORY], "memory.memsw.limit_in_bytes");
	if (!(h->v2_controllers & 1U << CGROUP_MEMORY) || !file_exists(AT_FDCWD, "/proc/swaps"))
		return false;
	return file_read_small(AT_FDCWD, "/proc/cmdline", boot, sizeof(boot)) < 0 ||
	       !strstr(boot, "swapaccount=0");
}
