/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of the store, and those to come. Each commit writes to the store's log, which
 * inotify(7) tells; it can be read only a moment later, when the writer has gone on to its index.
 * So who was told waits for the writers' lock, which is held until then, before it looks: nothing
 * is polled and nothing is missed. Read base/event.h first.
 */
#include "engine/events.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "engine/internal.h"

/* ---- filters: docker's rules (moby, daemon/events/filter.go) ---- */

static const char *const keys[] = {"config", "container", "daemon", "event",  "image",
				   "label",  "network",   "node",   "plugin", "scope",
				   "secret", "service",   "type",   "volume"};

int event_filter_add(struct arena *a, struct event_query *q, const char *filter, struct err *e)
{
	size_t len = strcspn(filter, "=");
	for (size_t i = 0; filter[len] && i < ARRAY_LEN(keys); i++) {
		if (strlen(keys[i]) != len || strncmp(keys[i], filter, len))
			continue;
		/* Keys repeat, so each gets a number. */
		kvs_set(a, &q->filters, arena_printf(a, "%s#%zu", keys[i], q->filters.count),
			filter + len + 1);
		return 0;
	}
	err_set(e, EINVAL, ERR_INVALID, "invalid filter '%s'", filter);
	return err_hint(
		e, "known filters: config container daemon event image label network node plugin "
		   "scope secret service type volume");
}

struct event {
	int64_t seq, time;
	const char *type, *action, *actor, *name, *image;
	struct kvs attributes;
};

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* "name:tag" is @want, or name alone is. */
static bool image_is(const char *name, const char *want)
{
	const char *slash = strrchr(name, '/'), *colon = strchr(slash ? slash : name, ':');
	return !strcmp(name, want) || (colon && (size_t)(colon - name) == strlen(want) &&
				       !strncmp(name, want, strlen(want)));
}

/* Of these the part behind the colon need not be given. */
static bool action_is(const char *action, const char *want)
{
	static const char *const open[] = {"health_status", "exec_create", "exec_start"};
	for (size_t i = 0; i < ARRAY_LEN(open); i++)
		if (begins(want, open[i]))
			return begins(action, want);
	return !strcmp(action, want);
}

static bool matches(const void *item, const char *key, const char *want)
{
	const struct event *v = item;
	if (!strcmp(key, "type"))
		return !strcmp(v->type, want);
	if (!strcmp(key, "event"))
		return action_is(v->action, want);
	if (!strcmp(key, "label"))
		return kvs_holds(&v->attributes, want);
	if (!strcmp(key, "scope"))
		return !strcmp(want, "local");
	if (!strcmp(key, "image"))
		return image_is(v->actor, want) ||
		       image_is(!strcmp(v->type, "image") ? v->name : v->image, want);
	if (!strcmp(key, "container") || !strcmp(key, "volume") || !strcmp(key, "network") ||
	    !strcmp(key, "secret"))
		return begins(v->actor, want) || begins(v->name, want);
	return false; /* hull has no nodes, services, plugins ... */
}

/* ---- docker's object ---- */

static struct json_object *object(const struct event *v)
{
	struct json_object *o = json_object_new_object(), *actor = json_object_new_object();
	bool container = !strcmp(v->type, "container");
	if (container || !strcmp(v->type, "image")) {
		json_add_string(o, "status", v->action);
		json_add_string(o, "id", v->actor);
	}
	if (container && *v->image)
		json_add_string(o, "from", v->image);
	json_add_string(o, "Type", v->type);
	json_add_string(o, "Action", v->action);
	json_add_string(actor, "ID", v->actor);
	json_object_object_add(actor, "Attributes", json_of_kvs(&v->attributes));
	json_object_object_add(o, "Actor", actor);
	json_add_string(o, "scope", "local");
	json_add_int(o, "time", v->time / 1000000000);
	json_add_int(o, "timeNano", v->time);
	return o;
}

