/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull top: of one container its processes, as docker has it; without one what all containers use,
 * live. The store is read again only when something was noted in it, the kernel's files stay open.
 * One table has the columns: what is shown, sorted by, and printed as JSON. Read stats_rows.h and
 * screen.h first.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/resource_option.h"
#include "cli/screen.h"
#include "cli/stats_rows.h"
#include "cli/table.h"
#include "cli/top_columns.h"
#include "engine/events.h"

enum { OUTPUT_MAX = 16 << 20, COLUMN_MIN = 20, FIRST_MS = 500, INTERVAL_MIN = 100000000 };
enum { WIDTH = 9, NAME_LEAST = 12, NAME_MOST = 24 };

struct top_values {
	bool inside, json;
	char *sort;
	int64_t interval, rounds;
};

/* ---- output ---- */

static void put_cell(struct strbuf *out, const struct top_column *c, const struct stats_row *r)
{
	char text[SIZE_TEXT_SIZE] = "-";
	double n = c->get(r);
	if (!isnan(n) && c->kind == TOP_PER_CENT)
		snprintf(text, sizeof(text), "%.1f", n);
	else if (!isnan(n) && c->kind == TOP_COUNT)
		snprintf(text, sizeof(text), "%.0f", n);
	else if (!isnan(n) && c->kind == TOP_BYTES)
		size_binary((int64_t)n, text);
	else if (!isnan(n))
		size_human((int64_t)n, text);
	strbuf_printf(out, " %*s", WIDTH, text);
}

/* Of all of them, and of the machine. */
static void put_summary(struct strbuf *out, const struct stats_row **list, size_t count)
{
	double cpu = 0, load[3] = {0}, needed = 0;
	char size[SIZE_TEXT_SIZE];
	for (size_t i = 0; i < count; i++) {
		cpu += top_cpu(list[i]);
		needed += top_memory(list[i]);
	}
	getloadavg(load, 3);
	strbuf_printf(out,
		      "%zu container%s: CPU %.1f %% of %d processors, memory needed %s; load %.2f "
		      "%.2f %.2f\n",
		      count, count == 1 ? "" : "s", cpu, get_nprocs(),
		      size_binary((int64_t)needed, size), load[0], load[1], load[2]);
}

static void put_keys(struct strbuf *out)
{
	strbuf_printf(out, "q quit  n NAME");
	for (size_t i = 0; i < top_column_count; i++)
		strbuf_printf(out, "  %c %s", top_columns[i].key, top_columns[i].title);
	strbuf_printf(out, "; again: the other way round\n");
}

/* The @i-th of @shown: what is sorted by is always there. */
static const struct top_column *shown_column(const struct top_order *o, size_t i, size_t shown)
{
	bool hidden = o->by && (size_t)(o->by - top_columns) >= shown;
	return hidden && i + 1 == shown ? o->by : &top_columns[i];
}

/* @wide: characters, 0: no limit, and no marks for a terminal. */
static void put_table(struct strbuf *out, const struct stats_row **list, size_t count,
		      const struct top_order *o, unsigned wide)
{
	size_t names = NAME_LEAST, shown = top_column_count;
	for (size_t i = 0; i < count; i++)
		names = strlen(list[i]->name) > names ? strlen(list[i]->name) : names;
	if (wide && names > NAME_MOST)
		names = NAME_MOST;
	while (wide && shown > 1 && names + shown * (WIDTH + 1) > wide)
		shown--;
	for (size_t i = 0; i <= shown; i++) {
		const struct top_column *c = i ? shown_column(o, i - 1, shown) : NULL;
		bool marked = wide && o->by == c;
		strbuf_printf(out, "%s%s%*s%s", c ? " " : "", marked ? "\033[7m" : "",
			      c ? WIDTH : -(int)names, c ? c->title : "NAME",
			      marked ? "\033[0m" : "");
	}
	strbuf_printf(out, "\n");
	for (size_t i = 0; i < count; i++) {
		strbuf_printf(out, "%-*.*s", (int)names, (int)names, list[i]->name);
		for (size_t k = 0; k < shown; k++)
			put_cell(out, shown_column(o, k, shown), list[i]);
		strbuf_printf(out, "\n");
	}
}

static struct json_object *json_number(double n, enum top_kind kind)
{
	char text[32];
	snprintf(text, sizeof(text), "%.2f", n);
	return isnan(n)               ? NULL
	       : kind == TOP_PER_CENT ? json_object_new_double_s(n, text)
				      : json_object_new_int64((int64_t)n);
}

