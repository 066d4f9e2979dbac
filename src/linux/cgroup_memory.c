/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the memory controller says about killed processes and about what is in use, and whether it
 * counts swap. See cgroup-v1/memory.rst, "OOM Control" and "memory.oom_control"; cgroup-v2.rst,
 * "memory.events" and "memory.reclaim".
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
#include "base/units.h"
#include "linux/cgroup_host.h"
#include "linux/cgroup_limits.h"
#include "linux/cgroup_stats.h"

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

static int add_kills(int folder, void *ctx)
{
	char text[1024];
	int64_t *kills = ctx;
	ssize_t n = file_read_small(folder, "memory.oom_control", text, sizeof(text));
	if (n < 0)
		return (int)n;
	*kills += cgroup_keyed(text, "oom_kill");
	return 0;
}

/* Version 1 counts in each group what was killed in it alone. */
int64_t cgroup_oom_kills(const struct cgroup *g)
{
	char text[1024];
	int64_t kills = 0;
	if (g->v1[CGROUP_MEMORY] >= 0) {
		int r = cgroup_walk(g->v1[CGROUP_MEMORY], add_kills, &kills);
		return r < 0 ? r : kills;
	}
	ssize_t n = file_read_small(g->v2, "memory.events", text, sizeof(text));
	return n < 0 ? n : cgroup_keyed(text, "oom_kill");
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

static int64_t number(int folder, const char *file)
{
	char text[64];
	return file_read_small(folder, file, text, sizeof(text)) > 0 ? strtoll(text, NULL, 10) : 0;
}

static int64_t usage(const struct cgroup *g)
{
	const int v1 = g->v1[CGROUP_MEMORY];
	return v1 >= 0 ? number(v1, "memory.usage_in_bytes") : number(g->v2, "memory.current");
}

/* Page cache, and what the kernel keeps for speed. */
static int64_t reclaimable(const struct cgroup *g)
{
	static const char *const keys[2][3] = {{"inactive_file", "active_file", "slab_reclaimable"},
					       {"total_inactive_file", "total_active_file"}};
	char text[8192];
	bool on_v1 = g->v1[CGROUP_MEMORY] >= 0;
	int64_t sum = 0;
	if (file_read_small(on_v1 ? g->v1[CGROUP_MEMORY] : g->v2, "memory.stat", text,
			    sizeof(text)) <= 0)
		return 0;
	for (size_t i = 0; i < 3 && keys[on_v1][i]; i++) {
		int64_t n = cgroup_keyed(text, keys[on_v1][i]);
		sum += n > 0 ? n : 0;
	}
	return sum;
}

static bool exceeds(int64_t used, const struct opt_i64 *limit)
{
	return limit->set && limit->value > 0 && used > limit->value;
}

void cgroup_memory_busy(const struct cgroup *g, const struct cgroup_limits *l, struct err *e)
{
	char used[SIZE_TEXT_SIZE], free[SIZE_TEXT_SIZE], wanted[SIZE_TEXT_SIZE];
	const struct opt_i64 *limit = &l->memory;
	int64_t now = usage(g);
	/* v1 swaps out what is above the one limit before it refuses the other, on both. */
	bool both = !exceeds(now, limit) && g->v1[CGROUP_MEMORY] >= 0;
	if (both) {
		limit = &l->memory_swap;
		now = number(g->v1[CGROUP_MEMORY], "memory.memsw.usage_in_bytes");
	}
	if (!exceeds(now, limit))
		return;
	err_set(e, EBUSY, ERR_CONFLICT,
		"cannot set memory%s limit %s: %s are in use, of which %s can be reclaimed",
		both ? "+swap" : "", size_binary(limit->value, wanted), size_binary(now, used),
		size_binary(reclaimable(g), free));
	err_hint(e, "give more than %s, or stop the container first", used);
}

/* v1 reclaims by itself, and refuses a limit below what is left. */
int cgroup_memory_shrink(const struct cgroup *g, const struct cgroup_limits *l, struct err *e)
{
	char text[32];
	if (g->v1[CGROUP_MEMORY] >= 0 || !l->memory.set || l->memory.value <= 0)
		return 0;
	int64_t excess = usage(g) - l->memory.value;
	if (excess <= 0)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)excess);
	file_write_small(g->v2, "memory.reclaim", text); /* Linux 5.19; it may manage a part only */
	if (usage(g) <= l->memory.value)
		return 0;
	cgroup_memory_busy(g, l, e);
	return -EBUSY;
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
