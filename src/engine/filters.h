/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of lists, KEY=VALUE, where docker has one rule for all keys. */
#pragma once

#include "engine/engine.h"

struct network;

/** -EINVAL: no such filter; @known names those that there are. */
int filter_unknown(const char *filter, const char *known, struct err *e);
/** Whether a row, @ctx, has what one filter asks for: 1, 0, or negative errno. */
typedef int (*list_filter_fn)(const void *ctx, const char *filter, struct err *e);
/** Whether all are such as @matches knows, asked with @none, a row in which nothing is: negative
 * errno if one is not. So what is wrong is said where there are no rows, too. */
int filters_check(const struct strv *filters, list_filter_fn matches, const void *none,
		  struct err *e);
/** docker's rule: of one key any may match, of labels all must. */
int filters_all_match(const struct strv *filters, list_filter_fn matches, const void *ctx,
		      struct err *e);
/** Of a struct volume. */
int volume_filter_matches(const void *row, const char *filter, struct err *e);
/** Of a struct secret. */
int secret_filter_matches(const void *row, const char *filter, struct err *e);
/** Of this. */
struct network_candidate {
	struct engine *engine;
	const struct network *network;
};
int network_filter_matches(const void *row, const char *filter, struct err *e);
/** Of a struct image_found. */
int search_filter_matches(const void *row, const char *filter, struct err *e);

/** docker's rule for filters of names and ids (moby, filters.Args.Match): @value is found in @text,
 *  as it is or as a regular expression (regex(7), extended). 1, 0; -EINVAL: it is none, or one that
 *  might be long in the search. */
int filter_finds(const char *text, const char *value, struct err *e);

/** The yes or no of a filter; -EINVAL: neither. */
int filter_bool(const char *filter, bool *ret, struct err *e);
/** What follows @prefix in @text, or NULL if it does not begin so. */
const char *text_after(const char *text, const char *prefix);
