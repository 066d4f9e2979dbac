/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manual pages, printed from the tables that also parse: see man(7) and groff_man_style(7) for the
 * macros. All text passes through roff_text, which protects what roff would read as a request.
 * Read man.h first.
 */
#include "cli/man.h"

#include <ctype.h>
#include <string.h>

#include "base/option_print.h"
#include "cli/cli.h"

static void put_paragraphs(FILE *out, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t len = end ? (size_t)(end - text) : strlen(text);
		char part[4096];
		snprintf(part, sizeof(part), "%.*s", (int)len, text);
		fputs(".PP\n", out);
		roff_text(out, part);
		fputc('\n', out);
		text += len + (end ? 2 : 0);
	}
}

static void put_title(FILE *out, const char *name, const char *summary)
{
	char upper[64];
	size_t i = 0;
	for (; name[i] && i < sizeof(upper) - 1; i++)
		upper[i] = name[i] == ' ' ? '-' : (char)toupper((unsigned char)name[i]);
	upper[i] = '\0';
	fprintf(out, ".TH %s%s 1 \"\" \"hull " HULL_VERSION "\" \"hull manual\"\n.SH NAME\nhull",
		*upper ? "HULL-" : "HULL", upper);
	for (i = 0; name[i]; i++) {
		fputs(i == 0 ? "\\-" : "", out);
		fputs(name[i] == ' ' ? "\\-" : (char[]){name[i], '\0'}, out);
	}
	fputs(" \\- ", out);
	roff_text(out, summary);
	fputc('\n', out);
}

/* What docker has and hull refuses: the reader who looks for it finds why. */
static void put_refused(FILE *out, const struct option_table *tables, size_t count)
{
	bool titled = false;
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < tables[t].count; i++) {
			const struct option *o = &tables[t].items[i];
			if (o->type != OPTION_REFUSED && o->type != OPTION_REFUSED_FLAG)
				continue;
			if (!titled)
				fputs(".SH NOT SUPPORTED\n", out);
			titled = true;
			fputs(".TP\n\\fB\\-\\-", out);
			roff_text(out, o->name);
			fputs("\\fR\n", out);
			roff_text(out, o->help);
			fputs(".\n", out);
		}
}

static void put_files(FILE *out)
{
	fputs(".SH FILES\n.TP\n.I /etc/hull/hull.conf\n.TQ\n.I \\(ti/.config/hull/hull.conf\n",
	      out);
	roff_text(out,
		  "One \"key value\" a line; lines that begin with # are comments. The keys:\n");
	for (size_t i = 0; i < settings_keys.count; i++) {
		const struct option *o = &settings_keys.items[i];
		fputs(".RS\n.TP\n\\fB", out);
		roff_text(out, o->name);
		fprintf(out, "\\fR \\fI%s\\fR\n", option_arg(o));
		roff_text(out, o->help);
		fputs(".\n.RE\n", out);
	}
}

static void put_exit_status(FILE *out)
{
	fputs(".SH EXIT STATUS\n.TP\n.B 125\n", out);
	roff_text(out, "The command line makes no sense, or (run, exec) hull itself failed.\n");
	fputs(".TP\n.B 126\n", out);
	roff_text(out, "The command in the container cannot be executed.\n");
	fputs(".TP\n.B 127\n", out);
	roff_text(out, "The command in the container does not exist.\n");
	fputs(".TP\n.B 1\n", out);
	roff_text(out, "Another command failed; or the exit code of the container itself.\n");
}

/* All commands by their first names, or those of a family by their names in it. */
static void put_commands(FILE *out, const char *group)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *c = commands[i];
		const char *verb;
		size_t n = 0;
		while (group && c->names[n] && !command_in_group(c->names[n], group, &verb))
			n++;
		if (c->flags & COMMAND_HIDDEN || !c->names[n])
			continue;
		fputs(".TP\n\\fBhull ", out);
		roff_text(out, c->names[n]);
		fputs("\\fR\n", out);
		roff_text(out, c->summary);
		fputs(".\n", out);
	}
}

void man_group(FILE *out, const struct command_group *g)
{
	put_title(out, g->name, g->summary);
	fprintf(out, ".SH SYNOPSIS\n\\fBhull %s\\fR \\fICOMMAND\\fR\n.SH COMMANDS\n", g->name);
	put_commands(out, g->name);
	fputs(".SH SEE ALSO\n.BR hull (1)\n", out);
}

void man_program(FILE *out)
{
	put_title(out, "", "a container engine that tells you why");
	fputs(".SH SYNOPSIS\n.B hull\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARG\\fR...]\n.SH "
	      "COMMANDS\n",
	      out);
	put_commands(out, NULL);
	roff_options(out, ".SH OPTIONS\n", &settings_options, 1);
	put_files(out);
	put_exit_status(out);
}

void man_command(FILE *out, const struct command *c)
{
	struct option_table tables[COMMAND_TABLES_MAX];
	size_t count = command_tables(c, tables, NULL, NULL);
	put_title(out, c->names[0], c->summary);
	fputs(".SH SYNOPSIS\n\\fBhull ", out);
	roff_text(out, c->names[0]);
	fputs("\\fR ", out);
	roff_text(out, c->synopsis);
	fputc('\n', out);
	fputs(".SH DESCRIPTION\n", out);
	roff_text(out, c->summary);
	fputs(".\n", out);
	if (c->text)
		put_paragraphs(out, c->text);
	if (c->names[1]) {
		fputs(".PP\nAlso:", out);
		for (size_t i = 1; c->names[i]; i++)
			fprintf(out, "%s \\fBhull %s\\fR", i > 1 ? "," : "", c->names[i]);
		fputs(".\n", out);
	}
	roff_options(out, ".SH OPTIONS\n", tables, count);
	put_refused(out, tables, count);
	fputs(".SH SEE ALSO\n.BR hull (1)\n", out);
}
