/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of hull top: one table has what is shown, sorted by, and printed as JSON. */
#pragma once

#include <stdbool.h>

#include "cli/stats_rows.h"

enum top_kind { TOP_PER_CENT, TOP_COUNT, TOP_BYTES, TOP_BYTES_A_SECOND };

struct top_column {
	const char *name; /* of --sort */
	char key;
	const char *title, *json;
	double (*get)(const struct stats_row *r);
	enum top_kind kind;
};
extern const struct top_column top_columns[];
extern const size_t top_column_count;
#define TOP_SORT_NAMES                                                                             \
	"cpu throttled memory fill cache pids waiting zombies write read pressure-cpu "            \
	"pressure-memory "                                                                         \
	"pressure-io in out limit name"

struct top_order {
	const struct top_column *by; /* NULL: the name */
	bool reversed;
};
/** False: there is no such column. */
bool top_order_find(const char *name, struct top_order *ret);
/** Those that run, in order. In @a. */
const struct stats_row **top_sorted(const struct stats_pass *p, struct top_order *o,
				    struct arena *a, size_t *ret_count);

/** Of one processor, in per cent; bytes that are needed. */
double top_cpu(const struct stats_row *r);
double top_memory(const struct stats_row *r);
