/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages in roff (man(7)), from the command table. */
#pragma once

#include <stdio.h>

#include "cli/command.h"

/** hull(1) */
void man_program(FILE *out);
/** hull-run(1) and the like; a space in the name becomes a hyphen. */
void man_command(FILE *out, const struct command *c);
/** hull-volume(1) and the like: the commands of a family. */
void man_group(FILE *out, const struct command_group *g);
