/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What health checks are there, when is one due, and what did they say. Read health_check.c first.
 */
#include "engine/health.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

enum {
	RETRIES_DEFAULT = 3,
	OVERDUE_MS = 5000, /* nobody has the time of the next check any more */
};
static const int64_t MS = 1000000, SECOND = 1000000000;

/* ---- what is checked ---- */

static int parse(const char *text, struct arena *a, struct docker_healthcheck *ret, struct err *e)
{
	*ret = (struct docker_healthcheck){0};
	int r = shape_parse(&docker_healthcheck_shape, text, strlen(text), ret, a, e);
	return r < 0 ? err_context(e, "the health check") : 0;
}

int health_merge(struct docker_config *own, const char *image, struct arena *a, struct err *e)
{
	struct docker_healthcheck mine, theirs;
	if (!image || !own->healthcheck) {
		if (image)
			own->healthcheck = arena_strdup(a, image);
		return 0;
	}
	int r = parse(own->healthcheck, a, &mine, e);
	if (r == 0)
		r = parse(image, a, &theirs, e);
	if (r < 0)
		return r;
	if (!mine.test.count)
		mine.test = theirs.test;
	int64_t *const to[] = {&mine.interval, &mine.timeout, &mine.start_period,
			       &mine.start_interval, &mine.retries};
	const int64_t from[] = {theirs.interval, theirs.timeout, theirs.start_period,
				theirs.start_interval, theirs.retries};
	for (size_t i = 0; i < ARRAY_LEN(to); i++)
		if (!*to[i])
			*to[i] = from[i];
	own->healthcheck = shape_print(&docker_healthcheck_shape, &mine, false, a);
	return 0;
}

static int check_values(const struct docker_healthcheck *h, struct err *e)
{
	const struct {
		const char *name;
		int64_t value;
	} times[] = {{"Interval", h->interval},
		     {"Timeout", h->timeout},
		     {"StartPeriod", h->start_period},
		     {"StartInterval", h->start_interval}};
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (times[i].value && times[i].value < MS)
			return err_set(e, EINVAL, ERR_INVALID,
				       "%s in Healthcheck cannot be less than 1ms", times[i].name);
	return h->retries < 0 ? err_set(e, EINVAL, ERR_INVALID,
					"Retries in Healthcheck cannot be negative")
			      : 0;
}

static int64_t or_else(int64_t value, int64_t fallback)
{
	return value > 0 ? value : fallback;
}

/* With docker's defaults. 1: there is one, 0: there is none. */
int health_config(const struct container *c, struct arena *a, struct docker_healthcheck *h,
		  struct err *e)
{
	if (!c->config.config.healthcheck)
		return 0;
	int r = parse(c->config.config.healthcheck, a, h, e);
	if (r == 0)
		r = check_values(h, e);
	if (r < 0)
		return r;
	h->interval = or_else(h->interval, 30 * SECOND);
	h->timeout = or_else(h->timeout, 30 * SECOND);
	h->start_interval = or_else(h->start_interval, 5 * SECOND);
	h->retries = or_else(h->retries, RETRIES_DEFAULT);
	return h->test.count > 1 &&
	       (!strcmp(h->test.items[0], "CMD") || !strcmp(h->test.items[0], "CMD-SHELL"));
}

int health_begin(struct container *c, struct arena *a, struct err *e)
{
	struct docker_healthcheck h;
	int r = health_config(c, a, &h, e);
	c->health = r > 0 ? "starting" : "";
	return r < 0 ? r : 0;
}

/* In ns. */
int64_t health_wait(const struct docker_healthcheck *h, const char *status, int64_t ran)
{
	bool starting = ran < h->start_period && !strcmp(status, "starting");
	return starting ? h->start_interval : h->interval;
}

uint32_t health_first_wait(const struct container *c)
{
	CLEANUP_ARENA struct arena a = {0};
	struct docker_healthcheck h;
	if (health_config(c, &a, &h, ERR_IGNORED) <= 0)
		return 0;
	int64_t ms = health_wait(&h, "starting", 0) / MS;
	return ms > INT32_MAX ? INT32_MAX : (uint32_t)ms;
}

/* ---- the record ---- */

int health_run_folder(const struct engine *en, const char *id)
{
	char path[sizeof("containers/") + ID_LEN];
	snprintf(path, sizeof(path), "containers/%s", id);
	int fd = openat(en->run_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool read_at(int run, const char *name, size_t offset, void *ret, size_t size)
{
	CLEANUP_FD int fd = openat(run, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && pread(fd, ret, size, (off_t)offset) == (ssize_t)size;
}

/* All zeros before the first check, and if it is damaged: it is not worth more. */
void health_record_read(int run, struct health_record *ret)
{
	if (!read_at(run, "health", 0, ret, sizeof(*ret)) || ret->head.version != WIRE_VERSION ||
	    ret->head.count > ARRAY_LEN(ret->log))
		*ret = (struct health_record){.head.version = WIRE_VERSION};
}

struct json_object *health_object(struct engine *en, const struct container *c)
{
	static struct health_record h; /* large */
	struct json_object *o = json_object_new_object(), *log = json_object_new_array();
	CLEANUP_FD int run = c->pid ? health_run_folder(en, c->id) : -1;
	health_record_read(run, &h);
	for (size_t i = 0; i < h.head.count; i++) {
		const struct health_result *x = &h.log[i];
		struct json_object *one = json_object_new_object();
		json_add_time(one, "Start", x->start_ns);
		json_add_time(one, "End", x->end_ns);
		json_add_int(one, "ExitCode", x->exit_code);
		json_add_string(one, "Output", x->output);
		json_object_array_add(log, one);
	}
	json_add_string(o, "Status", c->health);
	json_add_int(o, "FailingStreak", h.head.streak);
	json_object_object_add(o, "Log", log);
	return o;
}

/* What the keeper has been told: `ps` asks this of each container, and has no config of it. 0: when
 * cannot be said. */
static int64_t first_due(int run, const struct container *c)
{
	uint32_t wait = 0;
	bool known = read_at(run, "monitor", offsetof(struct monitor_config, health_ms), &wait,
			     sizeof(wait));
	return known ? clock_ms() - (clock_real_ns() - c->started) / MS + wait : 0;
}

void health_check(struct engine *en, const struct container *c)
{
	struct health_head h;
	if (!c->pid || !*c->health || c->status != CONTAINER_RUNNING || en->checks_health)
		return;
	CLEANUP_FD int run = health_run_folder(en, c->id);
	if (run < 0)
		return;
	bool known = read_at(run, "health", 0, &h, sizeof(h)) && h.version == WIRE_VERSION;
	int64_t due = known ? h.due_ms : first_due(run, c);
	if (due && clock_ms() > due + OVERDUE_MS)
		engine_spawn(en, "health", c->id, true);
}
