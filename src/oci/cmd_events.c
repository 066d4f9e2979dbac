/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-runtime events: what a container uses, and when processes of it are killed for memory, as
 * JSON, a line each, in runc's form. Ends with the container.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "linux/cgroup_stats.h"
#include "oci/commands.h"
#include "oci/group.h"
#include "oci/state.h"

enum { MS = 1000000, RAW_MAX = 64 * 1024, LOOK_MS = 500 };

struct values {
	char *interval;
	bool stats;
};

struct cpu {
	struct {
		int64_t total, kernel, user;
		struct array percpu;
	} usage;
	struct {
		int64_t periods, throttled_periods, throttled_time;
	} throttling;
};
struct memory {
	int64_t cache;
	struct cgroup_usage usage, swap, kernel;
	char *raw;
};
struct blkio {
	struct array bytes, operations;
};
struct pids {
	int64_t current, limit;
};
struct stats {
	struct cpu cpu;
	struct memory memory;
	struct pids pids;
	struct blkio blkio;
	char *hugetlb;
	struct resctrl_stats rdt;
};
struct event {
	char *type, *id;
	struct stats *data;
};

/* Whose figures are read; @resctrl is the mount, -1 without a group there. */
struct watch {
	const struct state *state;
	struct cgroup group;
	int resctrl;
	struct resctrl_wish wish;
};

static void watch_end(struct watch *w)
{
	cgroup_close(&w->group);
	fd_drop(&w->resctrl);
}

#define F(member, name, kind, ...) FIELD(struct TYPE, member, name, kind, ##__VA_ARGS__)
#define KEEP .flags = FIELD_KEEP
#define INSIDE(shape_) FIELD_STRUCT, .flags = FIELD_KEEP, .shape = &(shape_)

#define TYPE cgroup_io_entry
static const struct field entry_fields[] = {
	F(major, "major", FIELD_I64),
	F(minor, "minor", FIELD_I64),
	F(op, "op", FIELD_STR),
	F(value, "value", FIELD_I64),
};
static const struct shape entry_shape = SHAPE(struct cgroup_io_entry, entry_fields);
#undef TYPE

#define TYPE cgroup_usage
static const struct field usage_fields[] = {
	F(limit, "limit", FIELD_I64, KEEP),
	F(usage, "usage", FIELD_I64),
	F(max, "max", FIELD_I64),
	F(failcnt, "failcnt", FIELD_I64, KEEP),
};
static const struct shape usage_shape = SHAPE(struct cgroup_usage, usage_fields);
#undef TYPE

#define TYPE cpu
/* Offsets count from the outer struct, in which these lie. */
static const struct field cpu_usage_fields[] = {
	F(usage.total, "total", FIELD_I64),
	F(usage.percpu, "percpu", FIELD_NUMBERS),
	F(usage.kernel, "kernel", FIELD_I64, KEEP),
	F(usage.user, "user", FIELD_I64, KEEP),
};
static const struct shape cpu_usage_shape = SHAPE(struct cpu, cpu_usage_fields);
static const struct field throttling_fields[] = {
	F(throttling.periods, "periods", FIELD_I64),
	F(throttling.throttled_periods, "throttledPeriods", FIELD_I64),
	F(throttling.throttled_time, "throttledTime", FIELD_I64),
};
static const struct shape throttling_shape = SHAPE(struct cpu, throttling_fields);
static const struct field cpu_fields[] = {
	{.name = "usage", .type = INSIDE(cpu_usage_shape)},
	{.name = "throttling", .type = INSIDE(throttling_shape)},
};
static const struct shape cpu_shape = SHAPE(struct cpu, cpu_fields);
#undef TYPE

#define TYPE memory
static const struct field memory_fields[] = {
	F(cache, "cache", FIELD_I64),
	F(usage, "usage", INSIDE(usage_shape)),
	F(swap, "swap", INSIDE(usage_shape)),
	F(kernel, "kernel", INSIDE(usage_shape)),
	F(raw, "raw", FIELD_RAW),
};
static const struct shape memory_shape = SHAPE(struct memory, memory_fields);
#undef TYPE

#define TYPE pids
static const struct field pids_fields[] = {
	F(current, "current", FIELD_I64),
	F(limit, "limit", FIELD_I64),
};
static const struct shape pids_shape = SHAPE(struct pids, pids_fields);
#undef TYPE

