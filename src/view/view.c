/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts. A line of the machine's file whose meaning a container has too gets the container's
 * value; one that is about the hardware stays; any other is 0, since the machine's value could
 * exceed what the container has. Read view.h first.
 */
#include "view/view.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/cgroup_bound.h"
#include "linux/cgroup_stats.h"

enum { FILE_MAX = 4 << 20, NS_PER_S = 1000000000, KIB = 1024, CPUS_MAX = 8192, PIDS_ASKED = 16 };

/* ---- memory ---- */

static const struct {
	const char *v2, *v1;
} old_names[] = {{"file", "cache"},
		 {"anon", "rss"},
		 {"file_dirty", "dirty"},
		 {"file_writeback", "writeback"},
		 {"file_mapped", "mapped_file"}};

/* Of memory.stat, by its name of version 2; on version 1 with the groups below. */
static int64_t counter(const struct kvs *raw, const char *key)
{
	char total[64];
	const char *old = key;
	for (size_t i = 0; i < ARRAY_LEN(old_names); i++)
		if (!strcmp(key, old_names[i].v2))
			old = old_names[i].v1;
	snprintf(total, sizeof(total), "total_%s", old);
	const char *value = kvs_get(raw, total);
	if (!value)
		value = kvs_get(raw, key);
	return value ? strtoll(value, NULL, 10) : 0;
}

static const struct {
	const char *line, *keys[2]; /* of memory.stat; their sum */
} counted[] = {
	{"Cached", {"file"}},
	{"Active", {"active_anon", "active_file"}},
	{"Inactive", {"inactive_anon", "inactive_file"}},
	{"Active(anon)", {"active_anon"}},
	{"Inactive(anon)", {"inactive_anon"}},
	{"Active(file)", {"active_file"}},
	{"Inactive(file)", {"inactive_file"}},
	{"Unevictable", {"unevictable"}},
	{"Dirty", {"file_dirty"}},
	{"Writeback", {"file_writeback"}},
	{"AnonPages", {"anon"}},
	{"Mapped", {"file_mapped"}},
	{"Shmem", {"shmem"}},
	{"KReclaimable", {"slab_reclaimable"}},
	{"Slab", {"slab_reclaimable", "slab_unreclaimable"}},
	{"SReclaimable", {"slab_reclaimable"}},
	{"SUnreclaim", {"slab_unreclaimable"}},
	{"KernelStack", {"kernel_stack"}},
	{"PageTables", {"pagetables"}},
};
static const char *const hardware[] = {"HugePages_", "Hugepagesize", "Hugetlb", "DirectMap",
				       "VmallocTotal"};

static int64_t of_line(const struct view_memory *m, const char *line)
{
	const struct {
		const char *line;
		int64_t value;
	} own[] = {{"MemTotal", m->total},
		   {"MemFree", m->free},
		   {"MemAvailable", m->available},
		   {"SwapTotal", m->swap_total},
		   {"SwapFree", m->swap_free}};
	int64_t sum = 0;
	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (!strcmp(line, own[i].line))
			return own[i].value;
	for (size_t i = 0; m->raw && i < ARRAY_LEN(counted); i++)
		for (size_t k = 0; k < 2 && counted[i].keys[k] && !strcmp(line, counted[i].line);
		     k++)
			sum += counter(m->raw, counted[i].keys[k]);
	return sum;
}

static bool is_hardware(const char *line)
{
	for (size_t i = 0; i < ARRAY_LEN(hardware); i++)
		if (!strncmp(line, hardware[i], strlen(hardware[i])))
			return true;
	return false;
}

/* The line that begins at @text, and where the next one does. */
static const char *next_line(const char *text, size_t *ret_len)
{
	*ret_len = strcspn(text, "\n");
	return text + *ret_len + (text[*ret_len] == '\n');
}

