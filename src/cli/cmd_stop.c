/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull stop, hull restart. The names go to the standard output, as docker's; on the standard error
 * stands what is worth knowing: before the wait, that the signal will be dropped by the kernel;
 * after it, that SIGKILL was needed and who ignored the signal. A graceful stop is silent unless -v
 * asks.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource_option.h"
#include "linux/signals.h"

struct stop_values {
	char *signal;
	struct opt_i64 timeout;
	bool verbose;
};
enum { GRACE_OWN = -2 };

static int64_t grace(const struct stop_values *v)
{
	if (!v->timeout.set)
		return GRACE_OWN;
	return v->timeout.value < 0 ? -1 : v->timeout.value;
}

static void notice(const struct stop_report *r, int64_t grace_seconds, void *ctx)
{
	char name[SIGNAL_NAME_SIZE];
	const char *how = r->ignores ? "ignores" : "has no handler for";
	const char *advice = r->ignores ? "" : " (use --init, or trap the signal)";
	if (grace_seconds < 0)
		cli_notice("%s: PID 1 %s %s and will not end on it%s", (const char *)ctx, how,
			   signal_name(r->signal, name), advice);
	else if (grace_seconds > 0)
		cli_notice("%s: PID 1 %s %s; it will be killed after %lld s%s", (const char *)ctx,
			   how, signal_name(r->signal, name), (long long)grace_seconds, advice);
}

static void summarise(const char *name, const struct stop_report *r, bool verbose)
{
	char signal[SIGNAL_NAME_SIZE];
	struct strbuf text CLEANUP_STRBUF = STRBUF_MAX(4096);
	CLEANUP_ARENA struct arena a = {0};
	const char *survivors = exit_survivors(&r->exit, &a);
	signal_name(r->signal, signal);
	if (!r->was_running) {
		if (verbose)
			cli_notice("%s: was not running", name);
		return;
	}
	/* With -t 0 nobody expected a graceful end. */
	if (!verbose && !survivors && (!r->killed || r->milliseconds < 1000))
		return;
	strbuf_printf(&text, "%s: %s %s after %.1f s", name, signal,
		      r->killed   ? "was not enough: killed"
		      : survivors ? "ended it, the rest was killed"
				  : "ended it",
		      (double)r->milliseconds / 1000);
	if (survivors)
		strbuf_printf(&text, "; ignored by %s", survivors);
	if (verbose)
		strbuf_printf(&text, "; exit code %d", r->exit.exit_code);
	cli_notice("%s", strbuf_text(&text));
}

static int stop_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct stop_values *v = values;
	struct stop_report report;
	int number = option_signal(v->signal, e);
	int r = number < 0 ? number
			   : container_stop(&cli->engine, name, number, grace(v), notice,
					    (void *)name, &report, e);
	if (r == 0)
		summarise(name, &report, v->verbose);
	return r;
}

static int restart_one(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct stop_values *v = values;
	int number = option_signal(v->signal, e);
	return number < 0 ? number : container_restart(&cli->engine, name, number, grace(v), e);
}

#define O(member) .offset = offsetof(struct stop_values, member)
#define COMMON_OPTIONS                                                                             \
	{"signal", 's', OPTION_STR, O(signal), .help = "Signal to send to the container"},         \
		{"time",        0,          OPTION_OPT_INT,                                        \
		 OPTION_HIDDEN, O(timeout), .help = "The same as --timeout"},                      \
	{                                                                                          \
		"timeout", 't', OPTION_OPT_INT, O(timeout),                                        \
			.help = "Seconds to wait before killing the container; -1: wait for ever"  \
	}

static const struct option stop_options[] = {
	COMMON_OPTIONS,
	{"verbose", 'v', OPTION_BOOL, O(verbose),
	 .help = "Say on the standard error how each container ended"},
};
static const struct option restart_options[] = {COMMON_OPTIONS};

const struct command command_stop = {
	.names = NAMES("stop", "container stop"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Stop one or more running containers",
	.text = "The container's stop signal (SIGTERM, unless its image or --stop-signal says "
		"otherwise) "
		"goes to its first process; after the time (10 seconds, unless --stop-timeout says "
		"otherwise) SIGKILL follows. Several containers are stopped at the same time.",
	.options = OPTIONS_FOR(struct stop_values, stop_options),
	.args = {1, ANY_NUMBER},
	.flags = COMMAND_PARALLEL,
	.complete = COMPLETE_CONTAINERS,
	.each = stop_one,
};

const struct command command_restart = {
	.names = NAMES("restart", "container restart"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Restart one or more containers",
	.options = OPTIONS_FOR(struct stop_values, restart_options),
	.args = {1, ANY_NUMBER},
	.flags = COMMAND_PARALLEL | COMMAND_ENTERS,
	.complete = COMPLETE_CONTAINERS,
	.each = restart_one,
};