#define TYPE blkio
static const struct field blkio_fields[] = {
	F(bytes, "ioServiceBytesRecursive", FIELD_ARRAY, .shape = &entry_shape),
	F(operations, "ioServicedRecursive", FIELD_ARRAY, .shape = &entry_shape),
};
static const struct shape blkio_shape = SHAPE(struct blkio, blkio_fields);
#undef TYPE

#define TYPE resctrl_cache
static const struct field cache_fields[] = {
	F(cbm_mask, "cbm_mask", FIELD_STR),
	F(min_cbm_bits, "min_cbm_bits", FIELD_I64),
	F(num_closids, "num_closids", FIELD_I64),
};
static const struct shape cache_shape = SHAPE(struct resctrl_cache, cache_fields);
#undef TYPE

#define TYPE resctrl_memory
static const struct field bandwidth_fields[] = {
	F(bandwidth_gran, "bandwidth_gran", FIELD_I64),
	F(delay_linear, "delay_linear", FIELD_I64),
	F(min_bandwidth, "min_bandwidth", FIELD_I64),
	F(num_closids, "num_closids", FIELD_I64),
};
static const struct shape bandwidth_shape = SHAPE(struct resctrl_memory, bandwidth_fields);
#undef TYPE

#define TYPE resctrl_moved
static const struct field moved_fields[] = {
	F(total, "mbm_total_bytes", FIELD_I64, KEEP),
	F(local, "mbm_local_bytes", FIELD_I64, KEEP),
};
static const struct shape moved_shape = SHAPE(struct resctrl_moved, moved_fields);
#undef TYPE

#define TYPE resctrl_held
static const struct field held_fields[] = {F(bytes, "llc_occupancy", FIELD_I64, KEEP)};
static const struct shape held_shape = SHAPE(struct resctrl_held, held_fields);
#undef TYPE

#define TYPE resctrl_stats
static const struct field rdt_fields[] = {
	F(cache, "l3_cache_info", FIELD_PTR, .shape = &cache_shape),
	F(l3_root, "l3_cache_schema_root", FIELD_STR),
	F(l3, "l3_cache_schema", FIELD_STR),
	F(memory, "mem_bw_info", FIELD_PTR, .shape = &bandwidth_shape),
	F(bandwidth_root, "mem_bw_schema_root", FIELD_STR),
	F(bandwidth, "mem_bw_schema", FIELD_STR),
	F(schemata, "schemata", FIELD_STRV),
	F(moved, "mbm_stats", FIELD_ARRAY, .shape = &moved_shape),
	F(held, "cmt_stats", FIELD_ARRAY, .shape = &held_shape),
};
static const struct shape rdt_shape = SHAPE(struct resctrl_stats, rdt_fields);
#undef TYPE

#define TYPE stats
static const struct field stats_fields[] = {
	F(cpu, "cpu", INSIDE(cpu_shape)),    F(memory, "memory", INSIDE(memory_shape)),
	F(pids, "pids", INSIDE(pids_shape)), F(blkio, "blkio", INSIDE(blkio_shape)),
	F(hugetlb, "hugetlb", FIELD_RAW),    F(rdt, "intel_rdt", INSIDE(rdt_shape)),
};
static const struct shape stats_shape = SHAPE(struct stats, stats_fields);
#undef TYPE

#define TYPE event
static const struct field event_fields[] = {
	F(type, "type", FIELD_STR),
	F(id, "id", FIELD_STR),
	F(data, "data", FIELD_PTR, .shape = &stats_shape),
};
static const struct shape event_shape = SHAPE(struct event, event_fields);
#undef TYPE

/* {"anon":123,...}: a map of numbers has no shape of its own. */
static char *raw_print(const struct kvs *raw, struct arena *a)
{
	CLEANUP_STRBUF struct strbuf text = STRBUF_MAX(RAW_MAX);
	for (size_t i = 0; i < raw->count; i++)
		strbuf_printf(&text, "%s\"%s\":%s", i ? "," : "", raw->items[i].key,
			      raw->items[i].value);
	return arena_printf(a, "{%s}", strbuf_text(&text));
}

static void print_event(struct event *event, struct arena *a)
{
	puts(shape_print(&event_shape, event, false, a));
	fflush(stdout);
}

