/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull logs: what a container has written, from its log files; with -f until it ends. Before
 * reading, the monitor is asked to bring the log up to date, so that what was written before the
 * command is in it. Read engine/logs.h first.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/time_option.h"
#include "engine/logs.h"
#include "engine/monitor.h"

struct logs_values {
	bool details, follow, timestamps;
	char *since, *until, *tail;
};
enum { SYNC_SECONDS = 1, LOOK_AGAIN_MS = 100 };

static int not_readable(const struct container *c, enum log_driver driver, struct err *e)
{
	err_set(e, ENOTSUP, ERR_CONFLICT, "configured logging driver does not support reading");
	if (driver == LOG_JOURNALD)
		err_hint(e, "the journal has it: journalctl CONTAINER_NAME=%s", c->name);
	return -ENOTSUP;
}

static int parse_driver(const struct container *c, enum log_driver *ret, struct err *e)
{
	const char *name = c->config.host.log_config.type;
	static const char *const names[] = {[LOG_JSON_FILE] = "json-file",
					    [LOG_LOCAL] = "local",
					    [LOG_JOURNALD] = "journald",
					    [LOG_NONE] = "none"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (name && !strcmp(names[i], name)) {
			*ret = (enum log_driver)i;
			return i == LOG_JSON_FILE || i == LOG_LOCAL ? 0 : not_readable(c, i, e);
		}
	return err_set(e, EINVAL, ERR_INTERNAL, "unknown log driver: %s", name ? name : "");
}

static int parse_query(const struct logs_values *v, struct logs_query *q, struct err *e)
{
	int64_t now = clock_real_ns();
	uint64_t lines;
	int r = 0;
	/* docker takes anything that is no number for "all". */
	q->tail = uint_parse(v->tail, INT64_MAX, &lines) == 0 ? (int64_t)lines : -1;
	q->follow = v->follow;
	if (v->since && *v->since)
		r = time_option_parse(v->since, now, &q->since, e);
	if (r < 0)
		return err_context(e, "invalid value for \"since\"");
	if (v->until && *v->until)
		r = time_option_parse(v->until, now, &q->until, e);
	return r < 0 ? err_context(e, "invalid value for \"until\"") : 0;
}

struct printer {
	const struct logs_values *v;
	FILE *last; /* what is in its buffer must go out before the other one is written */
	struct engine *en;
	const char *id;
	int end; /* tells the end of the container as it runs now, or -1 */
};

/* "2026-11-22T02:46:52.100000000Z ": always nine digits, so that lines align and sort. */
static void put_time(FILE *out, int64_t ns)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;
	char text[32];
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(out, "%s.%09lldZ ", text, (long long)(ns % 1000000000));
}

/* "key=value,key2=value2 " from the record's JSON object. */
static void put_details(FILE *out, const struct logs_record *r)
{
	struct err ignored;
	CLEANUP_JSON struct json_object *o = NULL;
	bool first = true;
	if (r->attrs_len && json_parse(r->attrs, r->attrs_len, &o, &ignored) == 0 &&
	    json_object_is_type(o, json_type_object)) {
		json_object_object_foreach(o, key, value)
		{
			fprintf(out, "%s%s=%s", first ? "" : ",", key,
				json_object_get_string(value));
			first = false;
		}
	}
	fputc(' ', out);
}

static int print_record(const struct logs_record *r, void *ctx)
{
	struct printer *p = ctx;
	FILE *out = r->stream == 2 ? stderr : stdout;
	if (p->last && p->last != out)
		fflush(p->last);
	p->last = out;
	if (r->begins_line && p->v->timestamps)
		put_time(out, r->time_ns);
	if (r->begins_line && p->v->details)
		put_details(out, r);
	fwrite(r->bytes, 1, r->len, out);
	/* Who follows reads along; else only a full buffer is written. */
	if (p->v->follow && fflush(out) != 0)
		return -errno;
	return ferror(out) ? -EIO : 0;
}

