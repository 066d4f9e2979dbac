/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns as docker prints them: cells end with a tab, each column is as wide as its widest cell
 * plus three blanks and has a least width. A run of lines without a column ends it (Go's
 * text/tabwriter).
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

enum { TABLE_WIDTH_MIN = 10, TABLE_PADDING = 3, TABLE_LINES_MAX = 1024 * 1024 };

/** Print @text, whose lines end with '\n' and whose cells end with '\t'. @width_min: docker's is
 *  TABLE_WIDTH_MIN, in `top` 20. 0, or -E2BIG. */
int table_print(FILE *out, const char *text, size_t len, size_t width_min, struct err *e);
