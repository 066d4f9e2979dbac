/* SPDX-License-Identifier: Apache-2.0 */
/* --format of what shows whole objects: inspect, info, version. */
#pragma once

#include "template/template.h"

/** Parse @format: "json" is one object a line; NULL or "" leaves *@ret NULL. */
int object_format_open(const char *format, struct template **ret, struct err *e);
/** Append what @t makes of @o, and a newline. */
int object_format_put(const struct template *t, struct json_object *o, struct strbuf *out,
		      struct err *e);
/** All of that for one object, to stdout. */
int object_format_print(const char *format, struct json_object *o, struct err *e);
