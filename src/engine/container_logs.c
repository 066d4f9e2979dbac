/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a container and its log: before reading, the monitor is asked to bring the log up to
 * date, so that what was written before is in it; following ends when the container has, unless its
 * restart policy starts it again. Read container_logs.h first.
 */
#include "engine/container_logs.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/monitor.h"
#include "engine/run_folder.h"

enum { SYNC_SECONDS = 1, LOOK_AGAIN_MS = 100 };

/* What logs_read() hands to its callbacks. */
struct follower {
	struct engine *en;
	const char *id;
	int end; /* tells the end of the container as it runs now, or -1 */
	const struct logs_query *asked;
	logs_fn fn;
	void *ctx;
};

static int not_readable(const struct container *c, enum log_driver driver, struct err *e)
{
	err_set(e, ENOTSUP, ERR_CONFLICT, "configured logging driver does not support reading");
	if (driver == LOG_JOURNALD)
		err_hint(e, "the journal has it: journalctl CONTAINER_NAME=%s", c->name);
	return -ENOTSUP;
}

static int parse_driver(const struct container *c, enum log_driver *ret, struct err *e)
{
	int i = log_driver_find(c->config.host.log_config.type ?: "", e);
	if (i < 0)
		return i;
	*ret = (enum log_driver)i;
	return i == LOG_JSON_FILE || i == LOG_LOCAL ? 0 : not_readable(c, *ret, e);
}

int container_logs_readable(const struct container *c, struct err *e)
{
	enum log_driver driver;
	return parse_driver(c, &driver, e);
}

/* "2026-11-22T02:46:52.100000000Z ": always nine digits, so that lines align and sort. */
static void put_time(struct strbuf *out, int64_t ns)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;
	char text[32];
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	strbuf_printf(out, "%s.%09lldZ ", text, (long long)(ns % 1000000000));
}

/* "key=value,key2=value2 " from the record's JSON object. */
static void put_details(struct strbuf *out, const struct logs_record *r)
{
	CLEANUP_JSON struct json_object *o = NULL;
	bool first = true;
	if (r->attrs_len && json_parse(r->attrs, r->attrs_len, &o, ERR_IGNORED) == 0 &&
	    json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, key, value)
		{
			strbuf_printf(out, "%s%s=%s", first ? "" : ",", key,
				      json_object_get_string(value));
			first = false;
		}
	}
	strbuf_putc(out, ' ');
}

void logs_record_prefix(const struct logs_record *r, bool timestamps, bool details,
			struct strbuf *out)
{
	if (r->begins_line && timestamps)
		put_time(out, r->time_ns);
	if (r->begins_line && details)
		put_details(out, r);
}

/* A client that does not read can hold this up: then the log is as complete as it is. */
static void bring_up_to_date(struct engine *en, const struct container *c)
{
	CLEANUP_FD int conn = monitor_connect(en->run_fd, c->id);
	if (conn < 0)
		return;
	monitor_patience(conn, SYNC_SECONDS);
	monitor_log_sync(conn, ERR_IGNORED);
}

/* A descriptor that tells the end of a running container; -1 if it does not run. */
static int watch_end(struct engine *en, const struct container *c)
{
	struct err ignored;
	CLEANUP_FD int conn = c->pid ? container_monitor(en, c, &ignored) : -1;
	if (conn >= 0 && monitor_wait_begin(conn, 0, &ignored) < 0)
		return -1;
	return fd_steal(&conn);
}

/* It has ended, or its monitor was killed; its restart policy may start it again. */
static int await_next(void *ctx)
{
	struct follower *f = ctx;
	fd_drop(&f->end);
	for (;;) {
		CLEANUP_ARENA struct arena a = {0};
		struct container c;
		if (container_find(f->en, f->id, &a, &c, ERR_IGNORED) < 0)
			return -1;
		if (c.status != CONTAINER_RESTARTING)
			return f->end = watch_end(f->en, &c);
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
}

static int pass_record(const struct logs_record *r, void *ctx)
{
	const struct follower *f = ctx;
	return f->fn(r, f->ctx);
}

static void pass_missed(uint64_t files, void *ctx)
{
	const struct follower *f = ctx;
	if (f->asked->missed)
		f->asked->missed(files, f->ctx);
}

int container_logs(struct engine *en, const struct container *c, const struct logs_query *asked,
		   logs_fn fn, void *ctx, struct logs_result *ret, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct follower f = {en, c->id, -1, asked, fn, ctx};
	struct logs_query q = *asked;
	int r = parse_driver(c, &q.driver, e);
	if (r < 0)
		return r;
	CLEANUP_FD int dir = dir_open(en->root_fd, arena_printf(&a, "containers/%s", c->id), e);
	if (dir < 0)
		return dir;
	if (q.follow)
		f.end = c->status == CONTAINER_RESTARTING ? await_next(&f) : watch_end(en, c);
	if (!q.follow && c->pid)
		bring_up_to_date(en, c);
	q.id = c->id;
	q.libexec = en->libexec;
	q.end_fd = f.end;
	q.ended = await_next;
	q.missed = pass_missed;
	q.follow = f.end >= 0; /* one that has ended writes nothing more */
	r = logs_read(dir, &q, pass_record, &f, ret, e);
	fd_drop(&f.end);
	return r;
}
