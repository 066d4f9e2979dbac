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

char *time_format(int64_t real_ns, char buf[static TIME_TEXT_SIZE])
{
	if (real_ns == 0)
		return strcpy(buf, "0001-01-01T00:00:00Z");
	time_t seconds = real_ns / NS_PER_S;
	struct tm tm;
	gmtime_r(&seconds, &tm);
	size_t n = strftime(buf, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	if (real_ns % NS_PER_S) {
		n += (size_t)snprintf(buf + n, TIME_TEXT_SIZE - n, ".%09lld",
				      (long long)(real_ns % NS_PER_S));
		while (buf[n - 1] == '0')
			n--;
	}
	strcpy(buf + n, "Z");
	return buf;
}

int time_parse(const char *text, int64_t *ret_real_ns)
{
	struct tm tm = {0};
	const char *p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!p)
		return -EINVAL;
	int64_t fraction = 0;
	if (*p == '.') {
		int64_t unit = NS_PER_S;
		while (isdigit((unsigned char)*++p))
			fraction += (unit /= 10) * (*p - '0');
	}
	int64_t offset = 0;
	if (*p == '+' || *p == '-') {
		int hours, minutes, used = 0;
		if (sscanf(p + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5)
			return -EINVAL;
		offset = (hours * 60 + minutes) * 60 * (*p == '-' ? -1 : 1);
		p += 6;
	} else if (*p == 'Z') {
		p++;
	}
	if (*p)
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

int duration_parse(const char *text, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1},	  {"us", 1e3},	  {"\xc2\xb5s", 1e3}, {"ms", 1e6},
		     {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
	double total = 0;
	if (!strcmp(text, "0")) {
		*ret_ns = 0;
		return 0;
	}
	if (!*text)
		return -EINVAL;
	while (*text) {
		if (!isdigit((unsigned char)*text) && *text != '.')
			return -EINVAL;
		char *end;
		double value = strtod(text, &end);
		size_t len = strcspn(end, "0123456789.");
		size_t i = 0;
		while (i < 7 && (strlen(units[i].name) != len || memcmp(units[i].name, end, len)))
			i++;
		if (end == text || i == 7)
			return -EINVAL;
		total += value * units[i].ns;
		text = end + len;
	}
	if (total > 9e18)
		return -EINVAL;
	*ret_ns = (int64_t)total;
	return 0;
}
