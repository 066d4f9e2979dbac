/* SPDX-License-Identifier: Apache-2.0 */
/* Two readings of each of many containers, for `stats` and `top`. */
#pragma once

#include "cli/cli.h"
#include "engine/stats.h"

struct stats_row {
	char id[ID_LEN + 1];
	char *name;
	const char *asked; /* as the user named it, or NULL */
	pid_t pid;
	struct container_stats_place place;
	struct container_stats before, now;
};
struct stats_pass {
	struct arena arena;
	bool tasks; /* with the states of tasks; of the pass before */
	struct stats_row *rows;
	size_t count;
};
void stats_pass_free(struct stats_pass *p);
/** Look for those that were named, or all that are up (@all: or not), and read them. What @before
 * knows of them is taken over: a config is read once, a file opened once. */
int stats_look(struct cli *cli, bool all, const struct strv *names, struct stats_pass *before,
	       struct stats_pass *ret, struct err *e);
/** Read the same ones again: without the store. */
void stats_again(struct stats_pass *p);
/** Warn of containers of which nothing can be known, with the reason. */
void stats_tell_unknown(const struct stats_pass *p);
/** A dozen for each container. */
void stats_raise_descriptors(void);
