/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hull-runtime man, completion, and the hidden command that shells call back: all from the tables
 * of commands and options. Read base/option_print.h first.
 */
#include <string.h>

#include "base/option_print.h"
#include "oci/commands.h"
#include "oci/state.h"

static void put_command(const struct oci_command *c)
{
	fputs(".SS ", stdout);
	roff_text(stdout, c->name);
	putchar(' ');
	roff_text(stdout, c->synopsis);
	putchar('\n');
	roff_text(stdout, c->summary);
	fputs(".\n", stdout);
	roff_options(stdout, "", &c->options, 1);
}

static int man(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	fputs(".TH HULL-RUNTIME 8 \"\" \"hull " HULL_VERSION "\" \"hull manual\"\n.SH NAME\n"
	      "hull\\-runtime \\- run containers from bundles of the Open Container Initiative\n"
	      ".SH SYNOPSIS\n.B hull\\-runtime\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR "
	      "[\\fIARG\\fR...]\n.SH DESCRIPTION\n",
	      stdout);
	roff_text(stdout, "The command line is runc's, and engines call it in runc's place. A long "
			  "option may have one dash or two.\n");
	roff_options(stdout, ".SH OPTIONS\n", &oci_global_options, 1);
	fputs(".SH COMMANDS\n", stdout);
	for (size_t i = 0; i < oci_command_count; i++)
		if (!(oci_commands[i]->flags & OCI_HIDDEN))
			put_command(oci_commands[i]);
	fputs(".SH EXIT STATUS\n", stdout);
	roff_text(stdout,
		  "That of the command in the container for run and exec; else 0, or 1 for a "
		  "failure, which is 255 for exec.\n");
	fputs(".SH SEE ALSO\n.BR hull (1),\n.BR newuidmap (1)\n", stdout);
	return 0;
}

static int completion(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	return completion_script("hull-runtime", args->items[0], e);
}

/* ---- what the last word could become ---- */

static void offer_commands(const char *typed)
{
	for (size_t i = 0; i < oci_command_count; i++)
		if (!(oci_commands[i]->flags & OCI_HIDDEN))
			completion_offer(typed, "", oci_commands[i]->name,
					 oci_commands[i]->summary);
}

static int offer_containers(struct oci *oci, const char *typed, struct err *e)
{
	struct strv ids = {0};
	int r = state_list(oci, &ids, e);
	for (size_t i = 0; i < ids.count; i++)
		completion_offer(typed, "", ids.items[i], "container");
	return r;
}

static int complete_command(struct oci *oci, const struct oci_command *c, const struct strv *words,
			    struct err *e)
{
	const char *typed = words->items[words->count - 1];
	size_t before = 0; /* arguments */
	bool waiting = false;
	for (size_t i = 0; i + 1 < words->count; i++) {
		bool option = !waiting && words->items[i][0] == '-';
		before += !option && !waiting;
		waiting = option && completion_wants_value(&c->options, 1, words->items[i]);
	}
	if (waiting || (before && c->flags & OCI_STOP_AT_ARGUMENT))
		return 0; /* the shell falls back to file names */
	if (*typed == '-')
		completion_offer_options(typed, &c->options, 1);
	else if (before == 0 && !strncmp(c->synopsis, "ID", 2) && !(c->flags & OCI_NEW_ID))
		return offer_containers(oci, typed, e);
	return 0;
}

static int complete(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	struct strv words = {0};
	void *globals[] = {&oci->globals};
	struct option_request q = {&oci_global_options, 1, globals, true, true};
	size_t first = args->count && !strcmp(args->items[0], "--");
	if (args->count <= first)
		return 0;
	const char *typed = args->items[args->count - 1];
	int r = options_parse(&q, &oci->arena, args->items + first, args->count - first - 1, &words,
			      e);
	if (r != 0)
		return r < 0 ? r : 0;
	if (words.count == 0 && *typed == '-')
		completion_offer_options(typed, &oci_global_options, 1);
	else if (words.count == 0)
		offer_commands(typed);
	const struct oci_command *c = words.count ? oci_command_find(words.items[0]) : NULL;
	if (!c)
		return 0;
	strv_push(&oci->arena, &words, typed);
	struct strv rest = {words.items + 1, words.count - 1, 0};
	return complete_command(oci, c, &rest, e);
}

const struct oci_command oci_man = {
	.name = "man",
	.synopsis = "",
	.summary = "Print the manual page",
	.run = man,
};

const struct oci_command oci_completion = {
	.name = "completion",
	.synopsis = "bash|zsh|fish",
	.summary = "Print the completion script for a shell",
	.args = {1, 1},
	.run = completion,
};

const struct oci_command oci_complete = {
	.name = "__complete",
	.synopsis = "-- WORD...",
	.summary = "Print what the last word could become",
	.flags = OCI_TAKES_ANYTHING | OCI_HIDDEN,
	.run = complete,
};
