/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull stats: what containers use, again every second. Columns, units and the meaning of memory are
 * docker's; what its figures hide stands in columns of ours. Read listing.h first.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "engine/stats.h"

enum { EVERY_MS = 1000 };

static const struct container_stats_place no_place = {.group = CGROUP_CLOSED,
						      .files = CGROUP_STATS_CLOSED};

struct stats_values {
	bool all, no_stream, no_trunc;
	char *format;
};

struct row {
	char id[ID_LEN + 1];
	char *name;
	const char *asked; /* as the user named it, or NULL */
	struct container_stats_place place;
	struct container_stats before, now;
};

struct pass {
	struct arena arena;
	struct row *rows;
	size_t count;
};

static void pass_free(struct pass *p)
{
	for (size_t i = 0; i < p->count; i++)
		container_stats_place_close(&p->rows[i].place);
	arena_free(&p->arena);
}

static const char *per_cent(const struct listing_view *view, int64_t part, int64_t whole)
{
	return arena_printf(view->arena, "%.2f%%",
			    whole > 0 ? 100.0 * (double)part / (double)whole : 0.0);
}

/* Of one processor, between the two readings. */
static const char *rate(const struct row *r, const struct listing_view *view, int64_t before,
			int64_t now)
{
	int64_t passed = (r->now.at_ms - r->before.at_ms) * 1000000;
	return per_cent(view, r->before.runs && now > before ? now - before : 0, passed);
}

static const char *pair(const struct listing_view *view, char *(*unit)(int64_t, char *), int64_t a,
			int64_t b)
{
	char first[SIZE_TEXT_SIZE], second[SIZE_TEXT_SIZE];
	return arena_printf(view->arena, "%s / %s", unit(a, first), unit(b, second));
}

static const char *one(const struct listing_view *view, int64_t bytes)
{
	char text[SIZE_TEXT_SIZE];
	return arena_strdup(view->arena, size_binary(bytes, text));
}

#define GET(name_, value_)                                                                         \
	static const char *get_##name_(const void *row, const struct listing_view *view)           \
	{                                                                                          \
		const struct row *r = row;                                                         \
		(void)r;                                                                           \
		return value_;                                                                     \
	}
GET(block_io, pair(view, size_human, r->now.io_read, r->now.io_written))
GET(cpu, rate(r, view, r->before.cpu_ns, r->now.cpu_ns))
GET(cpu_kernel, rate(r, view, r->before.cpu_kernel_ns, r->now.cpu_kernel_ns))
GET(cpu_user, rate(r, view, r->before.cpu_user_ns, r->now.cpu_user_ns))
GET(container, r->asked ? r->asked : arena_strndup(view->arena, r->id, ID_SHORT_LEN))
GET(id, arena_strndup(view->arena, r->id, view->no_trunc ? ID_LEN : ID_SHORT_LEN))
GET(memory, pair(view, size_binary, r->now.memory, r->now.memory_limit))
GET(memory_anon, one(view, r->now.memory_anon))
GET(memory_file, one(view, r->now.memory_file))
GET(memory_kernel, one(view, r->now.memory_kernel))
GET(memory_per_cent, per_cent(view, r->now.memory, r->now.memory_limit))
GET(net_io, pair(view, size_human, r->now.net_in, r->now.net_out))
GET(pids, arena_printf(view->arena, "%lld", (long long)r->now.pids))
GET(pressure_cpu, r->now.pressure.cpu)
GET(pressure_io, r->now.pressure.io)
GET(pressure_memory, r->now.pressure.memory)
GET(throttled, rate(r, view, r->before.throttled_ns, r->now.throttled_ns))

static const struct listing_column columns[] = {
	{"BlockIO", "BLOCK I/O", get_block_io},
	{"CPUKernel", "CPU KERNEL", get_cpu_kernel},
	{"CPUPerc", "CPU %", get_cpu},
	{"CPUUser", "CPU USER", get_cpu_user},
	{"Container", "CONTAINER", get_container},
	{"ID", "CONTAINER ID", get_id},
	{"MemAnon", "MEM ANON", get_memory_anon},
	{"MemFile", "MEM FILE", get_memory_file},
	{"MemKernel", "MEM KERNEL", get_memory_kernel},
	{"MemPerc", "MEM %", get_memory_per_cent},
	{"MemUsage", "MEM USAGE / LIMIT", get_memory},
	{"Name", "NAME", LISTING_MEMBER(struct row, name)},
	{"NetIO", "NET I/O", get_net_io},
	{"PIDs", "PIDS", get_pids},
	{"PressureCPU", "PRESSURE CPU", get_pressure_cpu},
	{"PressureIO", "PRESSURE I/O", get_pressure_io},
	{"PressureMem", "PRESSURE MEM", get_pressure_memory},
	{"Throttled", "THROTTLED", get_throttled},
};
static const struct listing stats_listing = {"*formatter.statsContext", columns, ARRAY_LEN(columns),
					     NULL};
#define STATS_TEMPLATE                                                                             \
	"{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}"  \
	"\t{{.PIDs}}"

