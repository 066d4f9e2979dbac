// SPDX-License-Identifier: Apache-2.0
/*
 * Text and dates, as far as hull-monitor uses them: string(3), snprintf with %s, %d and %u, decimal
 * numbers, days since 1970 as a date.
 *
 * Invariant: no locale, no time zone, no memory beyond the caller's. Bytewise: what is hot is in
 * memory.c.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

size_t strlen(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

size_t strnlen(const char *text, size_t max)
{
	size_t n = 0;

	while (n < max && text[n])
		n++;
	return n;
}

char *strchr(const char *text, int c)
{
	for (; *text != (char)c; text++)
		if (!*text)
			return NULL;
	return (char *)text;
}

char *strrchr(const char *text, int c)
{
	return memrchr(text, c, strlen(text) + 1);
}

int strncmp(const char *left, const char *right, size_t max)
{
	for (; max > 0; max--, left++, right++)
		if (*left != *right || !*left)
			return (uint8_t)*left - (uint8_t)*right;
	return 0;
}

int strcmp(const char *left, const char *right)
{
	return strncmp(left, right, SIZE_MAX);
}

char *stpcpy(char *restrict to, const char *restrict from)
{
	size_t n = strlen(from);

	return (char *)memcpy(to, from, n + 1) + n;
}

char *strcpy(char *restrict to, const char *restrict from)
{
	return memcpy(to, from, strlen(from) + 1);
}

char *strcat(char *restrict to, const char *restrict from)
{
	stpcpy(to + strlen(to), from);
	return to;
}

/* Digits only: no sign, no spaces, base 10. */
unsigned long long strtoull(const char *restrict text, char **restrict end, int base)
{
	unsigned long long value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (unsigned long long)(*text - '0');
	if (end)
		*end = (char *)text;
	return value;
}

/* Texts of errors go nowhere here. */
const char *strerrordesc_np(int number)
{
	return NULL;
}

struct output {
	char *to;
	size_t size, len; /* len: of the whole, even if it does not fit */
};

static void put(struct output *o, char c)
{
	if (o->len + 1 < o->size)
		o->to[o->len] = c;
	o->len++;
}

static void put_number(struct output *o, unsigned value)
{
	if (value >= 10)
		put_number(o, value / 10);
	put(o, (char)('0' + value % 10));
}

static void put_text(struct output *o, const char *text)
{
	while (*text)
		put(o, *text++);
}

int vsnprintf(char *restrict to, size_t size, const char *restrict format, va_list args)
{
	struct output o = {to, size, 0};

	for (; *format; format++) {
		if (*format != '%') {
			put(&o, *format);
			continue;
		}
		format++;
		if (*format == 's')
			put_text(&o, va_arg(args, const char *));
		else if (*format == 'u')
			put_number(&o, va_arg(args, unsigned));
		else if (*format == 'd') {
			int value = va_arg(args, int);
			if (value < 0)
				put(&o, '-');
			put_number(&o, value < 0 ? 0u - (unsigned)value : (unsigned)value);
		} else {
			__builtin_trap();
		}
	}
	if (size)
		to[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int snprintf(char *restrict to, size_t size, const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int len = vsnprintf(to, size, format, args);
	va_end(args);
	return len;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of(int year, int month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 1 && is_leap(year));
}

/* From 1970 on, without the day of the week and of the year. Once a second at most, so it counts.
 */
struct tm *gmtime_r(const time_t *restrict time, struct tm *restrict ret)
{
	int year = 1970, month = 0, second = (int)(*time % 86400);
	int64_t day = *time / 86400;

	for (; day >= 365 + is_leap(year); year++)
		day -= 365 + is_leap(year);
	for (; day >= days_of(year, month); month++)
		day -= days_of(year, month);
	*ret = (struct tm){.tm_year = year - 1900,
			   .tm_mon = month,
			   .tm_mday = (int)day + 1,
			   .tm_hour = second / 3600,
			   .tm_min = second / 60 % 60,
			   .tm_sec = second % 60};
	return ret;
}
