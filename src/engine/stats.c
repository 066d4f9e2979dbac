/* SPDX-License-Identifier: Apache-2.0 */
/* What a container uses now. Rests on linux/cgroup_stats.h and /proc/PID/net/dev. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "base/clock.h"
#include "base/file.h"
#include "engine/internal.h"
#include "engine/stats.h"
#include "linux/cgroup.h"
#include "linux/process.h"

enum { NET_DEV_MAX = 64 << 10, INTERFACES_MAX = 64, TASKS_MAX = 1024 };

/* "  eth0: bytes packets errs drop fifo frame compressed multicast bytes ...", all but lo. */
static bool parse_interface(const char *line, struct container_interface *i)
{
	long long in[4], out[4];
	if (sscanf(line, " %15[^: ]: %lld %lld %lld %lld %*d %*d %*d %*d %lld %lld %lld %lld",
		   i->name, &in[0], &in[1], &in[2], &in[3], &out[0], &out[1], &out[2],
		   &out[3]) != 9)
		return false;
	for (int k = 0; k < 4; k++) {
		i->in[k] = in[k];
		i->out[k] = out[k];
	}
	return strcmp(i->name, "lo") != 0;
}

/* @whole may be NULL. */
static void read_network(pid_t pid, struct arena *a, struct container_stats *s,
			 struct container_stats_whole *whole)
{
	static char text[NET_DEV_MAX];
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	if (file_read_small(AT_FDCWD, path, text, sizeof(text)) < 0)
		return;
	if (whole)
		whole->interfaces = arena_array(a, INTERFACES_MAX, sizeof(*whole->interfaces));
	for (char *line = text; (line = strchr(line, '\n'));) {
		struct container_interface one;
		if (!parse_interface(++line, &one))
			continue;
		s->net_in += one.in[0];
		s->net_out += one.out[0];
		if (whole && whole->interface_count < INTERFACES_MAX)
			whole->interfaces[whole->interface_count++] = one;
	}
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
	static int64_t bytes;
	struct sysinfo info;
	if (!bytes && sysinfo(&info) == 0)
		bytes = (int64_t)(info.totalram * info.mem_unit);
	return bytes;
}

static void fill(const struct cgroup_stats *g, struct container_stats *s)
{
	int64_t host = host_memory(), limit = g->memory.usage.limit;
	s->cpu_ns = g->cpu.total;
	s->cpu_user_ns = g->cpu.user;
	s->cpu_kernel_ns = g->cpu.kernel;
	s->throttled_ns = g->cpu.throttled_time;
	/* As docker: what can be reclaimed without loss does not count. */
	s->memory = g->memory.usage.usage - g->memory.inactive_file;
	if (s->memory < 0)
		s->memory = g->memory.usage.usage;
	s->memory_limit = limit > 0 && limit < host ? limit : host;
	s->memory_anon = g->memory.anon;
	s->memory_file = g->memory.file;
	s->memory_kernel = g->memory.kernel.usage;
	s->memory_reclaimable = g->memory.reclaimable;
	s->memory_needed = g->memory.usage.usage - g->memory.reclaimable;
	s->periods = g->cpu.periods;
	s->throttled_periods = g->cpu.throttled_periods;
	s->pids = g->pids.current;
	s->pids_limit = g->pids.limit;
	s->pressure = g->pressure;
	sum_io(&g->io_bytes, s);
}

void container_stats_place(const struct container *c, struct container_stats_place *ret)
{
	CLEANUP_ARENA struct arena a = {0};
	const char *network = c->config.host.network_mode;
	*ret = (struct container_stats_place){
		.has_network = !network || (strcmp(network, "host") && strcmp(network, "none")),
		.group = CGROUP_CLOSED,
		.files = CGROUP_STATS_CLOSED};
	snprintf(ret->path, sizeof(ret->path), "%s", container_cgroup_path(c, &a));
}

void container_stats_place_close(struct container_stats_place *place)
{
	cgroup_stats_close(&place->files);
	cgroup_close(&place->group);
	place->group.layout = CGROUP_NONE;
}

double container_cpu_limit(const struct container *c)
{
	const struct docker_host_config *h = &c->config.host;
	if (h->nano_cpus)
		return (double)h->nano_cpus / 1e9;
	return h->cpu_quota <= 0
		       ? 0
		       : (double)h->cpu_quota / (double)(h->cpu_period ? h->cpu_period : 100000);
}

/* A container that was started again has a new group. */
static bool read_group(struct container_stats_place *p, bool brief, struct arena *a,
		       struct cgroup_stats *ret)
{
	struct err ignored;
	for (int i = 0; i < 2; i++) {
		if (p->group.layout == CGROUP_NONE && cgroup_open(p->path, &p->group, &ignored) < 0)
			return false;
		cgroup_stats_read(&p->group, &p->files, brief, a, ret);
		if (!p->files.gone)
			return true;
		container_stats_place_close(p);
	}
	return false;
}

/* What the kernel counts and does not list is not waited for. It counts before and after, as tasks
 * come and go meanwhile. */
static void read_tasks(const struct container_stats_place *p, struct arena *a,
		       struct container_stats *s)
{
	pid_t *tids;
	size_t count;
	s->waiting = s->zombies = -1;
	if (cgroup_tasks(&p->group, a, &tids, &count, ERR_IGNORED) < 0)
		return;
	const int64_t after = cgroup_tasks_counted(&p->group),
		      most = s->pids < after ? s->pids : after;
	if (most > 0)
		s->zombies = most > (int64_t)count ? most - (int64_t)count : 0;
	if (count > TASKS_MAX)
		return;
	s->waiting = 0;
	for (size_t i = 0; i < count; i++)
		s->waiting += process_state(tids[i]) == 'D';
}

void container_stats_read(struct container_stats_place *place, pid_t pid,
			  struct container_stats *ret)
{
	CLEANUP_ARENA struct arena a = {0};
	struct cgroup_stats g;
	*ret = (struct container_stats){.at_ms = clock_ms()};
	if (!pid || !read_group(place, true, &a, &g))
		return;
	fill(&g, ret);
	ret->runs = true;
	if (place->has_network)
		read_network(pid, &a, ret, NULL);
	if (place->has_tasks)
		read_tasks(place, &a, ret);
}

void container_stats_read_whole(struct container_stats_place *place, pid_t pid, struct arena *a,
				struct container_stats *ret, struct container_stats_whole *whole)
{
	*ret = (struct container_stats){.at_ms = clock_ms()};
	*whole = (struct container_stats_whole){0};
	if (!pid || !read_group(place, false, a, &whole->group))
		return;
	fill(&whole->group, ret);
	ret->runs = true;
	if (place->has_network)
		read_network(pid, a, ret, whole);
}