/* Most often where it was: from @near on. */
static struct row *find_row(const struct pass *p, const char *id, size_t near)
{
	for (size_t i = 0; i < p->count; i++) {
		struct row *r = &p->rows[(near + i) % p->count];
		if (!strcmp(r->id, id))
			return r;
	}
	return NULL;
}

/* What the last pass knew of it is taken over: a config is read once, a file opened once. */
static void add(struct cli *cli, struct pass *p, const struct pass *before,
		const struct container *c, const char *asked)
{
	struct row *r = &p->rows[p->count];
	struct row *known = find_row(before, c->id, p->count);
	struct container whole;
	struct err ignored;
	memcpy(r->id, c->id, sizeof(r->id));
	if (known) {
		r->before = known->now;
		r->place = known->place;
		known->place = no_place;
	} else if (container_find(&cli->engine, c->id, &p->arena, &whole, &ignored) == 0) {
		container_stats_place(&whole, &r->place);
	} else {
		return; /* it has just gone */
	}
	r->name = arena_strdup(&p->arena, c->name);
	r->asked = asked;
	container_stats_read(&r->place, c->pid, &r->now);
	p->count++;
}

/* Those that were named, or all that are up. */
static int look(struct cli *cli, const struct stats_values *v, const struct strv *args,
		const struct pass *before, struct pass *ret, struct err *e)
{
	struct container_filter f = {.all = v->all};
	struct container *list, c;
	size_t count = args->count;
	*ret = (struct pass){0};
	int r = 0;
	if (!count)
		r = container_list(&cli->engine, &f, &ret->arena, &list, &count, e);
	ret->rows = arena_array(&ret->arena, count + 1, sizeof(*ret->rows));
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (args->count)
			r = container_find(&cli->engine, args->items[i], &ret->arena, &c, e);
		if (r == 0)
			add(cli, ret, before, args->count ? &c : &list[i],
			    args->count ? args->items[i] : NULL);
	}
	return r;
}

static int show(const struct stats_values *v, struct pass *p, bool screen, struct err *e)
{
	const struct listing_view view = {&p->arena, v->no_trunc};
	struct listing_out out CLEANUP_LISTING = {0};
	int r = listing_open(&out, &stats_listing, v->format, STATS_TEMPLATE, &view, e);
	for (size_t i = 0; r == 0 && i < p->count; i++)
		r = listing_row(&out, &p->rows[i], e);
	if (r < 0)
		return r;
	if (screen)
		fputs("\033[H\033[2J", stdout);
	r = listing_print(&out, stdout, e);
	return r == 0 && fflush(stdout) != 0 ? err_errno(e, errno, "cannot write the output") : r;
}

/* A dozen for each container. */
static void raise_descriptors(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return;
	l.rlim_cur = l.rlim_max;
	setrlimit(RLIMIT_NOFILE, &l);
}

static int stats_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct stats_values *v = values;
	const bool screen = !v->no_stream && isatty(STDOUT_FILENO);
	CLEANUP(pass_free) struct pass before = {0};
	CLEANUP(pass_free) struct pass now = {0};
	raise_descriptors();
	int r = look(cli, v, args, &now, &before, e);
	do {
		if (r == 0)
			poll(NULL, 0, EVERY_MS);
		if (r == 0)
			r = look(cli, v, args, &before, &now, e);
		if (r == 0)
			r = show(v, &now, screen, e);
		pass_free(&before);
		before = now;
		now = (struct pass){0};
	} while (r == 0 && !v->no_stream);
	return r;
}

#define O(member) .offset = offsetof(struct stats_values, member)
static const struct option options[] = {
	{"all", 'a', OPTION_BOOL, O(all),
	 .help = "Show all containers (default shows just running)"},
	{"format", 0, OPTION_STR, O(format), .help = LISTING_FORMAT_HELP},
	{"no-stream", 0, OPTION_BOOL, O(no_stream),
	 .help = "Disable streaming stats and only pull the first result"},
	{"no-trunc", 0, OPTION_BOOL, O(no_trunc), .help = "Do not truncate output"},
};

const struct command command_stats = {
	.names = NAMES("stats", "container stats"),
	.synopsis = "[OPTIONS] [CONTAINER...]",
	.summary = "Display a live stream of container(s) resource usage statistics",
	.text = "CPU % is of one processor, over the last second. MEM USAGE is docker's figure: "
		"all that the control group holds, without the inactive part of the page cache. "
		"The fields of a format: .Container .ID .Name .CPUPerc .MemUsage .MemPerc .NetIO "
		".BlockIO .PIDs, and beyond docker's .CPUUser .CPUKernel .Throttled (waiting for "
		"its quota), .MemAnon .MemFile .MemKernel, and .PressureCPU .PressureMem "
		".PressureIO: per cent of the last ten seconds in which a process waited for it "
		"(of the v2 tree).",
	.options = OPTIONS(options),
	.values_size = sizeof(struct stats_values),
	.args_max = ANY_NUMBER,
	.complete = COMPLETE_CONTAINERS,
	.run = stats_run,
};