static void print_missed(uint64_t files, void *ctx)
{
	(void)ctx;
	fflush(stdout);
	cli_notice(
		"hull logs: %llu log file%s rotated away before %s read: lines are missing here; "
		"--log-opt max-size and max-file make room",
		(unsigned long long)files, files == 1 ? " was" : "s were",
		files == 1 ? "it was" : "they were");
	fflush(stderr);
}

/* A client that does not read can hold this up: then the log is as complete as it is. */
static void bring_up_to_date(struct engine *en, const struct container *c)
{
	struct err ignored;
	const struct timeval limit = {.tv_sec = SYNC_SECONDS};
	CLEANUP_FD int conn = monitor_connect(en->run_fd, c->id);
	if (conn < 0)
		return;
	setsockopt(conn, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	monitor_log_sync(conn, &ignored);
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
	struct printer *p = ctx;
	fd_drop(&p->end);
	for (;;) {
		CLEANUP_ARENA struct arena a = {0};
		struct container c;
		struct err ignored;
		if (container_find(p->en, p->id, &a, &c, &ignored) < 0)
			return -1;
		if (c.status != CONTAINER_RESTARTING)
			return p->end = watch_end(p->en, &c);
		poll(NULL, 0, LOOK_AGAIN_MS);
	}
}

static int read_log(struct engine *en, const struct container *c, const struct logs_values *v,
		    struct logs_query *q, struct arena *a, struct err *e)
{
	struct printer p = {.v = v, .en = en, .id = c->id, .end = -1};
	struct logs_result result = {0};
	CLEANUP_FD int dir = dir_open(en->root_fd, arena_printf(a, "containers/%s", c->id), e);
	if (dir < 0)
		return dir;
	if (q->follow)
		p.end = c->status == CONTAINER_RESTARTING ? await_next(&p) : watch_end(en, c);
	if (!q->follow && c->pid)
		bring_up_to_date(en, c);
	q->id = c->id;
	q->end_fd = p.end;
	q->ended = await_next;
	q->missed = print_missed;
	q->follow = p.end >= 0; /* one that has ended writes nothing more */
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	setvbuf(stderr, NULL, _IOFBF, BUFSIZ);
	int r = logs_read(dir, q, print_record, &p, &result, e);
	fd_drop(&p.end);
	fflush(stdout);
	fflush(stderr);
	if (result.compressed)
		cli_notice("%u older log files are compressed and were not read",
			   result.compressed);
	fflush(stderr);
	return r;
}

static int logs_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct logs_values *v = values;
	struct engine *en = &cli->engine;
	struct container *c = arena_new(&cli->arena, struct container);
	struct logs_query q = {0};
	int r = parse_query(v, &q, e);
	if (r == 0)
		r = container_find(en, args->items[0], &cli->arena, c, e);
	if (r == 0)
		r = parse_driver(c, &q.driver, e);
	return r < 0 ? r : read_log(en, c, v, &q, &cli->arena, e);
}

#define O(member) .offset = offsetof(struct logs_values, member)
static const struct option options[] = {
	{"details", 0, OPTION_BOOL, O(details), .help = "Show extra details provided to logs"},
	{"follow", 'f', OPTION_BOOL, O(follow), .help = "Follow log output"},
	{"since", 0, OPTION_STR, O(since),
	 .help = "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. "
		 "\"42m\" "
		 "for 42 minutes)"},
	{"tail", 'n', OPTION_STR, O(tail), .initial = "all",
	 .help = "Number of lines to show from the end of the logs"},
	{"timestamps", 't', OPTION_BOOL, O(timestamps), .help = "Show timestamps"},
	{"until", 0, OPTION_STR, O(until),
	 .help = "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. "
		 "\"42m\" for 42 minutes)"},
};

const struct command command_logs = {
	.names = NAMES("logs", "container logs"),
	.synopsis = "[OPTIONS] CONTAINER",
	.summary = "Fetch the logs of a container",
	.options = OPTIONS(options),
	.values_size = sizeof(struct logs_values),
	.args_min = 1,
	.args_max = 1,
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = logs_run,
};
