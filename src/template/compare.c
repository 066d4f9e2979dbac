/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing values. Go compares only what has the same basic kind: an int is never equal to a
 * float or a string, it is an error to ask. Nil may be compared with anything.
 * Source: the documentation of Go's text/template ("Functions", comparison operators).
 */
#include "template/compare.h"

#include <string.h>

#include "template/format.h"

static const char incompatible[] = "incompatible types for comparison";
static const char invalid[] = "invalid type for comparison";

static bool is_basic(const struct value *v)
{
	return v->kind >= VALUE_BOOL && v->kind <= VALUE_STRING;
}

static bool is_nil(const struct value *v)
{
	return v->kind <= VALUE_NIL || (v->kind >= VALUE_LIST && v->type && !v->json);
}

/* An untyped nil: no value at all, which Go lets be compared with anything. */
static bool is_nothing(const struct value *v)
{
	return v->kind == VALUE_NONE || (v->kind == VALUE_NIL && !v->type);
}

static bool is_integer(const struct value *v)
{
	return v->kind == VALUE_INT || v->kind == VALUE_UINT;
}

/* <0, 0, >0 for two integers: those that are VALUE_UINT are beyond all VALUE_INT. */
static int order_integers(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return a->kind == VALUE_UINT ? 1 : -1;
	if (a->kind == VALUE_INT)
		return (a->integer > b->integer) - (a->integer < b->integer);
	return (a->natural > b->natural) - (a->natural < b->natural);
}

static int order_strings(struct span a, struct span b)
{
	int r = memcmp(a.s, b.s, a.len < b.len ? a.len : b.len);
	return r ? r : (a.len > b.len) - (a.len < b.len);
}

static int fail_containers(struct exec *x, const struct value *a, const struct value *b)
{
	CLEANUP_STRBUF struct strbuf left = STRBUF_MAX(4096), right = STRBUF_MAX(4096);
	const struct value *shown = a->kind == b->kind ? b : a;
	template_printf(&left, &x->arena, value_span("%s"), shown, 1);
	if (shown == b)
		return template_exec_reason(x, "non-comparable type %s: %s", strbuf_text(&left),
					    value_type_name(b));
	template_print(&right, &x->arena, b, 1);
	return template_exec_reason(x, "non-comparable types %s: %s, %s: %s", strbuf_text(&left),
				    value_type_name(a), value_type_name(b), strbuf_text(&right));
}

static bool equal_basic(const struct value *a, const struct value *b)
{
	if (is_integer(a))
		return order_integers(a, b) == 0;
	if (a->kind == VALUE_BOOL)
		return a->truth == b->truth;
	if (a->kind == VALUE_FLOAT)
		return a->real == b->real;
	return order_strings(a->text, b->text) == 0;
}

static int equal(struct exec *x, const struct value *a, const struct value *b, bool *ret)
{
	bool same = a->kind == b->kind || (is_integer(a) && is_integer(b));
	if (same && is_basic(a)) {
		*ret = equal_basic(a, b);
		return 0;
	}
	if (is_basic(a) || is_basic(b)) {
		if (!is_nothing(a) && !is_nothing(b))
			return template_exec_reason(x, incompatible);
		*ret = false;
		return 0;
	}
	if (!is_nil(a) && !is_nil(b))
		return fail_containers(x, a, b);
	*ret = is_nil(a) == is_nil(b);
	return 0;
}

static int less(struct exec *x, const struct value *a, const struct value *b, bool *ret)
{
	if (!is_basic(a) || !is_basic(b))
		return template_exec_reason(x, invalid);
	if (is_integer(a) && is_integer(b)) {
		*ret = order_integers(a, b) < 0;
		return 0;
	}
	if (a->kind != b->kind)
		return template_exec_reason(x, incompatible);
	if (a->kind == VALUE_BOOL)
		return template_exec_reason(x, invalid);
	*ret = a->kind == VALUE_FLOAT ? a->real < b->real : order_strings(a->text, b->text) < 0;
	return 0;
}

static int less_or_equal(struct exec *x, const struct value *a, const struct value *b, bool *ret)
{
	int r = less(x, a, b, ret);
	return r || *ret ? r : equal(x, a, b, ret);
}

int template_compare_eq(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	bool truth = false;
	if (count < 2)
		return template_exec_reason(x, "missing argument for comparison");
	for (size_t i = 1; i < count && !truth; i++) {
		int r = equal(x, &args[0], &args[i], &truth);
		if (r)
			return r;
	}
	*ret = value_bool(truth);
	return 0;
}

/* The others are one relation, perhaps turned round. */
static int relation(struct exec *x, const struct value *args, struct value *ret, bool negate,
		    int (*holds)(struct exec *, const struct value *, const struct value *, bool *))
{
	bool truth = false;
	int r = holds(x, &args[0], &args[1], &truth);
	if (!r)
		*ret = value_bool(truth != negate);
	return r;
}

int template_compare_ne(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	return relation(x, args, ret, true, equal);
}

int template_compare_lt(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	return relation(x, args, ret, false, less);
}

int template_compare_le(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	return relation(x, args, ret, false, less_or_equal);
}

int template_compare_gt(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	return relation(x, args, ret, true, less_or_equal);
}

int template_compare_ge(struct exec *x, const struct value *args, size_t count, struct value *ret)
{
	(void)count;
	return relation(x, args, ret, true, less);
}