void view_print_meminfo(const struct view_memory *m, const char *host, struct strbuf *out)
{
	size_t len;
	for (const char *next; *host; host = next) {
		char name[32];
		next = next_line(host, &len);
		size_t colon = strcspn(host, ":\n");
		if (host[colon] != ':' || colon >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)colon, host);
		if (is_hardware(host))
			strbuf_printf(out, "%.*s\n", (int)len, host);
		else
			strbuf_printf(out, "%s:%*s%8" PRId64 " kB\n", name,
				      colon < 15 ? (int)(15 - colon) : 0, "",
				      of_line(m, name) / KIB);
	}
}

/* ---- processors ---- */

void view_print_cpuinfo(const char *host, size_t count, struct strbuf *out)
{
	size_t len, at = 0;
	for (const char *next; *host && at <= count; host = next) {
		next = next_line(host, &len);
		bool begins = !strncmp(host, "processor", 9) && strchr(" \t:", host[9]);
		if (begins && at == count)
			return;
		if (begins)
			strbuf_printf(out, "processor\t: %zu\n", at++);
		else
			strbuf_printf(out, "%.*s\n", (int)len, host);
	}
}

static void print_cpu(struct strbuf *out, const char *name, int64_t user, int64_t kernel,
		      int64_t all)
{
	int64_t idle = all - user - kernel;
	strbuf_printf(out, "%s %" PRId64 " 0 %" PRId64 " %" PRId64 " 0 0 0 0 0 0\n", name, user,
		      kernel, idle > 0 ? idle : 0);
}

/* The kernel counts a group's time for all processors together: each gets its part. */
void view_print_stat(const char *host, size_t count, int64_t user, int64_t kernel, int64_t since,
		     struct strbuf *out)
{
	const int64_t n = (int64_t)count;
	char name[24];
	size_t len;
	print_cpu(out, "cpu ", user, kernel, since * n);
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "cpu%zu", i);
		print_cpu(out, name, user / n, kernel / n, since);
	}
	for (const char *next; *host; host = next) {
		next = next_line(host, &len);
		if (strncmp(host, "cpu", 3) != 0)
			strbuf_printf(out, "%.*s\n", (int)len, host);
	}
}

/* ---- what the kernel says ---- */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* In force; CGROUP_UNBOUND: none. Swap: with the memory on version 1. */
static int64_t bound_of(const struct view *v, const struct cgroup_bound *b)
{
	struct cgroup_bounds found;
	return cgroup_bound_read(v->cgroup, b, &found) ? found.least : CGROUP_UNBOUND;
}

static const struct cgroup_bound memory_bound = {CGROUP_MEMORY, "memory.limit_in_bytes",
						 "memory.max"},
				 swap_bound = {CGROUP_MEMORY, "memory.memsw.limit_in_bytes",
					       "memory.swap.max"},
				 quota_bound = {CGROUP_CPU, "cpu.cfs_quota_us", "cpu.max", true};

/* As many as its processes may run on, and no more than the quota is worth, rounded up. */
static size_t cpu_count(const struct view *v, const struct cgroup *g, struct arena *a)
{
	const int64_t quota = bound_of(v, &quota_bound);
	const size_t worth = quota == CGROUP_UNBOUND ? CPUS_MAX : (size_t)(quota + 999) / 1000;
	static cpu_set_t all[CPUS_MAX / CPU_SETSIZE], one[CPUS_MAX / CPU_SETSIZE];
	size_t count = 0;
	pid_t *pids;
	memset(all, 0, sizeof(all));
	if (cgroup_pids(g, a, &pids, &count, ERR_IGNORED) < 0)
		count = 0;
	for (size_t i = 0; i < count && i < PIDS_ASKED; i++)
		if (sched_getaffinity(pids[i], sizeof(one), one) == 0)
			CPU_OR_S(sizeof(all), all, all, one);
	size_t n = (size_t)CPU_COUNT_S(sizeof(all), all);
	if (n == 0 && sched_getaffinity(0, sizeof(one), one) == 0)
		n = (size_t)CPU_COUNT_S(sizeof(one), one); /* nobody is there yet */
	return worth < 1 ? 1 : worth < n ? worth : n;
}