static void print_json(const struct stats_row **list, size_t count)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	struct json_object *all = json_object_new_array();
	json_add_time(o, "Time", clock_real_ns());
	for (size_t i = 0; i < count; i++) {
		const struct stats_row *r = list[i];
		struct json_object *one = json_object_new_object();
		json_add_string(one, "ID", r->id);
		json_add_string(one, "Name", r->name);
		for (size_t k = 0; k < top_column_count; k++)
			json_object_object_add(
				one, top_columns[k].json,
				json_number(top_columns[k].get(r), top_columns[k].kind));
		if (r->now.pids_limit)
			json_add_int(one, "PIDsLimit", r->now.pids_limit);
		json_object_array_add(all, one);
	}
	json_object_object_add(o, "Containers", all);
	puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
}

/* ---- the live view ---- */

struct live {
	struct cli *cli;
	const struct top_values *v;
	struct top_order order;
	struct screen *screen; /* NULL: lines */
	int watch;
	struct stats_pass now;
};

/* The store is asked only when there is something new, or one has gone. */
static int refresh(struct live *l, struct err *e)
{
	static const struct strv all = {0};
	struct stats_pass next;
	bool gone = !l->now.rows;
	if (!gone)
		stats_again(&l->now);
	for (size_t i = 0; i < l->now.count; i++)
		gone |= !l->now.rows[i].now.runs;
	if (!engine_changed(&l->cli->engine, l->watch) && !gone)
		return 0;
	struct stats_pass before = l->now;
	/* What was read a moment ago is no basis for a rate. */
	for (size_t i = 0; i < before.count; i++)
		before.rows[i].now = before.rows[i].before;
	l->now = (struct stats_pass){0};
	int r = stats_look(l->cli, false, &all, &before, &next, e);
	stats_pass_free(&before);
	l->now = next;
	return r;
}

static int show(struct live *l, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	CLEANUP_STRBUF struct strbuf out = STRBUF_MAX(OUTPUT_MAX);
	size_t count;
	const struct stats_row **list = top_sorted(&l->now, &l->order, &a, &count);
	unsigned rows = 24, cols = 80;
	if (l->screen) {
		tty_size(&rows, &cols);
		put_summary(&out, list, count);
		put_keys(&out);
		put_table(&out, list, count, &l->order, cols);
		screen_show(&out);
	} else if (l->v->json) {
		print_json(list, count);
	} else {
		put_table(&out, list, count, &l->order, 0);
		fwrite(out.buf, 1, out.len, stdout);
	}
	return fflush(stdout) != 0 ? cli_output_lost("the output", errno, e) : 0;
}

static void take_key(struct live *l, int key)
{
	const struct top_column *by = NULL;
	for (size_t i = 0; i < top_column_count; i++)
		if (top_columns[i].key == key)
			by = &top_columns[i];
	if (!by && key != 'n')
		return;
	l->order.reversed = by == l->order.by && !l->order.reversed;
	l->order.by = by;
}

/* 1: the time is over; 0: it is to end. */
static int wait_for_round(struct live *l, int64_t until, bool drawn, struct err *e)
{
	if (!l->screen) {
		poll(NULL, 0, (int)(until - clock_ms()));
		return 1;
	}
	for (int key; (key = screen_wait(l->screen, until - clock_ms())) != SCREEN_TIME;) {
		if (key == SCREEN_QUIT)
			return 0;
		take_key(l, key);
		int r = drawn ? show(l, e) : 0;
		if (r < 0)
			return r;
	}
	return 1;
}

static int follow(struct live *l, struct err *e)
{
	int64_t every = l->v->interval / 1000000, next = clock_ms();
	int r = refresh(l, e);
	for (int64_t i = 0; r == 0 && (!l->v->rounds || i < l->v->rounds); i++) {
		int64_t ms = !i && l->screen && every > FIRST_MS ? FIRST_MS : every;
		/* After a stop of the process not all that was missed. */
		next = next + ms < clock_ms() ? clock_ms() + ms : next + ms;
		r = wait_for_round(l, next, i > 0, e);
		if (r <= 0)
			return r;
		r = refresh(l, e);
		if (r == 0)
			r = show(l, e);
	}
	return r;
}

