/* SPDX-License-Identifier: Apache-2.0 */
/* The types of option values: how their text is read, and what help calls it. See option.h. */
#pragma once

#include "base/option.h"

struct option_value_type {
	const char *arg;
	bool takes_value;
	option_set_fn set;
};

const struct option_value_type *option_value_type(enum option_type type);

static inline bool option_is_refused(const struct option *o)
{
	return o->type == OPTION_REFUSED || o->type == OPTION_REFUSED_FLAG;
}

/** Setters that tables also name directly. All have the type option_set_fn. */
int option_set_bool(void *field, const char *value, struct arena *a, struct err *e);
int option_set_str(void *field, const char *value, struct arena *a, struct err *e);
int option_set_int(void *field, const char *value, struct arena *a, struct err *e);
int option_set_lower_list(void *field, const char *value, struct arena *a, struct err *e);
/** A path that the user typed, made absolute and clean; not resolved. */
int path_from_cwd(const char *path, char **ret, struct arena *a, struct err *e);
