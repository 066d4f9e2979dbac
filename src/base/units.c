/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing and printing of sizes and numbers. Read units.h first. */
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"

int bool_parse(const char *text, bool *ret)
{
	static const char *const words[2][6] = {{"0", "f", "F", "false", "FALSE", "False"},
						{"1", "t", "T", "true", "TRUE", "True"}};
	for (size_t truth = 0; truth < 2; truth++)
		for (size_t i = 0; i < 6; i++)
			if (!strcmp(words[truth][i], text)) {
				*ret = truth;
				return 0;
			}
	return -EINVAL;
}

int uint_parse(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return -ERANGE;
	}
	if (value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int int_parse(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	uint64_t magnitude;
	int negative = *text == '-';
	int r = uint_parse(text + negative, INT64_MAX, &magnitude);
	if (r < 0)
		return r;
	int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

/* Digits with an optional fraction; the value is scaled by 10^9 in @ret. */
static int decimal_parse(const char **text, __int128 *ret)
{
	const char *p = *text;
	__int128 whole = 0, fraction = 0, unit = 1000000000;
	if (!isdigit((unsigned char)*p) && !(*p == '.' && isdigit((unsigned char)p[1])))
		return -EINVAL;
	for (; isdigit((unsigned char)*p); p++)
		if ((whole = whole * 10 + (*p - '0')) > INT64_MAX)
			return -ERANGE;
	if (*p == '.')
		while (isdigit((unsigned char)*++p))
			fraction += (unit /= 10) * (*p - '0');
	*text = p;
	*ret = whole * 1000000000 + fraction;
	return 0;
}

int nano_parse(const char *text, int64_t *ret_nano)
{
	__int128 nano;
	int r = decimal_parse(&text, &nano);
	if (r < 0 || *text || nano > INT64_MAX)
		return r < 0 ? r : -EINVAL;
	*ret_nano = (int64_t)nano;
	return 0;
}

int size_parse(const char *text, int64_t *ret_bytes)
{
	static const char letters[] = "bkmgtp";
	__int128 nano;
	if (!strcmp(text, "-1")) {
		*ret_bytes = -1;
		return 0;
	}
	int r = decimal_parse(&text, &nano);
	if (r < 0)
		return r;
	if (*text == ' ')
		text++;
	int power = 0;
	if (*text) {
		const char *at = strchr(letters, tolower((unsigned char)*text));
		if (!at)
			return -EINVAL;
		power = (int)(at - letters);
		text++;
		if (power && !strcasecmp(text, "ib"))
			text += 2;
		else if (power && !strcasecmp(text, "b"))
			text++;
	}
	if (*text)
		return -EINVAL;
	__int128 bytes = nano;
	for (; power > 0; power--)
		if ((bytes *= 1024) / 1000000000 > INT64_MAX)
			return -ERANGE;
	bytes /= 1000000000;
	if (bytes > INT64_MAX)
		return -ERANGE;
	*ret_bytes = (int64_t)bytes;
	return 0;
}

static char *size_print(int64_t bytes, double base, const char *const *units, int digits, char *buf)
{
	double value = (double)bytes;
	int i = 0;
	while (value >= base && i < 6) {
		value /= base;
		i++;
	}
	snprintf(buf, SIZE_TEXT_SIZE, "%.*g%s", digits, value, units[i]);
	return buf;
}

char *size_human(int64_t bytes, char buf[static SIZE_TEXT_SIZE])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	return size_print(bytes, 1000, units, 3, buf);
}

char *size_binary(int64_t bytes, char buf[static SIZE_TEXT_SIZE])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	return size_print(bytes, 1024, units, 4, buf);
}

char *size_text(struct arena *a, int64_t bytes)
{
	char text[SIZE_TEXT_SIZE];
	return arena_strdup(a, size_binary(bytes < 0 ? 0 : bytes, text));
}
