/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help texts. The layout is that of docker's client, because people and completion scripts read it:
 * two columns, the second wrapped at 80 or at the terminal's width. Read help.h first.
 */
#include "cli/help.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/option_print.h"
#include "cli/cli.h"

enum { WIDTH_MIN = 60, WIDTH_DEFAULT = 80, WIDTH_MAX = 120, VERB_WIDTH = 12 };

static int terminal_width(FILE *out)
{
	struct winsize w;
	if (ioctl(fileno(out), TIOCGWINSZ, &w) < 0 || !w.ws_col)
		return WIDTH_DEFAULT;
	return w.ws_col < WIDTH_MIN ? WIDTH_MIN : w.ws_col > WIDTH_MAX ? WIDTH_MAX : w.ws_col;
}

/* Print @text from column @indent on, broken at blanks; the cursor stands at @indent already. */
static void put_wrapped(FILE *out, const char *text, int indent, int width)
{
	int column = indent;
	while (*text) {
		size_t len = strcspn(text, " \n");
		if (column > indent && column + 1 + (int)len > width) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, len, out);
		column += (int)len;
		text += len;
		text += *text != '\0';
	}
	fputc('\n', out);
}

static int name_width(const struct option *o)
{
	const char *arg = option_arg(o);
	return (int)strlen(o->name) + (*arg ? 1 + (int)strlen(arg) : 0);
}

static bool shows_default(const struct option *o)
{
	return o->initial && strcmp(o->initial, "false") != 0;
}

static void put_option(FILE *out, const struct option *o, int names, int width)
{
	const char *arg = option_arg(o);
	if (o->letter)
		fprintf(out, "  -%c, ", o->letter);
	else
		fputs("      ", out);
	fprintf(out, "--%s%s%-*s   ", o->name, *arg ? " " : "",
		names - (int)strlen(o->name) - (*arg ? 1 : 0), arg);
	char text[1024];
	bool quoted = o->type == OPTION_STR || o->type == OPTION_CUSTOM;
	snprintf(text, sizeof(text),
		 shows_default(o) ? quoted ? "%s (default \"%s\")" : "%s (default %s)" : "%s",
		 o->help, o->initial);
	put_wrapped(out, text, names + 11, width);
}

/* The shown options of all tables, merged by name: each table is in alphabetical order. */
static const struct option *next_option(const struct option_table *tables, size_t count, size_t *at)
{
	const struct option *first = NULL;
	size_t from = 0;
	for (size_t t = 0; t < count; t++) {
		while (at[t] < tables[t].count && !option_is_shown(&tables[t].items[at[t]]))
			at[t]++;
		if (at[t] == tables[t].count)
			continue;
		const struct option *o = &tables[t].items[at[t]];
		if (!first || strcmp(o->name, first->name) < 0) {
			first = o;
			from = t;
		}
	}
	if (first)
		at[from]++;
	return first;
}

static void put_options(FILE *out, const char *title, const struct option_table *tables,
			size_t count)
{
	size_t at[COMMAND_TABLES_MAX] = {0};
	int names = 0, width = terminal_width(out);
	const struct option *o;
	while ((o = next_option(tables, count, at)))
		if (name_width(o) > names)
			names = name_width(o);
	if (!names)
		return;
	fprintf(out, "\n%s:\n", title);
	memset(at, 0, sizeof(at));
	while ((o = next_option(tables, count, at)))
		put_option(out, o, names, width);
}

void help_usage(FILE *out, const struct command *c)
{
	fprintf(out, "Usage:  hull %s%s%s\n", c->names[0], *c->synopsis ? " " : "", c->synopsis);
}

void help_command(FILE *out, const struct command *c)
{
	struct option_table tables[COMMAND_TABLES_MAX];
	size_t count = command_tables(c, tables, NULL, NULL);
	help_usage(out, c);
	fprintf(out, "\n%s\n", c->summary);
	if (c->names[1]) {
		fputs("\nAliases:\n  ", out);
		for (size_t i = 0; c->names[i]; i++)
			fprintf(out, "%shull %s", i ? ", " : "", c->names[i]);
		fputc('\n', out);
	}
	put_options(out, "Options", tables, count);
}

static void put_commands(FILE *out, const char *title, unsigned mask, unsigned flags)
{
	fprintf(out, "\n%s:\n", title);
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = commands[i];
		if ((c->flags & mask) == flags && !strchr(c->names[0], ' '))
			fprintf(out, "  %-*s%s\n", VERB_WIDTH, c->names[0], c->summary);
	}
}

void help_program(FILE *out)
{
	fputs("Usage:  hull [OPTIONS] COMMAND\n\nA container engine that tells you why\n", out);
	put_commands(out, "Common Commands", COMMAND_HIDDEN | COMMAND_COMMON, COMMAND_COMMON);
	fputs("\nManagement Commands:\n", out);
	for (size_t i = 0; i < command_group_count; i++)
		fprintf(out, "  %-*s%s\n", VERB_WIDTH, command_groups[i].name,
			command_groups[i].summary);
	put_commands(out, "Commands", COMMAND_HIDDEN | COMMAND_COMMON, 0);
	put_options(out, "Global Options", &settings_options, 1);
	fputs("\nRun 'hull COMMAND --help' for more information on a command, 'hull man COMMAND' "
	      "for its "
	      "manual.\n",
	      out);
}

void help_group(FILE *out, const struct command_group *g)
{
	fprintf(out, "Usage:  hull %s COMMAND\n\n%s\n\nCommands:\n", g->name, g->summary);
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = commands[i];
		for (size_t n = 0; c->names[n]; n++) {
			const char *verb;
			if (c->flags & COMMAND_HIDDEN ||
			    !command_in_group(c->names[n], g->name, &verb))
				continue;
			fprintf(out, "  %-*s%s\n", VERB_WIDTH, verb, c->summary);
			break; /* the rest are aliases */
		}
	}
	fprintf(out, "\nRun 'hull %s COMMAND --help' for more information on a command.\n",
		g->name);
}
