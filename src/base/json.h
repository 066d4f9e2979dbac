/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON objects put together member by member, for what has no struct with a shape; and JSON for
 * people, as docker inspect prints it: four blanks, "key": value, empty ones on one line.
 */
#pragma once

#include <json-c/json.h>

#include "base/arena.h"
#include "base/strbuf.h"

/** NULL is "". */
void json_add_string(struct json_object *o, const char *key, const char *value);
void json_add_int(struct json_object *o, const char *key, int64_t value);
void json_add_bool(struct json_object *o, const char *key, bool value);
/** RFC 3339. */
void json_add_time(struct json_object *o, const char *key, int64_t ns);
struct json_object *json_of_strv(const struct strv *items);
struct json_object *json_of_kvs(const struct kvs *map);

/** Append @o; @depth: how far it stands inside. At most JSON_DEPTH_MAX deep. */
void json_print(struct strbuf *out, struct json_object *o, int depth);
