/* SPDX-License-Identifier: Apache-2.0 */
/* hull explain: the views of a running container, each with its verdict first. hull doctor: of
 * these what is to be done about; and the machine. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/resource_option.h"
#include "cli/story_print.h"
#include "diagnose/host.h"
#include "diagnose/security.h"
#include "diagnose/topics.h"

struct explain_values {
	bool json, denied;
	int64_t time;
};

static const int64_t SPAN_USUAL = INT64_C(10000000000);

static int tell(struct cli *cli, const struct container *c, const struct topic *t, bool json,
		struct err *e)
{
	struct story s = {.a = &cli->arena};
	int r = topic_ask(t, &cli->engine, c, &s, e);
	if (r == 0)
		story_print(&s, t->name, json);
	return r;
}

/* What a program would be given. */
static int predict(struct cli *cli, const struct container *c, const char *program, bool json,
		   struct err *e)
{
	struct story s = {.a = &cli->arena};
	int r = diagnose_file_caps(c, program, &s, e);
	if (r == 0)
		story_print(&s, "caps", json);
	return r;
}

static int option_span(void *field, const char *value, struct arena *a, struct err *e)
{
	int64_t ns;
	int r = option_duration(&ns, value, a, e);
	if (r == 0 && ns < 1000000)
		return err_set(e, EINVAL, ERR_USAGE,
			       "--time %s: in less than 1ms nothing would be seen", value);
	*(int64_t *)field = r < 0 ? 0 : ns;
	return r;
}

static void looking(void)
{
	fputs("looking: (Ctrl-C ends it sooner)\n", stderr);
}

/* What is seen only while one looks. */
static int look(struct cli *cli, const struct container *c, const struct topic *t,
		const struct explain_values *v, struct err *e)
{
	struct story s = {.a = &cli->arena};
	int r = t->look(c, v->time ? v->time : SPAN_USUAL, looking, &s, e);
	if (r == 0)
		story_print(&s, t->name, v->json);
	return r;
}

static int explain_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct explain_values *v = values;
	struct container c;
	const struct topic *topic = args->count > 1 ? topic_find(args->items[1]) : NULL;
	if (args->count > 1 && !topic) {
		err_set(e, EINVAL, ERR_INVALID, "there is no topic \"%s\"", args->items[1]);
		return err_hint(
			e,
			"the topics are: health signals zombies load cpu mem limits caps security "
			"sysctl net io disk");
	}
	if (v->denied && (!topic || !topic->look))
		return err_set(e, EINVAL, ERR_USAGE,
			       "--denied is for the topics caps and security");
	if (args->count > 2 && (v->denied || strcmp(topic->name, "caps")))
		return err_set(e, EINVAL, ERR_USAGE, "a program is for the topic caps alone");
	if (!v->denied && v->time)
		return err_set(e, EINVAL, ERR_USAGE, "--time is for --denied");
	int r = cli_find_running(cli, args->items[0], &c, e);
	if (r == 0 && v->denied)
		return look(cli, &c, topic, v, e);
	if (r == 0 && args->count > 2)
		return predict(cli, &c, args->items[2], v->json, e);
	if (r < 0 || topic)
		return r < 0 ? r : tell(cli, &c, topic, v->json, e);
	for (size_t i = 0; r == 0 && (topic = topic_at(i)); i++) {
		if (i && !v->json)
			putchar('\n');
		r = tell(cli, &c, topic, v->json, e);
	}
	return r;
}

#define O(member) .offset = offsetof(struct explain_values, member)
static const struct option options[] = {
	{"denied", 0, OPTION_BOOL, O(denied),
	 .help = "With caps: which ones its processes ask for and lack, while one looks; with "
		 "security: which system calls its seccomp profile refuses"},
	{"json", 0, OPTION_BOOL, O(json), .help = "One line of JSON for each topic"},
	{"time", 0, OPTION_CUSTOM, O(time), .arg = "duration", .set = option_span,
	 .help = "With --denied: how long (default 10s)"},
};
static const struct option doctor_options[] = {
	{"json", 0, OPTION_BOOL, O(json), .help = "One line of JSON for each topic"},
};