static void print_stats(const struct watch *w)
{
	struct cgroup_stats_files files = CGROUP_STATS_CLOSED;
	CLEANUP_ARENA struct arena a = {0};
	struct cgroup_stats c;
	cgroup_stats_read(&w->group, &files, false, &a, &c);
	cgroup_stats_close(&files);
	struct stats stats = {
		.cpu = {.usage = {c.cpu.total, c.cpu.kernel, c.cpu.user, c.cpu.percpu},
			.throttling = {c.cpu.periods, c.cpu.throttled_periods,
				       c.cpu.throttled_time}},
		.memory = {c.memory.cache, c.memory.usage, c.memory.swap, c.memory.kernel,
			   raw_print(&c.memory.raw, &a)},
		.pids = {c.pids.current, c.pids.limit},
		.blkio = {c.io_bytes, c.io_operations},
		.hugetlb = "{}",
	};
	if (w->resctrl >= 0)
		resctrl_stats_read(w->resctrl, &w->wish, &a, &stats.rdt);
	struct event event = {"stats", (char *)w->state->id, &stats};
	print_event(&event, &a);
}

static void print_oom(const struct state *s)
{
	CLEANUP_ARENA struct arena a = {0};
	struct event event = {"oom", (char *)s->id, NULL};
	print_event(&event, &a);
}

/* The counter of killed processes is looked at as often as it takes to be told soon. It falls where
 * a group that the container made goes (version 1 counts in each by itself): what comes after that
 * is new. */
static int follow(const struct watch *w, int64_t interval_ms, struct err *e)
{
	struct pollfd p = {.fd = w->state->pidfd, .events = POLLIN};
	int64_t kills = cgroup_oom_kills(&w->group), next = clock_ms() + interval_ms;
	for (;;) {
		int64_t wait = next - clock_ms();
		int n = poll(&p, 1, (int)(wait < 0 ? 0 : wait < LOOK_MS ? wait : LOOK_MS));
		int64_t now = cgroup_oom_kills(&w->group);
		for (; kills < now; kills++)
			print_oom(w->state);
		kills = now < 0 ? kills : now;
		if (n < 0 && errno != EINTR)
			return err_errno(e, errno, "cannot wait for the container");
		if (n == 1)
			return 0;
		if (clock_ms() < next)
			continue;
		print_stats(w);
		next = clock_ms() + interval_ms;
	}
}

static int events(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	CLEANUP_STATE struct state s = STATE_CLOSED;
	CLEANUP(watch_end)
	struct watch w = {.state = &s, .group = CGROUP_CLOSED, .resctrl = -1};
	struct oci_spec spec = {0};
	const struct values *v = values;
	int64_t interval;
	if (duration_parse(v->interval, &interval) < 0 || interval < MS)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--interval \"%s\": must be a duration, as 5s, and at least 1ms",
			       v->interval);
	int r = state_open(oci, args->items[0], STATE_READ, &s, e);
	if (r == 0 && s.pidfd < 0)
		r = err_set(e, ESRCH, ERR_CONFLICT, "container %s: container not running", s.id);
	if (r == 0 && !*s.record.cgroup)
		r = err_set(e, ENOTSUP, ERR_INVALID, "container %s has no control group", s.id);
	if (r == 0)
		r = cgroup_open(s.record.cgroup, &w.group, e);
	if (r == 0 && s.record.flags & RECORD_RDT)
		r = state_config(&s, &oci->arena, &spec, e);
	if (r < 0)
		return r;
	if (spec.linux_.intel_rdt) {
		w.wish = group_rdt(&spec, s.id);
		w.resctrl = resctrl_mount(ERR_IGNORED); /* unmounted meanwhile: no figures */
	}
	fd_drop(&s.dir);
	if (!v->stats)
		return follow(&w, interval / MS, e);
	print_stats(&w);
	return 0;
}

#define O(member_) .offset = offsetof(struct values, member_)
static const struct option items[] = {
	{"interval", 0, OPTION_STR, O(interval), .arg = "duration", .initial = "5s",
	 .help = "Time between two reports"},
	{"stats", 0, OPTION_BOOL, O(stats), .help = "Report once"},
};
const struct oci_command oci_events = {
	.name = "events",
	.synopsis = "ID",
	.summary = "Report what a container uses, and kills for memory",
	.options = OPTIONS_FOR(struct values, items),
	.args = {1, 1},
	.run = events,
};
