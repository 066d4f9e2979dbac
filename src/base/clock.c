/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, time stamps and durations in the spellings of docker and Go. Read clock.h first. */
#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

int64_t clock_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_real_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t clock_boot_ns(void)
{
	return clock_real_ns() - clock_ms() * 1000000;
}

char *time_format(int64_t real_ns, char buf[static TIME_TEXT_SIZE])
{
	if (real_ns == 0)
		return strcpy(buf, "0001-01-01T00:00:00Z");
	int64_t fraction = real_ns % NS_PER_S;
	if (fraction < 0)
		fraction += NS_PER_S; /* before 1970 */
	time_t seconds = real_ns / NS_PER_S - (real_ns < 0 && fraction);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	size_t n = strftime(buf, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	if (fraction) {
		n += (size_t)snprintf(buf + n, TIME_TEXT_SIZE - n, ".%09lld", (long long)fraction);
		while (buf[n - 1] == '0')
			n--;
	}
	strcpy(buf + n, "Z");
	return buf;
}

/* "Z", "+02:00", "-07:30" or nothing, up to the end of the text. */
static int zone_parse(const char *p, int64_t *ret_seconds)
{
	*ret_seconds = 0;
	if (!strcmp(p, "Z") || !*p)
		return 0;
	if ((*p != '+' && *p != '-') || strlen(p) != strlen("+00:00") || p[3] != ':' ||
	    strspn(p + 1, "0123456789") != 2 || strspn(p + 4, "0123456789") != 2)
		return -EINVAL;
	int hours = (p[1] - '0') * 10 + p[2] - '0';
	int minutes = (p[4] - '0') * 10 + p[5] - '0';
	if (hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_seconds = (hours * 60 + minutes) * 60 * (*p == '-' ? -1 : 1);
	return 0;
}

/* Digits behind a decimal point, to billionths; those beyond are left out. */
static const char *fraction_parse(const char *p, int64_t *ret_billionths)
{
	int64_t unit = NS_PER_S;
	*ret_billionths = 0;
	for (; isdigit((unsigned char)*p); p++)
		*ret_billionths += (unit /= 10) * (*p - '0');
	return p;
}

int time_parse(const char *text, int64_t *ret_real_ns)
{
	struct tm tm = {0};
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!p)
		return -EINVAL;
	int64_t fraction = 0, offset;
	if (*p == '.') {
		if (!isdigit((unsigned char)p[1]))
			return -EINVAL;
		p = fraction_parse(p + 1, &fraction);
	}
	if (zone_parse(p, &offset) < 0)
		return -EINVAL;
	if (tm.tm_year + 1900 <= 1) {
		*ret_real_ns = 0;
		return 0;
	}
	if (tm.tm_year + 1900 < 1678 || tm.tm_year + 1900 > 2261)
		return -EINVAL;
	*ret_real_ns = ((int64_t)timegm(&tm) - offset) * NS_PER_S + fraction;
	return 0;
}

char *duration_human(int64_t ns, char buf[static TIME_TEXT_SIZE])
{
	long long s = ns / NS_PER_S;
	long long h = (s + 1800) / 3600; /* docker rounds hours */
	if (s < 1)
		return strcpy(buf, "Less than a second");
	if (s == 1)
		return strcpy(buf, "1 second");
	if (s >= 60 && s < 120)
		return strcpy(buf, "About a minute");
	if (s >= 3600 && h == 1)
		return strcpy(buf, "About an hour");
	static const struct {
		long long below, unit;
		const char *name;
	} steps[] = {{60, 1, "seconds"}, {3600, 60, "minutes"}};
	for (size_t i = 0; i < 2; i++) {
		if (s < steps[i].below) {
			snprintf(buf, TIME_TEXT_SIZE, "%lld %s", s / steps[i].unit, steps[i].name);
			return buf;
		}
	}
	if (h < 48)
		snprintf(buf, TIME_TEXT_SIZE, "%lld hours", h);
	else if (h < 24 * 7 * 2)
		snprintf(buf, TIME_TEXT_SIZE, "%lld days", h / 24);
	else if (h < 24 * 30 * 2)
		snprintf(buf, TIME_TEXT_SIZE, "%lld weeks", h / 24 / 7);
	else if (h < 24 * 365 * 2)
		snprintf(buf, TIME_TEXT_SIZE, "%lld months", h / 24 / 30);
	else
		snprintf(buf, TIME_TEXT_SIZE, "%lld years", h / 24 / 365);
	return buf;
}

/* One number of a duration: its whole part, and billionths of its fraction. */
static const char *number_parse(const char *p, int64_t *ret_whole, int64_t *ret_billionths)
{
	int64_t whole = 0;
	*ret_billionths = 0;
	if (!isdigit((unsigned char)*p) && !(*p == '.' && isdigit((unsigned char)p[1])))
		return NULL;
	for (; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(whole, INT64_C(10), &whole) ||
		    __builtin_add_overflow(whole, (int64_t)(*p - '0'), &whole))
			return NULL;
	*ret_whole = whole;
	return *p == '.' ? fraction_parse(p + 1, ret_billionths) : p;
}

/* Nanoseconds in the unit at @p, and its length; 0 for none. */
static int64_t unit_parse(const char *p, size_t *ret_len)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{"ns", 1},           {"us", 1000},    {"\xc2\xb5s", 1000}, /* micro sign */
		{"\xce\xbcs", 1000},                                       /* Greek mu */
		{"ms", 1000000},     {"s", NS_PER_S}, {"m", 60 * NS_PER_S}, {"h", 3600 * NS_PER_S}};
	*ret_len = strcspn(p, "0123456789.");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == *ret_len && !memcmp(units[i].name, p, *ret_len))
			return units[i].ns;
	return 0;
}

int duration_parse(const char *text, int64_t *ret_ns)
{
	int64_t total = 0;
	if (!strcmp(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (!*text)
		return -EINVAL;
	while (*text) {
		int64_t whole, fraction, unit, part;
		size_t len;
		text = number_parse(text, &whole, &fraction);
		if (!text || !(unit = unit_parse(text, &len)) ||
		    __builtin_mul_overflow(whole, unit, &part) ||
		    __builtin_add_overflow(total, part, &total))
			return -EINVAL;
		/* Below 1 the product of two numbers of 63 bits would not fit. */
		part = (int64_t)((__int128)fraction * unit / NS_PER_S);
		if (__builtin_add_overflow(total, part, &total))
			return -EINVAL;
		text += len;
	}
	*ret_ns = total;
	return 0;
}
