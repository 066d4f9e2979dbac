/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: JSON into a struct by a shape that has a field of every type, and back. What is
 * written must read back to the same text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct inner {
	char *name;
	int64_t n;
};
static const struct field inner_fields[] = {
	FIELD(struct inner, name, "name", FIELD_STR),
	FIELD(struct inner, n, "n", FIELD_I64),
};
static const struct shape inner_shape = SHAPE(struct inner, inner_fields);

struct all {
	char *s, *raw;
	bool b;
	int64_t i, u;
	double f;
	struct opt_i64 oi;
	struct opt_bool ob;
	struct strv v, set;
	struct kvs m;
	struct inner in, *p;
	struct array list, numbers;
};
static const struct field all_fields[] = {
	FIELD(struct all, s, "s", FIELD_STR),
	FIELD(struct all, raw, "raw", FIELD_RAW),
	FIELD(struct all, b, "b", FIELD_BOOL),
	FIELD(struct all, i, "i", FIELD_I64),
	FIELD(struct all, u, "u", FIELD_U64),
	FIELD(struct all, f, "f", FIELD_F64),
	FIELD(struct all, oi, "oi", FIELD_OPT_I64),
	FIELD(struct all, ob, "ob", FIELD_OPT_BOOL),
	FIELD(struct all, v, "v", FIELD_STRV),
	FIELD(struct all, set, "set", FIELD_SET),
	FIELD(struct all, m, "m", FIELD_KVS),
	FIELD(struct all, in, "in", FIELD_STRUCT, .shape = &inner_shape),
	FIELD(struct all, p, "p", FIELD_PTR, .shape = &inner_shape),
	FIELD(struct all, list, "list", FIELD_ARRAY, .shape = &inner_shape),
	FIELD(struct all, numbers, "numbers", FIELD_NUMBERS),
};
static const struct shape all_shape = SHAPE(struct all, all_fields);

static char *reprint(const char *text, size_t len, struct arena *a)
{
	struct err e;
	struct all o = {0};
	if (shape_parse(&all_shape, text, len, &o, a, &e) < 0)
		return NULL;
	return shape_print(&all_shape, &o, false, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	char *once = reprint((const char *)data, size, &a);
	if (!once)
		return 0;
	char *twice = reprint(once, strlen(once), &a);
	if (!twice || strcmp(once, twice))
		abort();
	return 0;
}
