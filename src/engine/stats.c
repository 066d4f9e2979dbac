/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses now. Rests on linux/cgroup_stats.h and /proc/PID/net/dev. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/internal.h"
#include "engine/stats.h"
#include "linux/cgroup.h"

enum { NET_DEV_MAX = 64 << 10 };

/* "  eth0: bytes packets errs drop fifo frame compressed multicast bytes ...", all but lo. */
static void read_network(pid_t pid, struct container_stats *s)
{
	static char text[NET_DEV_MAX];
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	if (file_read_small(AT_FDCWD, path, text, sizeof(text)) < 0)
		return;
	for (char *line = text; (line = strchr(line, '\n'));) {
		char name[64];
		unsigned long long in, out;
		line++;
		if (sscanf(line, " %63[^: ]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &in,
			   &out) != 3 ||
		    !strcmp(name, "lo"))
			continue;
		s->net_in += (int64_t)in;
		s->net_out += (int64_t)out;
	}
}

static int64_t raw(const struct cgroup_stats *g, const char *v1, const char *v2)
{
	const char *value = kvs_get(&g->memory.raw, v1);
	if (!value)
		value = kvs_get(&g->memory.raw, v2);
	return value ? strtoll(value, NULL, 10) : 0;
}

static void sum_io(const struct array *list, struct container_stats *s)
{
	const struct cgroup_io_entry *entries = list->items;
	for (size_t i = 0; i < list->count; i++) {
		if (!strcmp(entries[i].op, "Read"))
			s->io_read += entries[i].value;
		if (!strcmp(entries[i].op, "Write"))
			s->io_written += entries[i].value;
	}
}

static int64_t host_memory(void)
{
	struct sysinfo info;
	return sysinfo(&info) == 0 ? (int64_t)(info.totalram * info.mem_unit) : 0;
}

static void fill(const struct cgroup_stats *g, struct container_stats *s)
{
	int64_t host = host_memory(), limit = g->memory.usage.limit;
	s->cpu_ns = g->cpu.total;
	s->cpu_user_ns = g->cpu.user;
	s->cpu_kernel_ns = g->cpu.kernel;
	s->throttled_ns = g->cpu.throttled_time;
	/* As docker: what can be reclaimed without loss does not count. */
	s->memory = g->memory.usage.usage - raw(g, "total_inactive_file", "inactive_file");
	if (s->memory < 0)
		s->memory = g->memory.usage.usage;
	s->memory_limit = limit > 0 && limit < host ? limit : host;
	s->memory_anon = raw(g, "total_rss", "anon");
	s->memory_file = raw(g, "total_cache", "file");
	s->memory_kernel = g->memory.kernel.usage;
	s->pids = g->pids.current;
	s->pressure = g->pressure;
	sum_io(&g->io_bytes, s);
}

void container_stats_place(const struct container *c, struct container_stats_place *ret)
{
	CLEANUP_ARENA struct arena a = {0};
	const char *network = c->config.host.network_mode;
	*ret = (struct container_stats_place){.has_network = !network || strcmp(network, "host")};
	snprintf(ret->cgroup, sizeof(ret->cgroup), "%s", container_cgroup_path(c, &a));
}

void container_stats_read(const struct container_stats_place *place, pid_t pid,
			  struct container_stats *ret)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup group = CGROUP_CLOSED;
	struct err ignored;
	struct cgroup_stats g;
	*ret = (struct container_stats){.at_ms = clock_ms()};
	if (!pid || cgroup_open(place->cgroup, &group, &ignored) < 0)
		return;
	cgroup_stats_read(&group, true, &a, &g);
	fill(&g, ret);
	ret->runs = true;
	if (place->has_network)
		read_network(pid, ret);
}
