/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes: const tables that tie the fields of a C struct to the names of a JSON object.
 *
 * The formats of others (OCI, Docker) and what hull keeps itself are plain structs; one table per
 * struct serves to read, check and write it. Unknown names are ignored, a wrong type is an error
 * that names the path ("process.rlimits[2].soft: expected a number"). Everything read lives in the
 * caller's arena.
 *
 * Also here: parsing JSON text with limits, since json-c objects meet hull's structs here only.
 */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { JSON_DEPTH_MAX = 64 };

/** A number or flag that can be absent, where absent differs from zero. */
struct opt_i64 {
	bool set;
	int64_t value;
};
struct opt_bool {
	bool set;
	bool value;
};

/** A counted array of structs in an arena; `items` points to `count` structs of the shape's size.
 */
struct array {
	void *items;
	size_t count;
};

/** Room for one more item of @size, zeroed. The list is copied, which is fine for the few that a
 * person types. */
void *array_push(struct arena *a, struct array *list, size_t size);

enum field_type {
	FIELD_STR,      /* char *: NULL when absent or null */
	FIELD_BOOL,     /* bool */
	FIELD_I64,      /* int64_t */
	FIELD_U64,      /* int64_t, where -1 stands for 2^64-1 (RLIM_INFINITY) */
	FIELD_F64,      /* double */
	FIELD_OPT_I64,  /* struct opt_i64 */
	FIELD_OPT_BOOL, /* struct opt_bool */
	FIELD_STRV,     /* struct strv: array of strings */
	FIELD_KVS,      /* struct kvs: object whose values are strings */
	FIELD_SET,      /* struct strv: object whose keys count, {"80/tcp": {}} */
	FIELD_STRUCT,   /* a struct of .shape, in place */
	FIELD_PTR,      /* pointer to a struct of .shape; NULL when absent or null */
	FIELD_ARRAY,    /* struct array of structs of .shape */
	FIELD_MAP,      /* the same of an object: its keys go to the first member, a char * */
	FIELD_NUMBERS,  /* struct array of int64_t */
	FIELD_RAW,      /* char *: any JSON value, kept as text */
};

enum field_flags {
	FIELD_KEEP = 1,     /* write even when empty: "" 0 false [] {} */
	FIELD_REQUIRED = 2, /* reading fails without it, so it is written even when empty */
	FIELD_NULL = 4,     /* write null when empty (docker does, for some) */
};

struct shape;
struct field {
	const char *name;
	enum field_type type;
	unsigned flags;
	size_t offset;
	const struct shape *shape;
};
struct shape {
	size_t size; /* of the C struct */
	const struct field *fields;
	size_t count;
};

/** FIELD(struct x, member, "name", FIELD_STR) and the same with flags or with a nested shape. */
#define FIELD(type_, member_, name_, kind_, ...)                                                   \
	{                                                                                          \
		.name = (name_), .type = (kind_), .offset = offsetof(type_, member_),              \
		##__VA_ARGS__                                                                      \
	}
#define SHAPE(type_, fields_)                                                                      \
	{                                                                                          \
		.size = sizeof(type_), .fields = (fields_),                                        \
		.count = sizeof(fields_) / sizeof((fields_)[0])                                    \
	}

/** Parse JSON text: at most JSON_DEPTH_MAX deep, nothing after the value, no duplicate limits
 *  beyond json-c's. On success the caller owns *ret (json_object_put). */
int json_parse(const char *text, size_t len, struct json_object **ret, struct err *e);
static inline void cleanup_json(struct json_object **o)
{
	json_object_put(*o);
}
#define CLEANUP_JSON __attribute__((cleanup(cleanup_json)))

/** Fill the struct at @out (zeroed by the caller or holding defaults) from @o. */
int shape_read(const struct shape *s, struct json_object *o, void *out, struct arena *a,
	       struct err *e);
/** json_parse and shape_read in one. */
int shape_parse(const struct shape *s, const char *text, size_t len, void *out, struct arena *a,
		struct err *e);
/** The same for many texts, of which most are equal to the one before: that one is copied, with
 * what it points to. @last begins zeroed; NULL: there is but one. */
struct shape_last {
	const char *text;
	void *value;
};
int shape_parse_next(const struct shape *s, const char *text, struct shape_last *last, void *out,
		     struct arena *a, struct err *e);
/** A new object with the struct's fields in the order of the table; empty ones are left out. */
struct json_object *shape_write(const struct shape *s, const void *in);
/** The same as JSON text in the arena; @pretty as people read it (two spaces). */
char *shape_print(const struct shape *s, const void *in, bool pretty, struct arena *a);

/** A map as a JSON object of strings, and back (pairs are added to @m; values of other types count
 * as their text). */
char *kvs_print(const struct kvs *m, struct arena *a);
int kvs_parse(const char *text, struct kvs *m, struct arena *a, struct err *e);
