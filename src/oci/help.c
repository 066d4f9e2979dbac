/* SPDX-License-Identifier: Apache-2.0 */
/* Help, from the tables of commands and options. Read base/option.h first. */
#include <stdio.h>
#include <string.h>

#include "base/option_print.h"
#include "oci/oci.h"

enum { COMMAND_WIDTH = 12 };

static void put_options(const char *title, const struct option_table *t)
{
	int width = 0;
	for (size_t i = 0; i < t->count; i++) {
		int n = (int)(strlen(t->items[i].name) + strlen(option_arg(&t->items[i])) + 1);
		width = n > width ? n : width;
	}
	printf(t->count ? "\n%s:\n" : "", title);
	for (size_t i = 0; i < t->count; i++) {
		const struct option *o = &t->items[i];
		if (!option_is_shown(o))
			continue;
		char letter[] = {' ',
				 ' ',
				 o->letter ? '-' : ' ',
				 o->letter ? o->letter : ' ',
				 o->letter ? ',' : ' ',
				 '\0'};
		printf("%s --%s %-*s  %s\n", letter, o->name, width - (int)strlen(o->name),
		       option_arg(o), o->help);
	}
}

void oci_help_program(void)
{
	puts("Usage:  hull-runtime [OPTIONS] COMMAND\n\n"
	     "Runs containers from bundles of the Open Container Initiative, as runc does\n\n"
	     "Commands:");
	for (size_t i = 0; i < oci_command_count; i++)
		if (!(oci_commands[i]->flags & OCI_HIDDEN))
			printf("  %-*s%s\n", COMMAND_WIDTH, oci_commands[i]->name,
			       oci_commands[i]->summary);
	put_options("Options", &oci_global_options);
	puts("\nRun 'hull-runtime COMMAND --help' for more information on a command.");
}

void oci_help_command(const struct oci_command *c)
{
	printf("Usage:  hull-runtime %s%s%s%s\n\n%s\n", c->name,
	       c->options.count ? " [OPTIONS]" : "", *c->synopsis ? " " : "", c->synopsis,
	       c->summary);
	put_options("Options", &c->options);
}
