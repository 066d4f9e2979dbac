/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotations "org.systemd.property.NAME" as properties of a unit. The value is in the text form of
 * GVariant, as runc reads it: see GLib's "GVariant Text Format", and org.freedesktop.systemd1(5)
 * for names and types. Simple values and lists of them; no systemd property of a scope that one
 * would set has another type. Read systemd.h first.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "linux/dbus.h"
#include "linux/systemd.h"

#define PREFIX "org.systemd.property."

enum { TEXT_MAX = 4096, USEC = 1000000 };

static const struct type {
	const char *word;
	char sign;
	unsigned char size; /* of a number */
	int64_t min;
	uint64_t max;
} types[] = {
	{"boolean", 'b', 0, 0, 0},
	{"byte", 'y', 1, 0, UINT8_MAX},
	{"int16", 'n', 2, INT16_MIN, INT16_MAX},
	{"uint16", 'q', 2, 0, UINT16_MAX},
	{"int32", 'i', 4, INT32_MIN, INT32_MAX},
	{"uint32", 'u', 4, 0, UINT32_MAX},
	{"int64", 'x', 8, INT64_MIN, INT64_MAX},
	{"uint64", 't', 8, 0, UINT64_MAX},
	{"double", 'd', 0, 0, 0},
	{"string", 's', 0, 0, 0},
	{"objectpath", 'o', 0, 0, 0},
};

static const char *blank(const char *at)
{
	return at + strspn(at, " \t\n\r");
}

static const struct type *by_sign(char sign)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].sign == sign)
			return &types[i];
	return NULL;
}

/* "uint64 5" and "@t 5" name it, or the value shows it; @at is moved behind the name. */
static const struct type *type_of(const char **at, bool *ret_list)
{
	const char *p = *at;
	if (*p == '@') {
		*ret_list = p[1] == 'a';
		p += 1 + *ret_list;
		*at = blank(p + (*p != '\0'));
		return by_sign(*p);
	}
	if (*p == '[') {
		*ret_list = true;
		bool nested = false;
		p = blank(p + 1);
		const struct type *t = type_of(&p, &nested);
		return nested || *p == ']' ? NULL : t;
	}
	size_t word = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789");
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strlen(types[i].word) == word && !strncmp(types[i].word, p, word)) {
			*at = blank(p + word);
			return &types[i];
		}
	}
	return by_sign(*p == '\'' || *p == '"'       ? 's'
		       : *p == 't' || *p == 'f'      ? 'b'
		       : p[strcspn(p, ".,]")] == '.' ? 'd'
						     : 'i');
}

/* Between single or double quotes; a backslash keeps what follows. */
static const char *string(const char *p, char *ret)
{
	char quote = *p++;
	size_t len = 0;
	if (quote != '\'' && quote != '"')
		return NULL;
	for (; *p && *p != quote; p++) {
		if (*p == '\\' && (*++p == '\0' || strchr("abfnrtuUvx01234567", *p)))
			return NULL;
		ret[len++] = *p;
	}
	ret[len] = '\0';
	return *p == quote ? p + 1 : NULL;
}

static const char *number(const struct type *t, const char *p, uint64_t *ret)
{
	char *end;
	bool negative = *p == '-';
	if (p[negative] < '0' || p[negative] > '9')
		return NULL;
	errno = 0;
	*ret = negative ? (uint64_t)strtoll(p, &end, 0) : strtoull(p, &end, 0);
	bool fits = negative ? (int64_t)*ret >= t->min : *ret <= t->max;
	return errno || !fits ? NULL : end;
}

/* One value of the type at @p: put, and what is behind it; NULL when it is none. */
static const char *scalar(struct dbus_body *b, const struct type *t, const char *p)
{
	char text[TEXT_MAX], *end;
	uint64_t bits;
	if (t->size) {
		p = number(t, p, &bits);
		if (p)
			dbus_put_number(b, bits, t->size);
		return p;
	}
	if (t->sign == 'b') {
		bool yes = !strncmp(p, "true", 4);
		dbus_put_number(b, yes, 4);
		return yes ? p + 4 : !strncmp(p, "false", 5) ? p + 5 : NULL;
	}
	if (t->sign == 'd') {
		double value = strtod(p, &end);
		memcpy(&bits, &value, sizeof(bits));
		dbus_put_number(b, bits, 8);
		return end == p ? NULL : end;
	}
	p = string(p, text);
	if (p)
		dbus_put_string(b, text);
	return p;
}

static size_t alignment(const struct type *t)
{
	return t->size ? t->size : t->sign == 'd' ? 8 : 4;
}

static const char *list(struct dbus_body *b, const struct type *t, const char *p)
{
	size_t begin = dbus_array_begin(b, alignment(t));
	if (*p != '[')
		return NULL;
	p = blank(p + 1);
	while (p && *p && *p != ']') {
		bool nested = false;
		if (type_of(&p, &nested) == NULL || nested)
			return NULL;
		p = scalar(b, t, p);
		p = p ? blank(p) : NULL;
		if (p && *p == ',')
			p = blank(p + 1);
		else if (p && *p != ']')
			return NULL;
	}
	dbus_array_end(b, begin, alignment(t));
	return p && *p == ']' ? p + 1 : NULL;
}

/* "TimeoutStopSec": "10" is TimeoutStopUSec, uint64 10000000. */
static bool put_seconds(struct dbus_body *b, char *name, const char *value)
{
	bool is_list = false;
	const struct type *t = type_of(&value, &is_list);
	char *end;
	double seconds = strtod(value, &end);
	if (!t || is_list || !strchr("ynqiuxtd", t->sign) || end == value || *blank(end) ||
	    !(seconds >= 0 && seconds < (double)(UINT64_MAX / USEC)))
		return false;
	memcpy(name + strlen(name) - 3, "USec", 5);
	dbus_property(b, name, "t");
	dbus_put_number(b, (uint64_t)llround(seconds * USEC), 8);
	return true;
}

static bool put_value(struct dbus_body *b, char *name, const char *value)
{
	size_t len = strlen(name);
	bool is_list = false;
	value = blank(value);
	if (len > 3 && !strcmp(name + len - 3, "Sec") && name[len - 4] >= 'a')
		return put_seconds(b, name, value);
	const struct type *t = type_of(&value, &is_list);
	if (!t)
		return false;
	char signature[] = {is_list ? 'a' : t->sign, is_list ? t->sign : '\0', '\0'};
	dbus_property(b, name, signature);
	value = is_list ? list(b, t, value) : scalar(b, t, value);
	return value && !*blank(value);
}

int systemd_property_put(struct dbus_body *b, const char *key, const char *value, struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char name[64];
	if (strncmp(key, PREFIX, sizeof(PREFIX) - 1))
		return 0;
	key += sizeof(PREFIX) - 1;
	size_t len = strlen(key);
	if (len < 3 || len + 2 > sizeof(name) || strspn(key, letters) != len)
		return err_set(e, EINVAL, ERR_INVALID,
			       "annotation " PREFIX "%.100s: no name of a property", key);
	memcpy(name, key, len + 1);
	if (strlen(value) < TEXT_MAX && put_value(b, name, value))
		return 1;
	err_set(e, EINVAL, ERR_INVALID, "annotation " PREFIX "%s: \"%.100s\" is no value", key,
		value);
	return err_hint(e, "as in GVariant's text form: 'text', true, uint64 5, ['a', 'b']");
}
