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

static bool has(struct json_object *event, const char *key, const char *value)
{
	return !strcmp(json_object_get_string(json_object_object_get(event, key)), value);
}

static int tell(struct json_object *event, void *ctx, struct err *e)
{
	const struct call *c = ctx;
	/* An image's "create" came with 1.46. */
	if (event &&
	    (c->minor >= 46 || !has(event, "Type", "image") || !has(event, "Action", "create")))
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

struct reading {
	struct container_stats stats;
	struct container_stats_whole whole;
	int64_t real, system; /* ns since 1970; ns of all processors */
};

/* docker's figures are the files of the control group: with version 1 there are more of them. */
static struct json_object *cpu_object(const struct reading *r)
{
	struct json_object *o = json_object_new_object(), *usage = json_object_new_object();
	struct json_object *throttled = json_object_new_object(), *list;
	const struct cgroup_stats *g = &r->whole.group;
	json_add_int(usage, "total_usage", g->cpu.total);
	json_add_int(usage, "usage_in_kernelmode", g->cpu.kernel);
	json_add_int(usage, "usage_in_usermode", g->cpu.user);
	if (g->cpu.percpu.count) {
		const int64_t *each = g->cpu.percpu.items;
		json_object_object_add(usage, "percpu_usage", list = json_object_new_array());
		for (size_t i = 0; i < g->cpu.percpu.count; i++)
			json_object_array_add(list, json_object_new_int64(each[i]));
	}
	json_object_object_add(o, "cpu_usage", usage);
	if (r->stats.runs) {
		json_add_int(o, "system_cpu_usage", r->system);
		json_add_int(o, "online_cpus", sysconf(_SC_NPROCESSORS_ONLN));
	}
	json_add_int(throttled, "periods", g->cpu.periods);
	json_add_int(throttled, "throttled_periods", g->cpu.throttled_periods);
	json_add_int(throttled, "throttled_time", g->cpu.throttled_time);
	json_object_object_add(o, "throttling_data", throttled);
	return o;
}

/* Clients take total_inactive_file (version 1) or inactive_file off the usage. */
static struct json_object *memory_object(const struct reading *r)
{
	struct json_object *o = json_object_new_object(), *stats = json_object_new_object();
	const struct cgroup_usage *usage = &r->whole.group.memory.usage;
	const struct kvs *raw = &r->whole.group.memory.raw;
	if (!r->stats.runs)
		return o;
	json_add_int(o, "usage", usage->usage);
	if (usage->max)
		json_add_int(o, "max_usage", usage->max);
	if (usage->failcnt)
		json_add_int(o, "failcnt", usage->failcnt);
	json_add_int(o, "limit", r->stats.memory_limit);
	for (size_t i = 0; i < raw->count; i++)
		json_object_object_add(
			stats, raw->items[i].key,
			json_object_new_int64(strtoll(raw->items[i].value, NULL, 10)));
	json_object_object_add(o, "stats", stats);
	return o;
}

static struct json_object *io_list(const struct array *list)
{
	struct json_object *to = json_object_new_array();
	const struct cgroup_io_entry *entries = list->items;
	for (size_t i = 0; i < list->count; i++) {
		struct json_object *o = json_object_new_object();
		json_add_int(o, "major", entries[i].major);
		json_add_int(o, "minor", entries[i].minor);
		json_add_string(o, "op", entries[i].op);
		json_add_int(o, "value", entries[i].value);
		json_object_array_add(to, o);
	}
	return to;
}

/* The rest was of a scheduler that the kernel has no more. */
static struct json_object *io_object(const struct cgroup_stats *g)
{
	static const char *const gone[] = {"io_queue_recursive",     "io_service_time_recursive",
					   "io_wait_time_recursive", "io_merged_recursive",
					   "io_time_recursive",      "sectors_recursive"};
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "io_service_bytes_recursive", io_list(&g->io_bytes));
	json_object_object_add(o, "io_serviced_recursive", io_list(&g->io_operations));
	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		json_object_object_add(o, gone[i], NULL);
	return o;
}

static struct json_object *networks_object(const struct container_stats_whole *w)
{
	static const char *const names[] = {"bytes", "packets", "errors", "dropped"};
	struct json_object *o = json_object_new_object();
	for (size_t i = 0; i < w->interface_count; i++) {
		const struct container_interface *n = &w->interfaces[i];
		struct json_object *one = json_object_new_object();
		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			char key[16];
			snprintf(key, sizeof(key), "rx_%s", names[k]);
			json_object_object_add(one, key, json_object_new_int64(n->in[k]));
			snprintf(key, sizeof(key), "tx_%s", names[k]);
			json_object_object_add(one, key, json_object_new_int64(n->out[k]));
		}
		json_object_object_add(o, n->name, one);
	}
	return o;
}

static void take(struct container_stats_place *place, pid_t pid, struct arena *a,
		 struct reading *ret)
{
	struct timespec up;
	container_stats_read_whole(place, pid, a, &ret->stats, &ret->whole);
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
	if (s->runs && s->pids_limit)
		json_add_int(pids, "limit", s->pids_limit);
	json_object_object_add(o, "pids_stats", pids);
	json_object_object_add(o, "blkio_stats", io_object(&now->whole.group));
	json_add_int(o, "num_procs", 0); /* Windows' */
	json_object_object_add(o, "storage_stats", json_object_new_object());
	json_object_object_add(o, "cpu_stats", cpu_object(now));
	json_object_object_add(o, "precpu_stats", cpu_object(before));
	json_object_object_add(o, "memory_stats", memory_object(now));
	if (now->whole.interface_count)
		json_object_object_add(o, "networks", networks_object(&now->whole));
	return o;
}

int container_show_stats(struct call *c, struct err *e)
{
	struct container *found = arena_new(c->a, struct container);
	struct container_stats_place place;
	CLEANUP_ARENA struct arena first = {0}, second = {0};
	struct arena *kept = &first, *other = &second; /* the last reading's, and the next one's */
	struct reading before = {0}, now;
	bool stream = param_true(c, "stream", true), once = param_true(c, "one-shot", false);
	int r = container_find(c->en, c->arg, c->a, found, e);
	if (r < 0)
		return r;
	container_stats_place(found, &place);
	http_begin(c->http, 200, "application/json", "");
	http_end_with_client(c->http);
	if (!stream && !once) { /* a rate needs two */
		take(&place, found->pid, kept, &before);
		poll(NULL, 0, 1000);
	}
	/* It may be gone, or started again, the next time. */
	for (bool more = true; more; more = stream && poll(NULL, 0, 1000) == 0) {
		CLEANUP_ARENA struct arena a = {0};
		struct container is;
		if (container_find(c->en, found->id, &a, &is, e) < 0)
			break;
		arena_free(other);
		take(&place, is.pid, other, &now);
		stream_json(c, stats_object(&is, &before, &now, &a));
		before = now;
		struct arena *freed = kept;
		kept = other;
		other = freed;
	}
	container_stats_place_close(&place);
	http_end(c->http);
	return 0;
}
