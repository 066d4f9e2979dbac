/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull stats: what containers use, again every second. Columns, units and the meaning of memory are
 * docker's; what its figures hide stands in columns of ours. Read listing.h first.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/listing.h"
#include "cli/stats_rows.h"

enum { EVERY_MS = 1000 };

struct stats_values {
	bool all, no_stream, no_trunc;
	char *format;
};

static const char *per_cent(const struct listing_view *view, int64_t part, int64_t whole)
{
	return arena_printf(view->arena, "%.2f%%",
			    whole > 0 ? 100.0 * (double)part / (double)whole : 0.0);
}

/* Of one processor, between the two readings. */
static const char *rate(const struct stats_row *r, const struct listing_view *view, int64_t before,
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
	return size_text(view->arena, bytes);
}

#define GET(name_, value_)                                                                         \
	static const char *get_##name_(const void *row, const struct listing_view *view)           \
	{                                                                                          \
		const struct stats_row *r = row;                                                   \
		return value_;                                                                     \
	}
/* As docker where it has none: no zeros. */
#define FIGURE(name_, value_) GET(name_, r->pid && !r->now.runs ? "--" : value_)
FIGURE(block_io, pair(view, size_human, r->now.io_read, r->now.io_written))
FIGURE(cpu, rate(r, view, r->before.cpu_ns, r->now.cpu_ns))
FIGURE(cpu_kernel, rate(r, view, r->before.cpu_kernel_ns, r->now.cpu_kernel_ns))
FIGURE(cpu_user, rate(r, view, r->before.cpu_user_ns, r->now.cpu_user_ns))
GET(container, r->asked ? r->asked : arena_strndup(view->arena, r->id, ID_SHORT_LEN))
GET(id, arena_strndup(view->arena, r->id, view->no_trunc ? ID_LEN : ID_SHORT_LEN))
FIGURE(memory, pair(view, size_binary, r->now.memory, r->now.memory_limit))
FIGURE(memory_anon, one(view, r->now.memory_anon))
FIGURE(memory_file, one(view, r->now.memory_file))
FIGURE(memory_kernel, one(view, r->now.memory_kernel))
FIGURE(memory_per_cent, per_cent(view, r->now.memory, r->now.memory_limit))
FIGURE(net_io, pair(view, size_human, r->now.net_in, r->now.net_out))
FIGURE(pids, arena_printf(view->arena, "%lld", (long long)r->now.pids))
FIGURE(pressure_cpu, r->now.pressure.cpu)
FIGURE(pressure_io, r->now.pressure.io)
FIGURE(pressure_memory, r->now.pressure.memory)
FIGURE(throttled, rate(r, view, r->before.throttled_ns, r->now.throttled_ns))

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
	{"Name", "NAME", LISTING_MEMBER(struct stats_row, name)},
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

static int show(const struct stats_values *v, struct stats_pass *p, bool screen, struct err *e)
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
	return r == 0 && fflush(stdout) != 0 ? cli_output_lost("the output", errno, e) : r;
}

static int stats_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct stats_values *v = values;
	const bool screen = !v->no_stream && isatty(STDOUT_FILENO);
	CLEANUP(stats_pass_free) struct stats_pass before = {0};
	CLEANUP(stats_pass_free) struct stats_pass now = {0};
	stats_raise_descriptors();
	int r = stats_look(cli, v->all, args, &now, &before, e);
	stats_tell_unknown(&before);
	do {
		if (r == 0)
			poll(NULL, 0, EVERY_MS);
		if (r == 0)
			r = stats_look(cli, v->all, args, &before, &now, e);
		if (r == 0)
			r = show(v, &now, screen, e);
		stats_pass_free(&before);
		before = now;
		now = (struct stats_pass){0};
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
	.options = OPTIONS_FOR(struct stats_values, options),
	.args = {0, ANY_NUMBER},
	.complete = COMPLETE_CONTAINERS,
	.run = stats_run,
};
