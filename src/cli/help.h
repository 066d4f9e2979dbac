/* SPDX-License-Identifier: Apache-2.0 */
/* What `--help` prints, laid out as docker's, from the command table. */
#pragma once

#include <stdio.h>

#include "cli/command.h"

/** `hull --help` */
void help_program(FILE *out);
/** `hull container --help` */
void help_group(FILE *out, const struct command_group *g);
/** `hull run --help` */
void help_command(FILE *out, const struct command *c);
/** "Usage:  hull run [OPTIONS] IMAGE ..." and a newline. */
void help_usage(FILE *out, const struct command *c);