static const char *attribute(const struct event *v, const char *key)
{
	const char *value = kvs_get(&v->attributes, key);
	return value ? value : "";
}

static int read_row(sqlite3_stmt *s, struct arena *a, struct event *v, struct err *e)
{
	*v = (struct event){.seq = db_int(s, 0),
			    .time = db_int(s, 1),
			    .type = arena_strdup(a, db_text(s, 2)),
			    .action = arena_strdup(a, db_text(s, 3)),
			    .actor = arena_strdup(a, db_text(s, 4))};
	int r = kvs_parse(db_text(s, 5), &v->attributes, a, e);
	kvs_sort(&v->attributes);
	v->name = attribute(v, "name");
	v->image = attribute(v, "image");
	return r;
}

static int offer(const struct event *v, const struct event_query *q, event_fn tell, void *ctx,
		 struct err *e)
{
	if (!filters_match(&q->filters, matches, v))
		return 0;
	CLEANUP_JSON struct json_object *o = object(v);
	return tell(o, ctx, e);
}

/* Those behind @last, which becomes the newest seen. Each by a query of its own: who listens may be
 * slow, and while a query is open the store's log cannot be emptied. */
static int read_events(struct engine *en, const struct event_query *q, int64_t since, int64_t *last,
		       event_fn tell, void *ctx, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_query(
		&en->db, &s, e,
		"SELECT seq, time, type, action, actor, attributes FROM event WHERE seq > "
		"?1 AND time >= ?2 AND time <= ?3 AND actor = coalesce(?4, actor) ORDER BY "
		"seq LIMIT 1",
		"iiis", *last, since, q->until ? q->until : INT64_MAX, q->actor);
	while (r >= 0 && (r = db_next(s, e)) == 1) {
		CLEANUP_ARENA struct arena a = {0};
		struct event v;
		r = read_row(s, &a, &v, e);
		sqlite3_reset(s);
		if (r < 0)
			break;
		*last = v.seq;
		sqlite3_bind_int64(s, 1, v.seq);
		const char *start = v.action;
		if (begins(start, "exec_start")) {
			v.action = arena_printf(&a, "exec_create%s", start + strlen("exec_start"));
			r = offer(&v, q, tell, ctx, e);
			v.action = start;
		}
		if (r != 0 || (r = offer(&v, q, tell, ctx, e)) != 0)
			return r;
	}
	return r < 0 ? r : tell(NULL, ctx, e);
}

int container_history(struct engine *en, struct container *c, const struct event_query *q,
		      struct arena *a, event_fn tell, void *ctx, struct err *e)
{
	char id[ID_LEN + 1];
	int64_t last = 0;
	int r = db_view_begin(&en->db, e);
	if (r < 0)
		return r;
	if (c) {
		memcpy(id, c->id, sizeof(id));
		r = container_read(en, id, a, c, e);
	}
	if (r == 0)
		r = read_events(en, q, q->since, &last, tell, ctx, e);
	db_view_end(&en->db);
	return r == 0 && c ? container_probe(en, c, e) : r;
}

int engine_last_ends(struct engine *en, int64_t max, event_fn tell, void *ctx, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_query(&en->db, &s, e,
			 "SELECT max(seq), time, type, action, actor, attributes FROM event WHERE "
			 "type = 'container' AND action = 'die' GROUP BY actor ORDER BY 1 DESC "
			 "LIMIT ?1",
			 "i", max);
	while (r >= 0 && (r = db_next(s, e)) == 1) {
		CLEANUP_ARENA struct arena a = {0};
		struct event v;
		r = read_row(s, &a, &v, e);
		if (r < 0)
			break;
		CLEANUP_JSON struct json_object *o = object(&v);
		if ((r = tell(o, ctx, e)) != 0)
			break;
	}
	return r;
}

/* ---- what comes ---- */

