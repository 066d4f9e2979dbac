/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull completion bash|zsh|fish, and the hidden command that the shells call back: `hull __complete
 * -- WORDS...` prints what the last word could become, one a line, with a description after a tab.
 * The scripts know nothing of hull's commands, so they never grow stale.
 */
#include <string.h>

#include "base/option_print.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "engine/network.h"
#include "engine/secret.h"

static int completion_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	return completion_script("hull", args->items[0], e);
}

static void offer_commands(const char *typed, const char *group)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = commands[i];
		if (c->flags & COMMAND_HIDDEN)
			continue;
		for (size_t n = 0; c->names[n]; n++) {
			const char *verb = c->names[n];
			if (group ? command_in_group(verb, group, &verb) : !strchr(verb, ' '))
				completion_offer(typed, "", verb, c->summary);
		}
	}
	for (size_t i = 0; !group && i < command_group_count; i++)
		completion_offer(typed, "", command_groups[i].name, command_groups[i].summary);
}

static int offer_containers(struct cli *cli, const char *typed, struct err *e)
{
	struct container_filter f = {.all = true};
	struct container *list;
	size_t count = 0;
	int r = container_list(&cli->engine, &f, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		completion_offer(typed, "", list[i].name, list[i].image_name);
	return r;
}

static int offer_images(struct cli *cli, const char *typed, struct err *e)
{
	struct image *list;
	size_t count = 0;
	int r = image_list(&cli->engine.images, NULL, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		for (size_t t = 0; t < list[i].tags.count; t++)
			completion_offer(typed, "", list[i].tags.items[t], "image");
	return r;
}

static int offer_volumes(struct cli *cli, const char *typed, struct err *e)
{
	struct volume *list;
	size_t count = 0;
	int r = volume_list(&cli->engine, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		completion_offer(typed, "", list[i].name, "volume");
	return r;
}

static int offer_networks(struct cli *cli, const char *typed, struct err *e)
{
	struct network *list;
	size_t count = 0;
	int r = network_list(&cli->engine, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		completion_offer(typed, "", list[i].name, "network");
	return r;
}

static int offer_secrets(struct cli *cli, const char *typed, struct err *e)
{
	struct secret *list;
	size_t count = 0;
	int r = secret_list(&cli->engine, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		completion_offer(typed, "", list[i].name, "secret");
	return r;
}

/* @before: how many arguments there are already. */
static int offer_arguments(struct cli *cli, unsigned complete, size_t before, const char *typed,
			   struct err *e)
{
	struct engine *en;
	int r = 0;
	if (complete & COMPLETE_ONCE && before)
		return 0;
	if (complete & COMPLETE_OBJECTS)
		r = cli_engine(cli, &en, e);
	if (r == 0 && complete & COMPLETE_CONTAINERS)
		r = offer_containers(cli, typed, e);
	if (r == 0 && complete & COMPLETE_IMAGES)
		r = offer_images(cli, typed, e);
	if (r == 0 && complete & COMPLETE_VOLUMES)
		r = offer_volumes(cli, typed, e);
	if (r == 0 && complete & COMPLETE_NETWORKS)
		r = offer_networks(cli, typed, e);
	if (r == 0 && complete & COMPLETE_SECRETS)
		r = offer_secrets(cli, typed, e);
	if (complete & COMPLETE_COMMANDS)
		offer_commands(typed, NULL);
	return r;
}

static int complete_command(struct cli *cli, const struct command *c, const struct strv *words,
			    struct err *e)
{
	struct option_table tables[COMMAND_TABLES_MAX];
	size_t count = command_tables(c, tables, NULL, NULL), before = 0;
	const char *typed = words->items[words->count - 1];
	bool waiting = false;
	for (size_t i = 0; i + 1 < words->count; i++) {
		bool option = !waiting && words->items[i][0] == '-';
		before += !option && !waiting;
		waiting = option && completion_wants_value(tables, count, words->items[i]);
	}
	if (waiting || (before && c->flags & COMMAND_STOP_AT_ARGUMENT))
		return 0; /* the shell falls back to file names */
	if (*typed == '-') {
		completion_offer_options(typed, tables, count);
		return 0;
	}
	return offer_arguments(cli, c->complete, before, typed, e);
}

/* @words: all that was typed after "hull", the last one unfinished. */
static int complete_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	struct strv words = {0};
	size_t used;
	void *settings[] = {&cli->settings};
	struct option_request q = {&settings_options, 1, settings, true};
	if (args->count == 1 && args->items[0][0] == '-') {
		completion_offer_options(args->items[0], &settings_options, 1);
		return 0;
	}
	/* The word under the cursor is no option yet, so the global ones end before it. */
	int r = options_parse(&q, &cli->arena, args->items, args->count - 1, &words, e);
	if (r != 0)
		return r < 0 ? r : 0;
	strv_push(&cli->arena, &words, args->items[args->count - 1]);
	r = settings_finish(&cli->settings, &cli->arena, e);
	struct strv done = {words.items, words.count - 1, 0};
	const struct command *c = commands_find(&done, &used);
	if (r < 0 || c) {
		struct strv rest = {words.items + (c ? used : 0), words.count - (c ? used : 0), 0};
		return c ? complete_command(cli, c, &rest, e) : r;
	}
	const char *typed = words.items[words.count - 1];
	if (done.count == 0)
		offer_commands(typed, NULL);
	else if (done.count == 1 && commands_group_find(done.items[0]))
		offer_commands(typed, done.items[0]);
	return 0;
}

const struct command command_completion = {
	.names = NAMES("completion"),
	.synopsis = "bash|zsh|fish",
	.summary = "Print the completion script for a shell",
	.args = {1, 1},
	.flags = COMMAND_LATE_ENGINE | COMMAND_ALONE,
	.run = completion_run,
};

const struct command command_complete = {
	.names = NAMES("__complete"),
	.synopsis = "-- WORD...",
	.summary = "Print what the last word could become",
	.args = {1, ANY_NUMBER},
	.flags = COMMAND_HIDDEN | COMMAND_STOP_AT_ARGUMENT | COMMAND_LATE_ENGINE,
	.run = complete_run,
};
