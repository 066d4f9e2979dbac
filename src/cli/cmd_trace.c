/* SPDX-License-Identifier: Apache-2.0 */
/* hull trace: what a container's processes do, and what is done to them, line by line. Read
 * diagnose/trace.h first. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/shape.h"
#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/text.h"
#include "diagnose/trace.h"

struct trace_values {
	bool kinds[TRACE_KINDS], all, json, quiet;
};

/* Without one of the options; and those that are left out where the kernel lacks them. */
enum { USUAL = 1 << TRACE_SIGNALS | 1 << TRACE_EXEC | 1 << TRACE_EXIT | 1 << TRACE_OOM };

static void print_json(struct arena *a, const struct trace_line *line)
{
	CLEANUP_JSON struct json_object *o = json_object_new_object();
	json_add_time(o, "Time", line->time_ns);
	json_add_string(o, "Kind", line->kind);
	if (line->pid) {
		json_add_int(o, "Pid", line->pid);
		json_add_string(o, "Comm", line->comm);
	}
	for (size_t i = 0; i < line->facts.count; i++)
		json_object_object_add(o, line->facts.items[i].key,
				       json_of_string(line->facts.items[i].value));
	json_add_string(o, "Text", line->text);
	char *text = arena_strdup(
		a, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	utf8_repair(text);
	puts(text);
}

static int print_line(const struct trace_line *line, void *ctx)
{
	CLEANUP_ARENA struct arena a = {0};
	const struct trace_values *v = ctx;
	const time_t seconds = line->time_ns / 1000000000;
	char clock[16];
	struct tm tm;
	if (v->json) {
		print_json(&a, line);
	} else {
		localtime_r(&seconds, &tm);
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
		printf("%s.%06d  %-7s  ", clock, (int)(line->time_ns / 1000 % 1000000), line->kind);
		if (line->pid)
			printf("%s[%d] ", text_plain(&a, line->comm), (int)line->pid);
		printf("%s\n", text_plain(&a, line->text));
	}
	return fflush(stdout) != 0;
}

static void ready(unsigned kinds, void *ctx)
{
	const struct trace_values *v = ctx;
	if (v->quiet)
		return;
	fputs("tracing:", stderr);
	for (int i = 0; i < TRACE_KINDS; i++)
		if (kinds & 1U << i)
			fprintf(stderr, " %s", trace_kind_name(i));
	fputs(" (until the container ends, or Ctrl-C)\n", stderr);
}

static int trace_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct trace_values *v = values;
	struct trace_request q = {.ready = ready, .line = print_line, .ctx = v};
	struct container c;
	uint64_t lost = 0;
	for (int i = 0; i < TRACE_KINDS; i++)
		q.kinds |= v->kinds[i] ? 1U << i : 0;
	if (v->all)
		q.optional = (1U << TRACE_KINDS) - 1;
	if (!q.kinds && !v->all)
		q.optional = USUAL;
	q.optional &= ~q.kinds;
	q.kinds |= q.optional;
	int r = cli_find_running(cli, args->items[0], &c, e);
	if (r == 0)
		r = diagnose_trace(&c, &q, &lost, e);
	if (lost)
		fprintf(stderr,
			"hull: %llu records were lost: more happened than could be read in time\n",
			(unsigned long long)lost);
	return r;
}

#define KIND(name_, kind_, help_)                                                                  \
	{                                                                                          \
		name_, 0, OPTION_BOOL, .offset = offsetof(struct trace_values, kinds[kind_]),      \
				       .help = help_                                               \
	}
static const struct option options[] = {
	{"all", 'a', OPTION_BOOL, .offset = offsetof(struct trace_values, all),
	 .help = "All that this kernel can tell"},
	KIND("caps", TRACE_CAPS, "Capabilities that it lacked, and the system call that asked"),
	KIND("dirty", TRACE_DIRTY,
	     "Writers that wait, because too much is not written to disk yet"),
	KIND("exec", TRACE_EXEC, "Programs that are executed"),
	KIND("exit", TRACE_EXIT, "Processes that end, with code or signal"),
	KIND("fork", TRACE_FORK, "Processes and threads that are started"),
	{"json", 0, OPTION_BOOL, .offset = offsetof(struct trace_values, json),
	 .help = "One line of JSON for each"},
	KIND("oom", TRACE_OOM, "Processes that are killed for memory"),
	KIND("open", TRACE_OPEN, "Files that are opened, and those that cannot be"),
	{"quiet", 'q', OPTION_BOOL, .offset = offsetof(struct trace_values, quiet),
	 .help = "Do not say when the tracing begins"},
	KIND("signals", TRACE_SIGNALS, "Signals to its processes, and who sent them"),
	KIND("tcp", TRACE_TCP, "TCP connections: made, refused, sent again, reset, ended"),
};

const struct command command_trace = {
	.names = NAMES("trace"),
	.synopsis = "[OPTIONS] CONTAINER",
	.summary = "Show what a container's processes do and what is done to them, as it happens",
	.text = "Without an option signals, exec, exit and oom. Numbers of processes are those of "
		"the host. It ends with the container.\n\n"
		"The kernel's own tracepoints are read, of this container alone; the container is "
		"neither changed nor stopped. That needs root on the machine itself. What happened "
		"before it said \"tracing\" it does not know: hull why does.\n\n"
		"caps leaves out what a process has been told before, and the question that the "
		"kernel asks at each mmap (may it overcommit memory?). open needs a kernel with "
		"kprobes; of a relative path it tells the folder that the process has now. tcp "
		"tells of connections that begin while it runs, and names the process that makes "
		"or closes one from Linux 6.10 on.",
	.options = OPTIONS_FOR(struct trace_values, options),
	.args = {1, 1},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = trace_run,
};
