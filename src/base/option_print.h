/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manual pages and completion from the tables of options, for all programs that have any: the roff
 * of man(7), and what a shell's completion asks for.
 */
#pragma once

#include <stdio.h>

#include "base/option.h"

/** Whether an option appears in help, manual and completion. */
bool option_is_shown(const struct option *o);

/** Text that roff must not take for requests of its own. */
void roff_text(FILE *out, const char *text);
/** @heading (".SH OPTIONS\n", or "") and the options that are shown; nothing when there are none.
 */
void roff_options(FILE *out, const char *heading, const struct option_table *tables, size_t count);

/** Print what @shell loads to complete @program. It calls back "PROGRAM __complete -- WORDS...",
 * the last word unfinished, for lines of "candidate TAB description". -EINVAL: no such shell. */
int completion_script(const char *program, const char *shell, struct err *e);
/** One candidate, if it begins with what was typed. */
void completion_offer(const char *typed, const char *dashes, const char *name, const char *about);
/** Options, and --help. */
void completion_offer_options(const char *typed, const struct option_table *tables, size_t count);
/** Whether the option spelled by @word still waits for its value. */
bool completion_wants_value(const struct option_table *tables, size_t count, const char *word);
