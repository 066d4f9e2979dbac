/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics, in the format of OpenMetrics 1.0: what `hull stats` shows of each container that is
 * up, as counters and gauges, and how many containers there are in each state. Read metrics.h
 * first.
 */
#include "api/metrics.h"

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/strbuf.h"

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
	{"pids_limit", "Their limit, or 0 for none", false, 1, S(pids_limit)},
	{"cpu_periods", "Periods of its quota", true, 1, S(periods)},
	{"cpu_throttled_periods", "Of those in which it was used up", true, 1,
	 S(throttled_periods)},
	{"memory_needed_bytes", "Memory that the kernel cannot take back", false, 1,
	 S(memory_needed)},
};
static const struct {
	const char *resource;
	size_t offset; /* per cent as text, "" where the kernel does not tell */
} pressures[] = {{"cpu", S(pressure.cpu)}, {"memory", S(pressure.memory)}, {"io", S(pressure.io)}};
#undef S

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

int metrics_collect(struct engine *en, struct arena *a, struct metrics *ret, struct err *e)
{
	struct container_filter all = {.all = true, .configs = CONFIGS_ALL};
	struct metrics m = {0};
	int r = container_list(en, &all, a, &m.list, &m.count, e);
	if (r < 0)
		return r;
	m.samples = arena_array(a, m.count + 1, sizeof(*m.samples));
	for (size_t i = 0; i < m.count; i++) {
		struct container_stats_place place;
		struct sample *s = &m.samples[m.up];
		if (!m.list[i].pid)
			continue;
		container_stats_place(&m.list[i], &place);
		s->c = &m.list[i];
		container_stats_read(&place, m.list[i].pid, &s->stats);
		container_stats_place_close(&place);
		m.up += s->stats.runs;
	}
	*ret = m;
	return 0;
}

static void add_number(struct json_object *o, const char *key, double n, const char *format)
{
	char text[32];
	snprintf(text, sizeof(text), format, n);
	json_object_object_add(o, key, json_object_new_double_s(n, text));
}

void metrics_add(struct json_object *o, const struct container_stats *s)
{
	struct json_object *pressure = json_object_new_object();
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++) {
		int64_t value = *(const int64_t *)((const char *)s + metrics[i].offset);
		if (metrics[i].divisor == 1)
			json_object_object_add(o, metrics[i].name, json_object_new_int64(value));
		else
			add_number(o, metrics[i].name, (double)value / (double)metrics[i].divisor,
				   "%.6f");
	}
	for (size_t i = 0; i < ARRAY_LEN(pressures); i++) {
		const char *text = (const char *)s + pressures[i].offset;
		if (*text)
			add_number(pressure, pressures[i].resource, strtod(text, NULL), "%.2f");
	}
	json_object_object_add(o, "pressure_percent", pressure);
}

int system_metrics(struct call *c, struct err *e)
{
	static const char type[] = "application/openmetrics-text; version=1.0.0; charset=utf-8";
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(METRICS_MAX);
	struct metrics m;
	int r = metrics_collect(c->en, c->a, &m, e);
	if (r < 0)
		return r;
	put_states(&out, m.list, m.count);
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		put_metric(&out, &metrics[i], m.samples, m.up);
	put_pressure(&out, m.samples, m.up);
	strbuf_puts(&out, "# EOF\n");
	http_answer(c->http, 200, type, out.buf, out.len);
	return 0;
}
