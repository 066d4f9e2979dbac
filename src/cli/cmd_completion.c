/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull completion bash|zsh|fish, and the hidden command that the shells call back: `hull __complete
 * -- WORDS...` prints what the last word could become, one a line, with a description after a tab.
 * The scripts know nothing of hull's commands, so they never grow stale.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help.h"

static const struct shell_script {
	const char *shell, *text;
} scripts[] = {
	{"bash", "# bash completion for hull; load it with: source <(hull completion bash)\n"
		 "_hull() {\n"
		 "	local line=\"${COMP_LINE:0:COMP_POINT}\" current prefix\n"
		 "	local -a words\n"
		 "	read -ra words <<<\"$line\"\n"
		 "	[[ $line == *[[:space:]] ]] && words+=(\"\")\n"
		 "	mapfile -t COMPREPLY < <(\"${words[0]}\" __complete -- \"${words[@]:1}\" "
		 "2>/dev/null)\n"
		 "	COMPREPLY=(\"${COMPREPLY[@]%%$'\\t'*}\")\n"
		 "	# bash replaces only what follows the last ':' or '='\n"
		 "	current=\"${words[${#words[@]}-1]}\"\n"
		 "	prefix=\"${current%\"${current##*[:=]}\"}\"\n"
		 "	[[ -n $prefix ]] && COMPREPLY=(\"${COMPREPLY[@]#\"$prefix\"}\")\n"
		 "	return 0\n"
		 "}\n"
		 "complete -o default -F _hull hull\n"},
	{"zsh", "#compdef hull\n"
		"# zsh completion for hull; load it with: source <(hull completion zsh)\n"
		"_hull() {\n"
		"	local -a lines values\n"
		"	local tab=$'\\t'\n"
		"	lines=(\"${(@f)$(\"${words[1]}\" __complete -- \"${(@)words[2,CURRENT]}\" "
		"2>/dev/null)}\")\n"
		"	values=(${${lines//:/\\\\:}/$tab/:})\n"
		"	if (( ${#values} )); then _describe hull values; else _files; fi\n"
		"}\n"
		"compdef _hull hull\n"},
	{"fish", "# fish completion for hull; load it with: hull completion fish | source\n"
		 "complete -c hull -a '(hull __complete -- (commandline -opc)[2..-1] (commandline "
		 "-ct))'\n"},
};

static int completion_run(struct cli *cli, void *values, const struct strv *args, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++)
		if (!strcmp(scripts[i].shell, args->items[0])) {
			fputs(scripts[i].text, stdout);
			return 0;
		}
	return err_set(e, EINVAL, ERR_INVALID, "no completion for the shell %s: bash, zsh, or fish",
		       args->items[0]);
}

/* One candidate, if it begins with what was typed. */
static void offer(const char *typed, const char *dashes, const char *name, const char *about)
{
	size_t len = strlen(dashes), typed_len = strlen(typed);
	if (strncmp(typed, dashes, typed_len < len ? typed_len : len) != 0)
		return;
	if (typed_len > len && strncmp(typed + len, name, typed_len - len) != 0)
		return;
	printf("%s%s\t%.*s\n", dashes, name, (int)strcspn(about, "\n"), about);
}

static void offer_options(const char *typed, const struct option_table *tables, size_t count)
{
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t].count; i++)
			if (help_shows(&tables[t].items[i]))
				offer(typed, "--", tables[t].items[i].name,
				      tables[t].items[i].help);
	offer(typed, "--", "help", "Print usage");
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
				offer(typed, "", verb, c->summary);
		}
	}
	for (size_t i = 0; !group && i < command_group_count; i++)
		offer(typed, "", command_groups[i].name, command_groups[i].summary);
}

static int offer_containers(struct cli *cli, const char *typed, struct err *e)
{
	struct container_filter f = {.all = true};
	struct container *list;
	size_t count = 0;
	int r = container_list(&cli->engine, &f, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		offer(typed, "", list[i].name, list[i].image_name);
	return r;
}

static int offer_images(struct cli *cli, const char *typed, struct err *e)
{
	struct image *list;
	size_t count = 0;
	int r = image_list(&cli->engine.images, NULL, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		for (size_t t = 0; t < list[i].tags.count; t++)
			offer(typed, "", list[i].tags.items[t], "image");
	return r;
}

static int offer_volumes(struct cli *cli, const char *typed, struct err *e)
{
	struct volume *list;
	size_t count = 0;
	int r = volume_list(&cli->engine, &cli->arena, &list, &count, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		offer(typed, "", list[i].name, "volume");
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
	if (complete & COMPLETE_COMMANDS)
		offer_commands(typed, NULL);
	return r;
}

/* Whether the option spelled by @word still waits for its value. */
static bool wants_value(const struct option_table *tables, size_t count, const char *word)
{
	if (word[0] != '-' || !word[1] || strchr(word, '='))
		return false;
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct option *o = &tables[t].items[i];
			bool named = word[1] == '-' ? !strcmp(o->name, word + 2)
						    : o->letter == word[strlen(word) - 1];
			if (named)
				return option_takes_value(o);
		}
	return false;
}

static int complete_command(struct cli *cli, const struct command *c, const struct strv *words,
			    struct err *e)
{
	struct option_table tables[2];
	size_t count = command_tables(c, tables), before = 0;
	const char *typed = words->items[words->count - 1];
	bool waiting = false;
	for (size_t i = 0; i + 1 < words->count; i++) {
		bool option = !waiting && words->items[i][0] == '-';
		before += !option && !waiting;
		waiting = option && wants_value(tables, count, words->items[i]);
	}
	if (waiting || (before && c->flags & COMMAND_STOP_AT_ARGUMENT))
		return 0; /* the shell falls back to file names */
	if (*typed == '-') {
		offer_options(typed, tables, count);
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
		offer_options(args->items[0], &settings_options, 1);
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
	.args_min = 1,
	.args_max = 1,
	.flags = COMMAND_LATE_ENGINE,
	.run = completion_run,
};

const struct command command_complete = {
	.names = NAMES("__complete"),
	.synopsis = "-- WORD...",
	.summary = "Print what the last word could become",
	.args_min = 1,
	.args_max = ANY_NUMBER,
	.flags = COMMAND_HIDDEN | COMMAND_STOP_AT_ARGUMENT | COMMAND_LATE_ENGINE,
	.run = complete_run,
};
