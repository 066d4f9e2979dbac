/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics, in the format of OpenMetrics 1.0: what `hull stats` shows of each container that is
 * up, as counters and gauges, and how many containers there are in each state. Read engine/stats.h
 * first.
 */
#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/strbuf.h"
#include "engine/stats.h"

enum { METRICS_MAX = 64 << 20 };

#define S(member) offsetof(struct container_stats, member)
static const struct metric {
	const char *name, *help;
	bool counter;    /* else a gauge */
	int64_t divisor; /* from the member's unit to the metric's */
	size_t offset;
} metrics[] = {
	{"cpu_seconds", "Processor time used", true, 1000000000, S(cpu_ns)},
	{"cpu_user_seconds", "Of that in user space", true, 1000000000, S(cpu_user_ns)},
	{"cpu_kernel_seconds", "Of that in the kernel", true, 1000000000, S(cpu_kernel_ns)},
	{"cpu_throttled_seconds", "Time it waited for its quota", true, 1000000000,
	 S(throttled_ns)},
	{"memory_bytes", "Memory in use, without inactive page cache", false, 1, S(memory)},
	{"memory_limit_bytes", "Its limit, or the machine's memory", false, 1, S(memory_limit)},
	{"memory_anon_bytes", "Anonymous memory", false, 1, S(memory_anon)},
	{"memory_file_bytes", "Page cache", false, 1, S(memory_file)},
	{"memory_kernel_bytes", "Memory of the kernel", false, 1, S(memory_kernel)},
	{"network_receive_bytes", "Received, all interfaces but lo", true, 1, S(net_in)},
	{"network_transmit_bytes", "Sent, all interfaces but lo", true, 1, S(net_out)},
	{"io_read_bytes", "Read from block devices", true, 1, S(io_read)},
	{"io_written_bytes", "Written to block devices", true, 1, S(io_written)},
	{"pids", "Processes and threads", false, 1, S(pids)},
};
static const struct {
	const char *resource;
	size_t offset; /* per cent as text, "" where the kernel does not tell */
} pressures[] = {{"cpu", S(pressure.cpu)}, {"memory", S(pressure.memory)}, {"io", S(pressure.io)}};
#undef S

struct sample {
	const struct container *c;
	struct container_stats stats;
};

static void put_head(struct strbuf *out, const char *name, const char *type, const char *help)
{
	strbuf_printf(out, "# TYPE hull_%s %s\n# HELP hull_%s %s.\n", name, type, name, help);
}

static void put_metric(struct strbuf *out, const struct metric *m, const struct sample *list,
		       size_t count)
{
	char name[64];
	snprintf(name, sizeof(name), "container_%s", m->name);
	put_head(out, name, m->counter ? "counter" : "gauge", m->help);
	for (size_t i = 0; i < count; i++) {
		int64_t value = *(const int64_t *)((const char *)&list[i].stats + m->offset);
		strbuf_printf(out, "hull_%s%s{id=\"%s\",name=\"%s\"} ", name,
			      m->counter ? "_total" : "", list[i].c->id, list[i].c->name);
		if (m->divisor == 1)
			strbuf_printf(out, "%lld\n", (long long)value);
		else
			strbuf_printf(out, "%.6f\n", (double)value / (double)m->divisor);
	}
}

static void put_pressure(struct strbuf *out, const struct sample *list, size_t count)
{
	put_head(out, "container_pressure_percent", "gauge",
		 "Of the last ten seconds, in which a process waited for it");
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < ARRAY_LEN(pressures); k++) {
			const char *text = (const char *)&list[i].stats + pressures[k].offset;
			if (*text)
				strbuf_printf(out,
					      "hull_container_pressure_percent{id=\"%s\",name="
					      "\"%s\",resource=\"%s\"} %s\n",
					      list[i].c->id, list[i].c->name, pressures[k].resource,
					      text);
		}
}

static void put_states(struct strbuf *out, const struct container *list, size_t count)
{
	put_head(out, "containers", "gauge", "Containers by state");
	for (int state = CONTAINER_CREATED; state <= CONTAINER_DEAD; state++) {
		size_t n = 0;
		for (size_t i = 0; i < count; i++)
			n += list[i].status == (enum container_status)state;
		strbuf_printf(out, "hull_containers{state=\"%s\"} %zu\n",
			      container_status_name((enum container_status)state), n);
	}
}

int system_metrics(struct call *c, struct err *e)
{
	static const char type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(METRICS_MAX);
	struct container_filter all = {.all = true, .configs = CONFIGS_ALL};
	struct container *list;
	size_t count, up = 0;
	int r = container_list(c->en, &all, c->a, &list, &count, e);
	if (r < 0)
		return r;
	struct sample *samples = arena_array(c->a, count + 1, sizeof(*samples));
	for (size_t i = 0; i < count; i++) {
		struct container_stats_place place;
		if (!list[i].pid)
			continue;
		container_stats_place(&list[i], &place);
		samples[up].c = &list[i];
		container_stats_read(&place, list[i].pid, &samples[up].stats);
		container_stats_place_close(&place);
		up += samples[up].stats.runs;
	}
	put_states(&out, list, count);
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		put_metric(&out, &metrics[i], samples, up);
	put_pressure(&out, samples, up);
	strbuf_puts(&out, "# EOF\n");
	http_answer(c->http, 200, type, out.buf, out.len);
	return 0;
}
