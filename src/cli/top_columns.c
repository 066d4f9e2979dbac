/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of hull top, from two readings of a container, and their order. Read top_columns.h
 * first. */
#include "cli/top_columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* What a container does not have is NAN. */
static double rate(const struct stats_row *r, int64_t before, int64_t now)
{
	int64_t ms = r->now.at_ms - r->before.at_ms;
	return r->before.runs && ms > 0 && now > before ? (double)(now - before) * 1000 / (double)ms
							: 0;
}

static double per_cent(int64_t part, int64_t whole)
{
	return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static double pressure(const char *text)
{
	return *text ? strtod(text, NULL) : NAN;
}

#define RATE(member_) rate(r, r->before.member_, r->now.member_)
#define GET(name_, value_)                                                                         \
	static double get_##name_(const struct stats_row *r)                                       \
	{                                                                                          \
		return value_;                                                                     \
	}
GET(cache, (double)r->now.memory_reclaimable)
GET(cpu, RATE(cpu_ns) / 1e7)
GET(fill, per_cent(r->now.memory_needed, r->now.memory_limit))
GET(in, RATE(net_in))
GET(limit, (double)r->now.memory_limit)
GET(memory, (double)r->now.memory_needed)
GET(out, RATE(net_out))
GET(pids, (double)r->now.pids)
GET(pressure_cpu, pressure(r->now.pressure.cpu))
GET(pressure_io, pressure(r->now.pressure.io))
GET(pressure_memory, pressure(r->now.pressure.memory))
GET(read, RATE(io_read))
GET(throttled, r->now.periods ? per_cent(r->now.throttled_periods - r->before.throttled_periods,
					 r->now.periods - r->before.periods)
			      : NAN)
GET(waiting, r->now.waiting < 0 ? NAN : (double)r->now.waiting)
GET(write, RATE(io_written))
GET(zombies, r->now.zombies < 0 ? NAN : (double)r->now.zombies)

/* The most wanted first: a narrow terminal has only these. */
const struct top_column top_columns[] = {
	{"cpu", 'c', "CPU %", "CPU", get_cpu, TOP_PER_CENT},
	{"throttled", 't', "THROT %", "Throttled", get_throttled, TOP_PER_CENT},
	{"memory", 'm', "NEEDED", "MemNeeded", get_memory, TOP_BYTES},
	{"fill", 'f', "OF LIMIT", "MemNeededPerc", get_fill, TOP_PER_CENT},
	{"cache", 'k', "CACHE", "MemReclaimable", get_cache, TOP_BYTES},
	{"pids", 'p', "PIDS", "PIDs", get_pids, TOP_COUNT},
	{"waiting", 'd', "D", "Uninterruptible", get_waiting, TOP_COUNT},
	{"zombies", 'z', "ZOMBIES", "Zombies", get_zombies, TOP_COUNT},
	{"write", 'w', "WRITE/s", "Written", get_write, TOP_BYTES_A_SECOND},
	{"read", 'r', "READ/s", "Read", get_read, TOP_BYTES_A_SECOND},
	{"pressure-cpu", '1', "P CPU %", "PressureCPU", get_pressure_cpu, TOP_PER_CENT},
	{"pressure-memory", '2', "P MEM %", "PressureMem", get_pressure_memory, TOP_PER_CENT},
	{"pressure-io", '3', "P I/O %", "PressureIO", get_pressure_io, TOP_PER_CENT},
	{"in", 'i', "IN/s", "NetIn", get_in, TOP_BYTES_A_SECOND},
	{"out", 'o', "OUT/s", "NetOut", get_out, TOP_BYTES_A_SECOND},
	{"limit", 'l', "LIMIT", "MemLimit", get_limit, TOP_BYTES},
};
const size_t top_column_count = ARRAY_LEN(top_columns);

double top_cpu(const struct stats_row *r)
{
	return get_cpu(r);
}

double top_memory(const struct stats_row *r)
{
	return get_memory(r);
}
static int compare(const void *a, const void *b, void *ctx)
{
	const struct stats_row *const *x = a, *const *y = b;
	const struct top_order *o = ctx;
	double first = o->by ? o->by->get(*x) : 0, second = o->by ? o->by->get(*y) : 0;
	first = isnan(first) ? -1 : first;
	second = isnan(second) ? -1 : second;
	int r = first > second ? -1 : first < second ? 1 : strcmp((*x)->name, (*y)->name);
	return o->reversed ? -r : r;
}

/* Those that run, in order. */
const struct stats_row **top_sorted(const struct stats_pass *p, struct top_order *o,
				    struct arena *a, size_t *ret_count)
{
	const struct stats_row **list = arena_array(a, p->count + 1, sizeof(*list));
	size_t count = 0;
	for (size_t i = 0; i < p->count; i++)
		if (p->rows[i].now.runs)
			list[count++] = &p->rows[i];
	qsort_r(list, count, sizeof(*list), compare, o);
	*ret_count = count;
	return list;
}

bool top_order_find(const char *name, struct top_order *ret)
{
	ret->by = NULL;
	for (size_t i = 0; i < top_column_count; i++)
		if (!strcmp(top_columns[i].name, name))
			ret->by = &top_columns[i];
	return ret->by || !strcmp(name, "name");
}