int engine_watch(struct engine *en, struct err *e)
{
	const char *log = sqlite3_filename_wal(sqlite3_db_filename(en->db.sql, "main"));
	CLEANUP_FD int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0 || inotify_add_watch(fd, log, IN_MODIFY) < 0)
		return err_errno(e, errno, "cannot watch %s", log);
	return fd_steal(&fd);
}

bool engine_changed(struct engine *en, int watch)
{
	char notes[4096];
	bool any = false;
	while (read(watch, notes, sizeof(notes)) > 0)
		any = true;
	if (any && TEMP_FAILURE_RETRY(flock(en->db.lock_fd, LOCK_SH)) == 0)
		flock(en->db.lock_fd, LOCK_UN);
	return any;
}

/* 1: there may be more; 0: it is time to end. */
static int await(struct engine *en, int watch, const struct event_query *q, struct err *e)
{
	struct pollfd fds[] = {{watch, POLLIN, 0}, {q->client, 0, 0}};
	int64_t left = q->until ? (q->until - clock_real_ns()) / 1000000 + 1 : -1;
	if (q->until && left <= 0)
		return 0;
	int r = poll(fds, ARRAY_LEN(fds), left > INT_MAX ? INT_MAX : (int)left);
	if (r < 0 && errno != EINTR)
		return err_errno(e, errno, "cannot wait for events");
	if (r > 0 && fds[1].revents)
		return 0;
	engine_changed(en, watch);
	return 1;
}

static int newest(struct engine *en, int64_t *ret, struct err *e)
{
	CLEANUP_STMT sqlite3_stmt *s = NULL;
	int r = db_first(&en->db, &s, e, "SELECT coalesce(max(seq), 0) FROM event", "");
	*ret = r == 1 ? db_int(s, 0) : 0;
	return r;
}

/* Starts whose command was killed before it told them. Whoever is starting one has it locked. */
static int tell_starts(struct engine *en, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct strv ids = {0};
	int r = db_list(&en->db, &a, &ids, e,
			"SELECT id FROM container WHERE status = 'running' AND NOT told & ?1", "i",
			(int64_t)TOLD_START);
	for (size_t i = 0; r >= 0 && i < ids.count; i++) {
		CLEANUP_LOCK struct container_lock lock = {-1};
		const char *id = ids.items[i];
		if (container_lock(en, id, false, &lock, e) < 0)
			continue;
		if ((r = db_begin(&en->db, false, e)) < 0)
			break;
		r = db_run(&en->db, e,
			   "UPDATE container SET told = told | ?2 WHERE id = ?1 AND status = "
			   "'running' AND NOT told & ?2",
			   "si", id, (int64_t)TOLD_START);
		if (r > 0)
			r = event_container(&en->db, e, id, "start", "restartCount", NULL, NULL);
		r = db_end(&en->db, r, e);
	}
	return r < 0 ? r : 0;
}

int engine_events(struct engine *en, const struct event_query *q, event_fn tell, void *ctx,
		  struct err *e)
{
	int64_t last = 0, before = 0, since = q->since;
	/* What has ended behind our back is an event, too. */
	int r = engine_reap(en, NULL, e);
	struct err later; /* on a full disk, whoever comes next */
	if (r == 0)
		tell_starts(en, &later);
	CLEANUP_FD int watch = r < 0 ? r : engine_watch(en, e);
	if (watch >= 0)
		r = newest(en, &before, e);
	if (!since && !q->until)
		last = before;
	for (bool more = watch >= 0 && r >= 0; more;) {
		r = read_events(en, q, since, &last, tell, ctx, e);
		if (r != 0)
			return r;
		/* From now on by their order alone: the clock may be set back. */
		since = 0;
		last = last > before ? last : before;
		r = await(en, watch, q, e);
		more = r == 1;
	}
	if (watch < 0)
		return watch;
	return r < 0 || !q->until ? r : read_events(en, q, 0, &last, tell, ctx, e);
}
