/* SPDX-License-Identifier: Apache-2.0 */
/* hull logs: what a container has written, from its log files; with -f until it ends. Read
 * engine/container_logs.h first. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "base/time_option.h"
#include "engine/container_logs.h"

struct logs_values {
	bool details, follow, timestamps;
	char *since, *until, *tail;
};
enum { PREFIX_MAX = 1 << 20 };

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
};

static int print_record(const struct logs_record *r, void *ctx)
{
	struct printer *p = ctx;
	FILE *out = r->stream == 2 ? stderr : stdout;
	if (p->last && p->last != out)
		fflush(p->last);
	p->last = out;
	struct strbuf prefix CLEANUP_STRBUF = STRBUF_MAX(PREFIX_MAX);
	logs_record_prefix(r, p->v->timestamps, p->v->details, &prefix);
	fputs(strbuf_text(&prefix), out);
	fwrite(r->bytes, 1, r->len, out);
	/* Who follows reads along; else only a full buffer is written. */
	if (p->v->follow && fflush(out) != 0)
		return -errno;
	return ferror(out) ? -EIO : 0;
}

static void print_missed(uint64_t files, void *ctx)
{
	fflush(stdout);
	cli_notice(
		"hull logs: %llu log file%s rotated away before %s read: lines are missing here; "
		"--log-opt max-size and max-file make room",
		(unsigned long long)files, files == 1 ? " was" : "s were",
		files == 1 ? "it was" : "they were");
	fflush(stderr);
}

static int logs_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct logs_values *v = values;
	struct engine *en = &cli->engine;
	struct container *c = arena_new(&cli->arena, struct container);
	struct logs_query q = {.missed = print_missed};
	struct printer p = {.v = v};
	struct logs_result result = {0};
	int r = parse_query(v, &q, e);
	if (r == 0)
		r = container_find(en, args->items[0], &cli->arena, c, e);
	if (r < 0)
		return r;
	setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
	setvbuf(stderr, NULL, _IOFBF, BUFSIZ);
	r = container_logs(en, c, &q, print_record, &p, &result, e);
	fflush(stdout);
	fflush(stderr);
	if (result.unreadable)
		cli_notice(
			"hull logs: %u older log files are compressed and could not be unpacked: "
			"lines are missing",
			result.unreadable);
	fflush(stderr);
	return r;
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
	.options = OPTIONS_FOR(struct logs_values, options),
	.args = {1, 1},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = logs_run,
};
