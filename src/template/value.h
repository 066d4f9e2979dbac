/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON seen as the Go values that docker's templates work on.
 *
 * What JSON leaves open is decided so: a number without a fraction is an int; an object whose
 * values are all strings (labels, options) is a map[string]string, of which a missing key is "";
 * any other object is a map[string]interface {}. A struct template_type overrides that.
 * Ownership: a value borrows; JSON and text live in the data, the template or the execution.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "template/template.h"

/** A piece of text that somebody else owns; not NUL-terminated. */
struct span {
	const char *s;
	size_t len;
};

enum value_kind {
	VALUE_NIL, /* see value_is_nothing() */
	VALUE_BOOL,
	VALUE_INT,
	VALUE_FLOAT, /* also an integer beyond int64_t */
	VALUE_STRING,
	VALUE_LIST,
	VALUE_MAP /* or a struct: value_is_struct() */
};

struct value {
	enum value_kind kind;
	bool boxed;                       /* came out of a container of interface {} */
	bool root;                        /* the object that the methods belong to */
	const struct template_type *type; /* NULL: unknown */
	union {
		bool truth;
		int64_t integer;
		double real;
		struct span text;
		struct {
			struct json_object *json; /* NULL: empty */
			size_t first;             /* LIST: the part that it is */
			size_t count;
		};
	};
};

struct span span_of(const char *text);
bool span_is(struct span s, const char *text);

struct value value_string(struct span text);
struct value value_int(int64_t integer);
struct value value_bool(bool truth);
struct value value_from_json(struct json_object *json, const struct template_type *type);
/** A new reference. */
struct json_object *value_to_json(const struct value *v);

/** A missing key, an untyped nil. Printed <no value>; what is no value has no fields either. */
bool value_is_nothing(const struct value *v);
bool value_is_struct(const struct value *v);
/** A list or map, not a struct. */
bool value_is_container(const struct value *v);
/** Go's truth: not the zero of its type. */
bool value_truth(const struct value *v);
/** As %T prints it. */
const char *value_type_name(const struct value *v);
/** The name for "in type ...": hides what is inside an interface {}. */
const char *value_static_type_name(const struct value *v);
/** A list that can be a []string. */
bool value_is_string_list(const struct value *v);

/** Element @i of a list; it must exist. */
struct value value_element(const struct value *list, size_t i);
/** The value of @key in a map or struct. False: there is none. */
bool value_member(const struct value *map, struct span key, struct value *ret);
/** What a missing key of @map stands for: the zero of its element type. */
struct value value_zero_member(const struct value *map);
/** The keys of a map in byte order; of a struct in field order. NULL-terminated, in @a. */
const char **value_keys(const struct value *map, struct arena *a);

/** Append @real with the fewest digits that read back as the same number, as fmt's %v does; @json:
 * as encoding/json does. */
void value_put_real(struct strbuf *out, double real, bool json);
