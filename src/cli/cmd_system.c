/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull system check: does the state agree with the kernel and the disk? hull system reap: the
 * clean-up after one container (or all), which its monitor calls; every look-up does the same.
 */
#include <errno.h>

#include "base/units.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "diagnose/record.h"
#include "engine/recorder.h"

struct check_values {
	bool repair;
};

static int reap_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	int r = engine_reap(&cli->engine, args->count ? args->items[0] : NULL, e);
	/* Nobody waits for this command: the time to tidy. */
	engine_tidy(&cli->engine);
	return r;
}

static int oom_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	int64_t at_ms;
	if (int_parse(args->items[1], 0, INT64_MAX, &at_ms) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "invalid time: '%s'", args->items[1]);
	return engine_note_oom(&cli->engine, args->items[0], at_ms, e);
}

static int lift_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return engine_let_end(&cli->engine, args->items[0], e);
}

static int pack_logs_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return engine_pack_logs(&cli->engine, args->items[0], e);
}

static int tidy_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	engine_tidy(&cli->engine);
	return 0;
}

/* The caller goes on at once; this waits for its time, and nobody for this. */
static int restart_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return container_start_due(&cli->engine, args->items[0], e);
}

static int restore_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return engine_restore(&cli->engine, e);
}

static int check_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct check_values *v = values;
	struct strv problems = {0};
	int r = engine_check(&cli->engine, v->repair, &cli->arena, &problems, e);
	cli_warn(cli);
	for (size_t i = 0; i < problems.count; i++)
		puts(problems.items[i]);
	if (r < 0)
		return r;
	return r > 0 || (problems.count && !v->repair) ? 1 : 0;
}

static const struct option options[] = {
	{"repair", 0, OPTION_BOOL, .offset = offsetof(struct check_values, repair),
	 .help = "Remove what belongs to nothing, and mend the rest"},
};

const struct command command_system_check = {
	.names = NAMES("system check"),
	.synopsis = "[OPTIONS]",
	.summary = "Check that state, kernel and disk agree",
	.text = "Looks for what belongs to nothing: folders, exit records, control groups with "
		"what "
		"lives in them, processes of hull, mounts, loop devices, quotas, network devices; "
		"and for containers, volumes and images whose folders are gone. --repair removes "
		"it; a volume gets its folder again, empty, and an image that a container uses "
		"stays, to be loaded or pulled again. What runs, what is older than the store, and "
		"what is not known to be of this --root is never removed, and nothing at all while "
		"the store's file is damaged. Prints one line for each "
		"problem; the exit code is 1 if there is any that was not repaired.",
	.options = OPTIONS_FOR(struct check_values, options),
	.run = check_run,
};

const struct command command_system_tidy = {
	.names = NAMES("system tidy"),
	.synopsis = "",
	.summary = "Shorten the log of the state store",
	.flags = COMMAND_HIDDEN,
	.run = tidy_run,
};

const struct command command_system_restart = {
	.names = NAMES("system restart"),
	.synopsis = "CONTAINER",
	.summary = "Wait until a restart policy's time has come, and start the container",
	.args = {1, 1},
	.flags = COMMAND_HIDDEN | COMMAND_ENTERS,
	.run = restart_run,
};

const struct command command_system_restore = {
	.names = NAMES("system restore"),
	.synopsis = "",
	.summary = "After a boot, start the containers that their restart policies ask for",
	.text = "What a service calls once at each boot (hull-restore.service). Containers with "
		"the policy always start whether they were stopped or not, those with "
		"unless-stopped or on-failure if they ran when the machine went down.",
	.flags = COMMAND_ENTERS,
	.run = restore_run,
};

static void recording(void)
{
	fputs("recording\n", stderr);
}

struct record_values {
	bool detach;
};

static int record_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	const struct record_values *v = values;
	int r = v->detach ? recorder_detach(&cli->engine, e) : 0;
	if (r != 0)
		return r < 0 ? r : 0;
	return diagnose_record(&cli->engine, recording, e);
}

static const struct option record_options[] = {
	{"detach", 'd', OPTION_BOOL, .offset = offsetof(struct record_values, detach),
	 .help = "Go on in the background"},
};

const struct command command_system_record = {
	.names = NAMES("system record"),
	.synopsis = "",
	.summary = "Keep who sends signals to containers, for hull why",
	.text = "Runs until it is ended: what hull-recorder.service does, or with \"recorder on\" "
		"in hull.conf the start of a container. The last 2048 signals "
		"that would end a process of a container, and were not ignored, are kept in a file "
		"of fixed size below --runroot, with who sent them: process, its parent, user, and "
		"control group (with systemd its service or session); as many capabilities that "
		"programs in containers lacked (but SYS_ADMIN, for which the kernel asks all the "
		"time), and who was killed for memory. It reads the kernel's tracepoints, of the "
		"whole machine, and needs root; starting a program takes some per cent longer.",
	.options = OPTIONS_FOR(struct record_values, record_options),
	.run = record_run,
};

const struct command command_system_oom = {
	.names = NAMES("system oom"),
	.synopsis = "CONTAINER TIME",
	.summary = "Tell of a process that was killed for memory while its container runs on",
	.args = {2, 2},
	.flags = COMMAND_HIDDEN,
	.run = oom_run,
};

const struct command command_system_lift = {
	.names = NAMES("system lift"),
	.synopsis = "CONTAINER",
	.summary = "Lift the rates of disks at which the end of a container waits",
	.args = {1, 1},
	.flags = COMMAND_HIDDEN,
	.run = lift_run,
};

const struct command command_system_pack_logs = {
	.names = NAMES("system pack-logs"),
	.synopsis = "CONTAINER",
	.summary = "Compress the files of a container's log that were rotated",
	.args = {1, 1},
	.flags = COMMAND_HIDDEN,
	.run = pack_logs_run,
};

const struct command command_system_reap = {
	.names = NAMES("system reap"),
	.synopsis = "[CONTAINER]",
	.summary = "Note how containers ended, and clean up after them",
	.args = {0, 1},
	.flags = COMMAND_HIDDEN,
	.run = reap_run,
};