static int live(struct cli *cli, const struct top_values *v, struct err *e)
{
	CLEANUP_SCREEN struct screen screen = SCREEN_CLOSED;
	struct live l = {.cli = cli, .v = v, .now = {.tasks = true}};
	CLEANUP_FD int watch = -1;
	if (!top_order_find(v->sort, &l.order)) {
		err_set(e, EINVAL, ERR_INVALID, "there is no column \"%s\" to sort by", v->sort);
		return err_hint(e, "the columns are: " TOP_SORT_NAMES);
	}
	if (v->interval < INTERVAL_MIN || v->rounds < 0)
		return err_set(e, EINVAL, ERR_INVALID,
			       v->rounds < 0 ? "-n takes a number of rounds"
					     : "the least --interval is 100ms");
	stats_raise_descriptors();
	l.watch = watch = engine_watch(&cli->engine, e);
	int r = watch < 0 ? watch : refresh(&l, e);
	if (r == 0)
		stats_tell_unknown(&l.now);
	if (r == 0 && !v->json && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO)) {
		l.screen = &screen;
		r = screen_enter(&screen, e);
	}
	if (r == 0)
		r = follow(&l, e);
	stats_pass_free(&l.now);
	return r;
}

/* ---- the command ---- */

static int processes(struct cli *cli, const struct top_values *v, const struct strv *args,
		     struct err *e)
{
	struct top_table t;
	struct strv ps_args = {args->items + 1, args->count - 1, 0};
	struct strbuf text CLEANUP_STRBUF = STRBUF_MAX(OUTPUT_MAX);
	int r = container_top(&cli->engine, args->items[0], &ps_args, v->inside, &cli->arena, &t,
			      e);
	if (r < 0)
		return r;
	strbuf_printf(&text, "%s\n", strv_join(&cli->arena, &t.titles, "\t"));
	for (size_t i = 0; i < t.row_count; i++)
		strbuf_printf(&text, "%s\n", strv_join(&cli->arena, &t.rows[i], "\t"));
	return table_print(stdout, strbuf_text(&text), text.len, COLUMN_MIN, e);
}

static int top_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct top_values *v = values;
	const char *wrong = NULL;
	for (size_t i = 0; i < cli->given.count; i += 2)
		if (!strcmp(cli->given.items[i], "inside") != (args->count > 0))
			wrong = cli->given.items[i];
	if (wrong)
		return err_set(e, EINVAL, ERR_USAGE,
			       args->count ? "--%s is for all containers: without a name"
					   : "--%s is for one container: name it",
			       wrong);
	return args->count ? processes(cli, v, args, e) : live(cli, v, e);
}

#define O(member) .offset = offsetof(struct top_values, member)
static const struct option options[] = {
	{"inside", 0, OPTION_BOOL, O(inside),
	 .help = "Of a container: show first what each process is called in it"},
	{"interval", 0, OPTION_CUSTOM, O(interval), .arg = "duration", .initial = "2s",
	 .set = option_duration, .help = "Time between two rounds of the live view"},
	{"json", 0, OPTION_BOOL, O(json), .help = "One line of JSON for each round"},
	{"rounds", 'n', OPTION_INT, O(rounds), .help = "End after so many rounds"},
	{"sort", 0, OPTION_STR, O(sort), .initial = "cpu", .arg = "column",
	 .help = "Sort by: " TOP_SORT_NAMES},
};

const struct command command_top = {
	.names = NAMES("top", "container top"),
	.synopsis = "[OPTIONS] [CONTAINER [ps OPTIONS]]",
	.summary = "Display the running processes of a container, or what all containers use",
	.text = "With a container: ps of this machine prints its processes, so a PID is this "
		"machine's.\n\n"
		"Without one: a live view of all that run, until q or ^C. A letter sorts by its "
		"column (they stand above the table), the same again turns the order. Where the "
		"output is no terminal it is lines. THROT % are the periods in which the quota "
		"was used up; NEEDED is memory that the kernel cannot take back, OF LIMIT how much "
		"that is of its limit (or of the machine's memory), CACHE what it can; D are tasks "
		"that wait uninterruptibly at "
		"this moment, ZOMBIES those that have ended and were not waited for; P are the "
		"per cent of the last ten seconds in which a process waited for it (of the v2 "
		"tree). The JSON has bytes, bytes a second and per cent; null is what there is "
		"not.",
	.options = OPTIONS_FOR(struct top_values, options),
	.args = {0, ANY_NUMBER},
	.flags = COMMAND_STOP_AT_ARGUMENT,
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = top_run,
};
