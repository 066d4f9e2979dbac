/* SPDX-License-Identifier: Apache-2.0 */
/* What goes on: /events and /containers/ID/stats. Read api.h first. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/handlers.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/time_option.h"
#include "engine/events.h"
#include "engine/stats.h"

/* ---- events ---- */

static int tell(struct json_object *event, void *ctx, struct err *e)
{
	if (event)
		stream_json(ctx, json_object_get(event));
	return 0;
}

int system_events(struct call *c, struct err *e)
{
	struct event_query q = {.client = c->http->fd};
	struct strv filters = {0};
	const char *since = param(c, "since"), *until = param(c, "until");
	int64_t now = clock_real_ns();
	int r = param_filters(c, &filters, e);
	for (size_t i = 0; r == 0 && i < filters.count; i++)
		r = event_filter_add(c->a, &q, filters.items[i], e);
	if (r == 0 && since)
		r = time_option_parse(since, now, &q.since, e);
	if (r == 0 && until)
		r = time_option_parse(until, now, &q.until, e);
	if (r < 0)
		return r;
	http_begin(c->http, 200, "application/json", "");
	http_end_with_client(c->http);
	r = engine_events(c->en, &q, tell, c, e);
	if (r >= 0)
		http_end(c->http);
	return r;
}

/* ---- stats ---- */

static struct json_object *cpu_object(const struct container_stats *s, int64_t system)
{
	struct json_object *o = json_object_new_object(), *usage = json_object_new_object();
	struct json_object *throttled = json_object_new_object();
	json_add_int(usage, "total_usage", s->cpu_ns);
	json_add_int(usage, "usage_in_kernelmode", s->cpu_kernel_ns);
	json_add_int(usage, "usage_in_usermode", s->cpu_user_ns);
	json_object_object_add(o, "cpu_usage", usage);
	if (s->runs) {
		json_add_int(o, "system_cpu_usage", system);
		json_add_int(o, "online_cpus", sysconf(_SC_NPROCESSORS_ONLN));
	}
	json_add_int(throttled, "periods", 0);
	json_add_int(throttled, "throttled_periods", 0);
	json_add_int(throttled, "throttled_time", s->throttled_ns);
	json_object_object_add(o, "throttling_data", throttled);
	return o;
}

/* docker's clients take inactive_file off the usage: ours is without it already. */
static struct json_object *memory_object(const struct container_stats *s)
{
	struct json_object *o = json_object_new_object(), *stats = json_object_new_object();
	if (!s->runs)
		return o;
	json_add_int(o, "usage", s->memory);
	json_add_int(o, "limit", s->memory_limit);
	json_add_int(stats, "inactive_file", 0);
	json_add_int(stats, "anon", s->memory_anon);
	json_add_int(stats, "file", s->memory_file);
	json_add_int(stats, "kernel", s->memory_kernel);
	json_object_object_add(o, "stats", stats);
	return o;
}

static void add_io(struct json_object *list, const char *op, int64_t value)
{
	struct json_object *o = json_object_new_object();
	json_add_int(o, "major", 0);
	json_add_int(o, "minor", 0);
	json_add_string(o, "op", op);
	json_add_int(o, "value", value);
	json_object_array_add(list, o);
}

static struct json_object *io_object(const struct container_stats *s)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	add_io(list, "read", s->io_read);
	add_io(list, "write", s->io_written);
	json_object_object_add(o, "io_service_bytes_recursive", list);
	return o;
}

static struct json_object *networks_object(const struct container_stats *s)
{
	struct json_object *o = json_object_new_object(), *all = json_object_new_object();
	json_add_int(all, "rx_bytes", s->net_in);
	json_add_int(all, "tx_bytes", s->net_out);
	json_object_object_add(o, "eth0", all);
	return o;
}

struct reading {
	struct container_stats stats;
	int64_t real, system; /* ns since 1970; ns of all processors */
};

static void take(struct container_stats_place *place, pid_t pid, struct reading *ret)
{
	struct timespec up;
	container_stats_read(place, pid, &ret->stats);
	ret->real = clock_real_ns();
	/* What the machine could have done since its boot, as docker counts it. */
	clock_gettime(CLOCK_MONOTONIC, &up);
	ret->system =
		(up.tv_sec * INT64_C(1000000000) + up.tv_nsec) * sysconf(_SC_NPROCESSORS_ONLN);
}

static struct json_object *stats_object(const struct container *c, const struct reading *before,
					const struct reading *now, struct arena *a)
{
	struct json_object *o = json_object_new_object(), *pids = json_object_new_object();
	const struct container_stats *s = &now->stats;
	json_add_string(o, "name", arena_printf(a, "/%s", c->name));
	json_add_string(o, "id", c->id);
	json_add_time(o, "read", now->real);
	json_add_time(o, "preread", before->real);
	if (s->runs)
		json_add_int(pids, "current", s->pids);
	json_object_object_add(o, "pids_stats", pids);
	json_object_object_add(o, "blkio_stats", io_object(s));
	json_add_int(o, "num_procs", 0);
	json_object_object_add(o, "storage_stats", json_object_new_object());
	json_object_object_add(o, "cpu_stats", cpu_object(s, now->system));
	json_object_object_add(o, "precpu_stats", cpu_object(&before->stats, before->system));
	json_object_object_add(o, "memory_stats", memory_object(s));
	if (s->runs)
		json_object_object_add(o, "networks", networks_object(s));
	return o;
}

int container_show_stats(struct call *c, struct err *e)
{
	struct container *found = arena_new(c->a, struct container);
	struct container_stats_place place;
	struct reading before = {0}, now;
	bool stream = param_true(c, "stream", true), once = param_true(c, "one-shot", false);
	int r = container_find(c->en, c->arg, c->a, found, e);
	if (r < 0)
		return r;
	container_stats_place(found, &place);
	http_begin(c->http, 200, "application/json", "");
	http_end_with_client(c->http);
	if (!stream && !once) { /* a rate needs two */
		take(&place, found->pid, &before);
		poll(NULL, 0, 1000);
	}
	/* It may be gone, or started again, the next time. */
	for (bool more = true; more; more = stream && poll(NULL, 0, 1000) == 0) {
		CLEANUP_ARENA struct arena a = {0};
		struct container is;
		if (container_find(c->en, found->id, &a, &is, e) < 0)
			break;
		take(&place, is.pid, &now);
		stream_json(c, stats_object(&is, &before, &now, &a));
		before = now;
	}
	container_stats_place_close(&place);
	http_end(c->http);
	return 0;
}
