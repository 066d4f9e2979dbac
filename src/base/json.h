/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON objects put together member by member, for what has no struct with a shape; and JSON for
 * people, as docker inspect prints it: four blanks, "key": value, empty ones on one line.
 */
#pragma once

#include <json-c/json.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/strbuf.h"

/** A key that is a literal, and so need not be copied: half of the work of a member. */
#define json_add(o, key, value)                                                                    \
	json_object_object_add_ex(o, "" key, value, JSON_C_OBJECT_ADD_CONSTANT_KEY)
/** NULL is "". */
#define json_add_string(o, key, value) json_add(o, key, json_of_string(value))
#define json_add_int(o, key, value) json_add(o, key, json_object_new_int64(value))
#define json_add_bool(o, key, value) json_add(o, key, json_object_new_boolean(value))
/** RFC 3339. */
#define json_add_time(o, key, ns) json_add(o, key, json_of_time(ns))

struct json_object *json_of_string(const char *text);
struct json_object *json_of_time(int64_t ns);
struct json_object *json_of_strv(const struct strv *items);
struct json_object *json_of_kvs(const struct kvs *map);

/**
 * Text without a tree, for what is written often: each appends to @out, on one line and as json-c
 * would (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE). The commas follow from what
 * stands before. Where a tree is wanted after all: json_parse().
 */
void json_text_open(struct strbuf *out, char bracket);
void json_text_close(struct strbuf *out, char bracket);
/** NULL is "". */
void json_text_string(struct strbuf *out, const char *text);
void json_text_int(struct strbuf *out, int64_t value);
/** A value that is JSON already. */
void json_text_raw(struct strbuf *out, const char *value);
/** The value, which is freed. */
void json_text_object(struct strbuf *out, struct json_object *value);
void json_text_key(struct strbuf *out, const char *key);

/** On one line, at once; @o is freed. */
void json_put_line(FILE *to, struct json_object *o);
/** Append @o; @depth: how far it stands inside. At most JSON_DEPTH_MAX deep. */
void json_print(struct strbuf *out, struct json_object *o, int depth);