const struct command command_explain = {
	.names = NAMES("explain"),
	.synopsis = "[OPTIONS] CONTAINER [TOPIC [PROGRAM]]",
	.summary = "Explain what goes on in a running container",
	.text = "Each topic begins with its verdict; without one all are told.\n\n"
		"health: whether its health check succeeds.\n\n"
		"signals: what each process catches, ignores and blocks, and what hull stop will "
		"come "
		"to; what each signal does by default. Processes are named by their numbers "
		"inside.\n\n"
		"zombies: which processes have ended without being waited for, whose children they "
		"were, and what is left of the limit on processes.\n\n"
		"load: how many of its tasks run or could (R), and how many are in uninterruptible "
		"sleep "
		"(D), with the place in the kernel where each of them waits. Looked at for 0.2 "
		"s; over minutes where the recorder runs.\n\n"
		"cpu: processor time in user and system mode, and how often its quota held it "
		"back.\n\n"
		"mem: what it needs, what the kernel can take back from it (page cache), how far "
		"it is "
		"from its limit, and what docker's figure would say.\n\n"
		"limits: of memory, swap and processes what was asked for, what stands in the "
		"kernel's "
		"file, and what is in force: the least of all groups above it.\n\n"
		"caps: the five capability sets of each process, against the default; with a "
		"PROGRAM, a path in the container or a name on its PATH, what its first process "
		"would have after execve of it. What is lacking as it happens shows hull trace "
		"--caps, what is lacking in some time "
		"--denied "
		"(needs root and Linux 6.14).\n\n"
		"security: what confines it, what each of that means, and how to have it "
		"stricter; with --denied the system calls that its filter refuses meanwhile (needs "
		"root).\n\n"
		"sysctl: the kernel parameters of its own namespaces that differ from the "
		"machine's, or from what was asked for.\n\n"
		"net: who listens, whether that is where published ports lead, and what was lost: "
		"queues that were full, segments sent again, packets dropped by device.\n\n"
		"io: what it reads from each disk and writes to it now (looked at for 0.5 s), "
		"against its limits; what waits in "
		"memory to be written, against the thresholds from which writers wait.\n\n"
		"disk: how full each file system is that it can write to, its own layer and log, "
		"and files that were removed but are held open.",
	.options = OPTIONS_FOR(struct explain_values, options),
	.args = {1, 3},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = explain_run,
};

/* ---- doctor ---- */

/* Only what there is something to do about. 1: there was. */
static int find(struct cli *cli, const struct container *c, bool json, struct err *e)
{
	int found = 0;
	const struct topic *topic;
	for (size_t i = 0; (topic = topic_at(i)); i++) {
		struct story s = {.a = &cli->arena};
		int r = topic_ask(topic, &cli->engine, c, &s, e);
		if (r < 0)
			return r;
		if (!s.advice.count)
			continue;
		if (found && !json)
			putchar('\n');
		story_print(&s, topic->name, json);
		found = 1;
	}
	if (!found && !json)
		printf("%s: nothing to do\n", c->name);
	return found;
}

static int doctor_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct explain_values *v = values;
	struct story s = {.a = &cli->arena};
	struct container c;
	int r = args->count ? cli_find_running(cli, args->items[0], &c, e)
			    : diagnose_host(&cli->engine, &s, e);
	if (r < 0)
		return r;
	if (args->count)
		return find(cli, &c, v->json, e);
	story_print(&s, "host", v->json);
	return s.advice.count != 0;
}

const struct command command_doctor = {
	.names = NAMES("doctor"),
	.synopsis = "[OPTIONS] [CONTAINER]",
	.summary = "Check this machine, or a running container, and say what to do",
	.text = "Without a container: whether the machine is fit (kernel, control groups, room, "
		"limits "
		"of the system, network, clock). With one: those topics of hull explain that there "
		"is "
		"something to do about. The exit code is 1 if there is, else 0.",
	.options = OPTIONS_FOR(struct explain_values, doctor_options),
	.args = {0, 1},
	.complete = COMPLETE_CONTAINER_ONCE,
	.run = doctor_run,
};
