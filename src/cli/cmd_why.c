/* SPDX-License-Identifier: Apache-2.0 */
/* hull why: why a container ended, does not start, or runs as it does. Read diagnose/why.h. */
#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/story_print.h"
#include "diagnose/why.h"

struct why_values {
	bool json;
};

static int why(struct cli *cli, const char *name, void *values, struct err *e)
{
	const struct why_values *v = values;
	struct story story;
	int r = diagnose_why(&cli->engine, name, &cli->arena, &story, e);
	if (r == 0)
		story_print(&story, name, v->json);
	return r < 0 ? r : 1;
}

static const struct option options[] = {
	{"json", 0, OPTION_BOOL, .offset = offsetof(struct why_values, json),
	 .help = "One line of JSON for each container"},
};

const struct command command_why = {
	.names = NAMES("why"),
	.synopsis = "[OPTIONS] CONTAINER [CONTAINER...]",
	.summary = "Say why a container ended, does not start, or runs as it does",
	.text = "The verdict comes first, in one sentence: who or what ended it (hull stop or "
		"kill, the "
		"kernel for memory, a crash, its own command), why it did not start, or what it "
		"waits "
		"for. Then what that rests on: its exit code and limits, what happened when, the "
		"last "
		"lines that it wrote, and what can be done.\n\n"
		"It works after the fact, from what is recorded, also for a container that was "
		"removed "
		"(by its name or whole id, as long as its events are kept).",
	.options = OPTIONS_FOR(struct why_values, options),
	.args = {1, ANY_NUMBER},
	.complete = COMPLETE_CONTAINERS,
	.each = why,
};
