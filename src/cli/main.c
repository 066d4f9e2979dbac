/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program `hull`: global options, the command, its options, its run function, and the one place
 * where a failure that ends it is told. Exit codes are docker's: 125 for a command line that makes
 * no sense, the container's own where there is one, else 0 or 1 (and 125, 126, 127 of run and
 * exec). Read command.h and cli.h first.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "engine/rootless.h"
#include "base/suggest.h"
#include "linux/own_program.h"

enum { HEAP = 256 * 1024 };

const char own_program_enters[] = "exec\0restart\0start\0";

/* What the words of the command line come to. */
struct request {
	const struct command *command; /* NULL: done already, or an error */
	const struct command_group *group;
	struct strv words; /* after the command's name */
};

static int unknown_command(struct cli *cli, const struct request *q, struct err *e)
{
	const char *group = q->group ? q->group->name : NULL;
	const char *word = q->words.items[0], *verb;
	struct suggestion best = suggestion_for(word);
	for (size_t i = 0; i < command_count; i++)
		for (size_t n = 0; commands[i]->names[n] && !(commands[i]->flags & COMMAND_HIDDEN);
		     n++) {
			const char *name = commands[i]->names[n];
			if (!group && !strchr(name, ' '))
				suggestion_offer(&best, name);
			else if (group && command_in_group(name, group, &verb))
				suggestion_offer(&best, verb);
		}
	for (size_t i = 0; !group && i < command_group_count; i++)
		suggestion_offer(&best, command_groups[i].name);
	const char *prefix = group ? arena_printf(&cli->arena, "%s ", group) : "";
	err_set(e, EINVAL, ERR_INVALID, "unknown command: hull %s%s", prefix, word);
	if (best.name)
		err_hint(e, "did you mean `hull %s%s`?", prefix, best.name);
	else
		err_hint(e, "hull %s--help lists the commands", prefix);
	return -EINVAL;
}

/* A family by itself, or with --help, prints its help; anything else in it is unknown. */
static int run_group(struct cli *cli, struct request *q, struct err *e)
{
	const struct strv *w = &q->words;
	bool help = w->count && (!strcmp(w->items[0], "--help") || !strcmp(w->items[0], "-h"));
	if (w->count && !help && w->items[0][0] == '-')
		return err_set(e, EINVAL, ERR_USAGE, "unknown flag: %s", w->items[0]);
	if (w->count && !help)
		return unknown_command(cli, q, e);
	help_group(stdout, q->group);
	return 0;
}

/* Global options, then find the command. 1: go on with it; 0: all is done. */
static int read_globals(struct cli *cli, int argc, char **argv, struct request *q, struct err *e)
{
	struct strv words = {0};
	void *values[] = {&cli->settings};
	struct option_request options = {&settings_options, 1, values, true};
	int r = options_parse(&options, &cli->arena, argv, (size_t)argc, &words, e);
	if (r < 0)
		return r;
	if (r == 1 || (!words.count && !cli->settings.version)) {
		help_program(stdout);
		return 0;
	}
	if (cli->settings.version) {
		puts("hull version " HULL_VERSION);
		return 0;
	}
	size_t used = 1;
	q->command = commands_find(&words, &used);
	if (!q->command)
		q->group = commands_group_find(words.items[0]);
	if (!q->command && !q->group)
		used = 0;
	q->words = (struct strv){words.items + used, words.count - used, 0};
	if (!q->command)
		return q->group ? run_group(cli, q, e) : unknown_command(cli, q, e);
	return 1;
}

static int check_count(const struct command *c, size_t count, struct err *e)
{
	size_t wanted = count < c->args.least ? c->args.least : c->args.most;
	if (count >= c->args.least && count <= c->args.most)
		return 0;
	if (c->args.most == 0)
		return err_set(e, EINVAL, ERR_INVALID, "'hull %s' accepts no arguments",
			       c->names[0]);
	const char *how = c->args.least == c->args.most ? ""
			  : count < c->args.least       ? "at least "
							: "at most ";
	return err_set(e, EINVAL, ERR_INVALID, "'hull %s' requires %s%zu argument%s", c->names[0],
		       how, wanted, wanted == 1 ? "" : "s");
}

static void tell_usage(const struct command *c)
{
	fputc('\n', stderr);
	help_usage(stderr, c);
	fprintf(stderr, "\nSee 'hull %s --help'.\n", c->names[0]);
}

static int run_command(struct cli *cli, const struct request *q, struct err *e)
{
	const struct command *c = q->command;
	struct engine *en;
	struct strv args = {0};
	char *values = arena_alloc(&cli->arena, c->options.size + 1);
	struct option_table tables[COMMAND_TABLES_MAX];
	void *fill[COMMAND_TABLES_MAX];
	size_t count = command_tables(c, tables, values, fill);
	struct option_request options = {tables, count,
					 fill,   (c->flags & COMMAND_STOP_AT_ARGUMENT) != 0,
					 false,  &cli->given};
	int r = options_parse(&options, &cli->arena, q->words.items, q->words.count, &args, e);
	if (r == 1) {
		help_command(stdout, c);
		return 0;
	}
	if (r < 0)
		return r;
	r = check_count(c, args.count, e);
	if (r < 0) {
		cli_complain(cli, e);
		tell_usage(c);
		return 1;
	}
	if (!(c->flags & COMMAND_ALONE) &&
	    (r = rootless_enter(&cli->settings, cli->argv, &cli->arena, e)) < 0)
		return r;
	if (c->flags & COMMAND_ENTERS && (r = own_program_protect(cli->argv, e)) < 0)
		return r;
	if (!c->run)
		return cli_each(cli, &args, values);
	if (!(c->flags & COMMAND_LATE_ENGINE))
		r = cli_engine(cli, &en, e);
	if (r == 0)
		r = c->run(cli, values, &args, e);
	cli_warn(cli);
	return r;
}

static int hull(struct cli *cli, int argc, char **argv, struct err *e)
{
	struct request q = {0};
	struct settings *s = &cli->settings;
	int r = settings_read(s, &cli->arena, e);
	if (r < 0)
		return r;
	r = read_globals(cli, argc, argv, &q, e);
	if (r <= 0)
		return r;
	cli->command = q.command;
	r = settings_finish(s, &cli->arena, e);
	return r < 0 ? r : run_command(cli, &q, e);
}

/* Output that did not arrive is a failure, though not of the command. */
static int finish(struct cli *cli, int code, struct err *e)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	cli_output_lost("the output", errno, e);
	cli_complain(cli, e);
	return code ? code : 1;
}

int main(int argc, char **argv)
{
	struct cli cli = {.behind = REMOVE_BEHIND_NONE, .network = NETWORK_AHEAD_NONE};
	struct err e = {0};
	/* Most runs need less than this, and none lives long: one brk(2) for all of it. */
	mallopt(M_TOP_PAD, HEAP);
	mallopt(M_TRIM_THRESHOLD, 8 * HEAP);
	/* A line at once: those of commands that run side by side stay whole. */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	cli.argv = argv;
	int code = hull(&cli, argc - 1, argv + 1, &e);
	if (code < 0) {
		cli_complain(&cli, &e);
		code = cli_exit_code(&cli, &e);
		if (e.kind == ERR_USAGE && cli.command)
			tell_usage(cli.command);
		else if (e.kind == ERR_USAGE)
			cli_notice("\nSee 'hull --help'.");
	}
	cli_exit(&cli, finish(&cli, code, &e));
}
