/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the counters of a group. See cgroup-v1/{cpuacct,memory,blkio-controller}.rst and
 * cgroup-v2.rst of the kernel. Invariant: a counter comes from v1 where v1 has its controller.
 */
#include "linux/cgroup_stats.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { TEXT_MAX = 64 * 1024, IO_ENTRIES_MAX = 1024 };
#define USEC INT64_C(1000)

enum { UNKNOWN = -1, ABSENT = -2 };

void cgroup_stats_close(struct cgroup_stats_files *f)
{
	for (size_t i = 0; i < ARRAY_LEN(f->fds); i++)
		if (f->fds[i] >= 0)
			close(f->fds[i]);
	*f = (struct cgroup_stats_files)CGROUP_STATS_CLOSED;
}

/* A descriptor of many would leave none for others. */
static bool may_keep(int fd)
{
	static long most;
	if (!most)
		most = sysconf(_SC_OPEN_MAX) / 2;
	return fd < most;
}

/* What a reading asks for it asks for in the same order each time: the next place is this file's.
 * One pread(2), since the kernel makes such a file as one piece. */
static ssize_t text_of(struct cgroup_stats_files *f, int dir, const char *file, char *buf,
		       size_t size)
{
	int *place = &f->fds[f->at++];
	assert(f->at <= ARRAY_LEN(f->fds));
	if (dir < 0 || *place == ABSENT)
		return -ENOENT;
	int fd = *place >= 0 ? *place : openat(dir, file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		*place = errno == ENOENT ? ABSENT : UNKNOWN;
		return -errno;
	}
	ssize_t n = pread(fd, buf, size - 1, 0);
	if (n < 0)
		n = -errno;
	*place = may_keep(fd) ? fd : UNKNOWN;
	if (*place < 0)
		close(fd);
	buf[n < 0 ? 0 : n] = '\0';
	f->gone |= n == -ENODEV;
	return n;
}

/* A number alone; "max" and v1's largest page count are no limit. */
static int64_t number(struct cgroup_stats_files *f, int dir, const char *file)
{
	char text[32];
	if (text_of(f, dir, file, text, sizeof(text)) <= 0)
		return 0;
	if (*text == 'm')
		return INT64_MAX;
	int64_t n = strtoll(text, NULL, 10);
	return n >= INT64_MAX - 0xffff ? INT64_MAX : n;
}

/* Valid until the next call. */
static const char *whole(struct cgroup_stats_files *f, int dir, const char *file)
{
	static char text[TEXT_MAX];
	return text_of(f, dir, file, text, TEXT_MAX) > 0 ? text : NULL;
}

int64_t cgroup_keyed(const char *text, const char *key)
{
	size_t len = strlen(key);
	for (const char *line = text; line && *line; line += *line == '\n') {
		if (!strncmp(line, key, len) && line[len] == ' ')
			return strtoll(line + len + 1, NULL, 10);
		line += strcspn(line, "\n");
	}
	return -EOPNOTSUPP;
}

static int64_t keyed(const char *text, const char *key)
{
	int64_t n = cgroup_keyed(text, key);
	return n == -EOPNOTSUPP ? 0 : n;
}

static void read_percpu(const char *text, struct arena *a, struct array *ret)
{
	size_t room = text ? strlen(text) / 2 + 1 : 0;
	int64_t *items = arena_array(a, room, sizeof(*items));
	for (char *end; text && *text; text = end) {
		int64_t n = strtoll(text, &end, 10);
		if (end == text)
			break;
		items[ret->count++] = n;
	}
	ret->items = items;
}