static const char *host_file(const char *path, struct arena *a)
{
	char *text;
	return file_read(AT_FDCWD, path, FILE_MAX, a, &text, NULL, ERR_IGNORED) < 0 ? "" : text;
}

static int64_t host_kib(const char *meminfo, const char *line)
{
	const char *at = strstr(meminfo, line);
	return at ? strtoll(at + strlen(line), NULL, 10) * KIB : 0;
}

static struct view_memory memory_of(const struct view *v, const struct cgroup_stats *s,
				    bool with_memory, const char *host)
{
	const int64_t limit = bound_of(v, &memory_bound);
	int64_t most = bound_of(v, &swap_bound);
	int64_t used = s->memory.usage.usage, swap = s->memory.swap.usage;
	int64_t machine = host_kib(host, "SwapTotal:");
	struct view_memory m = {.total = least(limit, host_kib(host, "MemTotal:")),
				.raw = &s->memory.raw};
	if (with_memory) { /* version 1 */
		swap = swap > used ? swap - used : 0;
		most = most == CGROUP_UNBOUND || limit == CGROUP_UNBOUND ? CGROUP_UNBOUND
		       : most > limit                                    ? most - limit
									 : 0;
	}
	m.free = m.total > used ? m.total - used : 0;
	m.available = least(m.free + s->memory.reclaimable, m.total);
	m.swap_total = least(most, machine);
	m.swap_free = m.swap_total > swap ? m.swap_total - swap : 0;
	return m;
}

static void print_loadavg(const struct view *v, const struct cgroup *g, struct arena *a,
			  struct strbuf *out)
{
	size_t tasks = 0;
	int64_t running = load_count(g, a, &tasks);
	strbuf_printf(out, "%.2f %.2f %.2f %" PRId64 "/%zu %zu\n", v->average[0], v->average[1],
		      v->average[2], running < 0 ? 0 : running, tasks, tasks);
}

static int64_t ticks(int64_t ns)
{
	return ns / (NS_PER_S / sysconf(_SC_CLK_TCK));
}

void view_print(const struct view *v, enum view_file file, struct strbuf *out)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	struct cgroup_stats_files files = CGROUP_STATS_CLOSED;
	struct cgroup_stats s = {0};
	struct timespec up;
	const char *host = host_file(view_paths[file], &a);
	if (cgroup_open(v->cgroup, &g, ERR_IGNORED) < 0) {
		strbuf_puts(out, host);
		return;
	}
	if (file == VIEW_MEMINFO || file == VIEW_STAT)
		cgroup_stats_read(&g, &files, false, &a, &s);
	switch (file) {
	case VIEW_MEMINFO: {
		struct view_memory m = memory_of(v, &s, g.v1[CGROUP_MEMORY] >= 0, host);
		view_print_meminfo(&m, host, out);
		break;
	}
	case VIEW_CPUINFO:
		view_print_cpuinfo(host, cpu_count(v, &g, &a), out);
		break;
	case VIEW_STAT:
		clock_gettime(CLOCK_BOOTTIME, &up);
		view_print_stat(host, cpu_count(v, &g, &a), ticks(s.cpu.user), ticks(s.cpu.kernel),
				ticks(up.tv_sec * NS_PER_S + up.tv_nsec), out);
		break;
	case VIEW_LOADAVG:
		print_loadavg(v, &g, &a, out);
		break;
	case VIEW_ONLINE: {
		size_t last = cpu_count(v, &g, &a) - 1;
		strbuf_printf(out, last ? "0-%zu\n" : "%zu\n", last);
		break;
	}
	case VIEW_FILES:
		break;
	}
	cgroup_stats_close(&files);
}

void view_sample(struct view *v)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_CGROUP struct cgroup g = CGROUP_CLOSED;
	size_t tasks;
	int64_t load =
		cgroup_open(v->cgroup, &g, ERR_IGNORED) < 0 ? -1 : load_count(&g, &a, &tasks);
	if (load >= 0)
		load_average_step(v->average, load, 1);
}