static void read_cpu(const struct cgroup *g, struct cgroup_stats_files *f, bool brief,
		     struct arena *a, struct cgroup_stats *s)
{
	int cpu = g->v1[CGROUP_CPU], account = g->v1[CGROUP_CPUACCT];
	const char *text = whole(f, cpu >= 0 ? cpu : g->v2, "cpu.stat");
	int64_t unit = cpu >= 0 ? 1 : USEC;
	s->cpu.periods = keyed(text, "nr_periods");
	s->cpu.throttled_periods = keyed(text, "nr_throttled");
	s->cpu.throttled_time = keyed(text, cpu >= 0 ? "throttled_time" : "throttled_usec") * unit;
	if (account < 0) {
		s->cpu.total = keyed(text, "usage_usec") * USEC;
		s->cpu.user = keyed(text, "user_usec") * USEC;
		s->cpu.kernel = keyed(text, "system_usec") * USEC;
		return;
	}
	int64_t tick = 1000000000 / sysconf(_SC_CLK_TCK);
	text = whole(f, account, "cpuacct.stat");
	s->cpu.total = number(f, account, "cpuacct.usage");
	s->cpu.user = keyed(text, "user") * tick;
	s->cpu.kernel = keyed(text, "system") * tick;
	if (!brief)
		read_percpu(whole(f, account, "cpuacct.usage_percpu"), a, &s->cpu.percpu);
}

static struct cgroup_usage usage_v1(struct cgroup_stats_files *f, int dir, bool brief,
				    const char *prefix)
{
	static const char *const names[] = {"limit_in_bytes", "usage_in_bytes",
					    "max_usage_in_bytes", "failcnt"};
	int64_t values[ARRAY_LEN(names)] = {0};
	for (size_t i = 0; i < (brief ? 2 : ARRAY_LEN(names)); i++) {
		char file[64];
		snprintf(file, sizeof(file), "%s.%s", prefix, names[i]);
		values[i] = number(f, dir, file);
	}
	return (struct cgroup_usage){values[0], values[1], values[2], values[3]};
}

static void read_raw(const char *text, struct arena *a, struct kvs *ret)
{
	while (text && *text) {
		size_t line = strcspn(text, "\n"), key = strcspn(text, " ");
		if (key < line)
			kvs_set(a, ret, arena_strndup(a, text, key),
				arena_strndup(a, text + key + 1, line - key - 1));
		text += line + (text[line] == '\n');
	}
}

/* Shared memory and tmpfs count as files, and have no file to go back to. */
static void find_reclaimable(struct cgroup_stats *s, int64_t unevictable)
{
	int64_t n = s->memory.file - s->memory.shmem - unevictable, all = s->memory.usage.usage;
	s->memory.reclaimable = n < 0 ? 0 : n < all ? n : all;
}

static void read_memory(const struct cgroup *g, struct cgroup_stats_files *f, bool brief,
			struct arena *a, struct cgroup_stats *s)
{
	int v1 = g->v1[CGROUP_MEMORY];
	const char *text = whole(f, v1 >= 0 ? v1 : g->v2, "memory.stat");
	if (!brief)
		read_raw(text, a, &s->memory.raw);
	s->memory.cache = keyed(text, v1 >= 0 ? "cache" : "file");
	s->memory.anon = keyed(text, v1 >= 0 ? "total_rss" : "anon");
	s->memory.file = keyed(text, v1 >= 0 ? "total_cache" : "file");
	s->memory.inactive_file = keyed(text, v1 >= 0 ? "total_inactive_file" : "inactive_file");
	s->memory.shmem = keyed(text, v1 >= 0 ? "total_shmem" : "shmem");
	int64_t unevictable = keyed(text, v1 >= 0 ? "total_unevictable" : "unevictable");
	if (v1 >= 0) {
		s->memory.usage = usage_v1(f, v1, brief, "memory");
		s->memory.kernel = usage_v1(f, v1, brief, "memory.kmem");
		find_reclaimable(s, unevictable);
		if (!brief)
			s->memory.swap = usage_v1(f, v1, brief, "memory.memsw");
		return;
	}
	s->memory.kernel.usage = keyed(text, "kernel");
	s->memory.usage = (struct cgroup_usage){
		number(f, g->v2, "memory.max"), number(f, g->v2, "memory.current"),
		number(f, g->v2, "memory.peak"),
		brief ? 0 : keyed(whole(f, g->v2, "memory.events.local"), "max")};
	s->memory.swap = (struct cgroup_usage){number(f, g->v2, "memory.swap.max"),
					       number(f, g->v2, "memory.swap.current"),
					       number(f, g->v2, "memory.swap.peak"), 0};
	find_reclaimable(s, unevictable);
}

static struct cgroup_io_entry *io_add(struct array *list, struct arena *a)
{
	if (list->count == IO_ENTRIES_MAX)
		return NULL;
	if (!list->items)
		list->items = arena_array(a, IO_ENTRIES_MAX, sizeof(struct cgroup_io_entry));
	return (struct cgroup_io_entry *)list->items + list->count++;
}

/* "8:0 Read 4096"; the last line is "Total 4096". */
static void read_io_v1(const char *text, struct arena *a, struct array *ret)
{
	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n') {
		int major, minor;
		long long value;
		char op[16];
		if (sscanf(text, "%d:%d %15s %lld", &major, &minor, op, &value) != 4)
			continue;
		struct cgroup_io_entry *entry = io_add(ret, a);
		if (entry)
			*entry = (struct cgroup_io_entry){major, minor, arena_strdup(a, op), value};
	}
}

/* "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0" */
static void read_io_v2(const char *text, struct arena *a, struct cgroup_stats *s)
{
	static const struct {
		const char *key, *op;
		bool bytes;
	} keys[] = {{" rbytes=", "Read", true},    {" wbytes=", "Write", true},
		    {" dbytes=", "Discard", true}, {" rios=", "Read", false},
		    {" wios=", "Write", false},    {" dios=", "Discard", false}};
	for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n') {
		int major, minor;
		const char *end = text + strcspn(text, "\n");
		if (sscanf(text, "%d:%d", &major, &minor) != 2)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
			const char *at = strstr(text, keys[i].key);
			struct array *list = keys[i].bytes ? &s->io_bytes : &s->io_operations;
			struct cgroup_io_entry *entry = at && at < end ? io_add(list, a) : NULL;
			if (entry)
				*entry = (struct cgroup_io_entry){
					major, minor, (char *)keys[i].op,
					strtoll(at + strlen(keys[i].key), NULL, 10)};
		}
	}
}

/* "some avg10=0.12 avg60=0.00 avg300=0.00 total=1234": in the v2 tree alone, on hybrid hosts too.
 */
static void read_pressure(struct cgroup_stats_files *f, int v2, const char *file,
			  char buf[static 8])
{
	const char *text = whole(f, v2, file);
	if (text)
		sscanf(text, "some avg10=%7[0-9.]", buf);
}

void cgroup_stats_read(const struct cgroup *g, struct cgroup_stats_files *f, bool brief,
		       struct arena *a, struct cgroup_stats *ret)
{
	int pids = g->v1[CGROUP_PIDS] >= 0 ? g->v1[CGROUP_PIDS] : g->v2;
	int io = g->v1[CGROUP_BLKIO];
	*ret = (struct cgroup_stats){0};
	f->at = 0;
	read_cpu(g, f, brief, a, ret);
	read_memory(g, f, brief, a, ret);
	read_pressure(f, g->v2, "cpu.pressure", ret->pressure.cpu);
	read_pressure(f, g->v2, "memory.pressure", ret->pressure.memory);
	read_pressure(f, g->v2, "io.pressure", ret->pressure.io);
	ret->pids.current = number(f, pids, "pids.current");
	ret->pids.limit = number(f, pids, "pids.max");
	if (ret->pids.limit == INT64_MAX)
		ret->pids.limit = 0;
	if (io < 0) {
		read_io_v2(whole(f, g->v2, "io.stat"), a, ret);
		return;
	}
	read_io_v1(whole(f, io, "blkio.throttle.io_service_bytes_recursive"), a, &ret->io_bytes);
	if (!brief)
		read_io_v1(whole(f, io, "blkio.throttle.io_serviced_recursive"), a,
			   &ret->io_operations);
}
