/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of docker's --since, in docker's order: duration, date, seconds. Read time_option.h
 * first. */
#include "base/time_option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/units.h"

enum { SECOND = 1000000000 };

/* A date without a zone is local. */
static int date_parse(const char *text, int64_t *ret_ns)
{
	static const struct {
		const char *form;
		time_t (*make)(struct tm *tm);
	} forms[] = {
		{"%Y-%m-%dT%H:%M:%S", mktime}, {"%Y-%m-%dT%H:%M", mktime}, {"%Y-%m-%d", mktime},
		{"%Y-%m-%dT%H:%MZ", timegm},   {"%Y-%m-%dZ", timegm},
	};
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, forms[i].form, &tm);
		if (!end || *end || tm.tm_year < 70 || tm.tm_year > 361)
			continue;
		*ret_ns = (int64_t)forms[i].make(&tm) * SECOND;
		return 0;
	}
	return -EINVAL;
}

/* "1136073600.25" */
static int seconds_parse(const char *text, int64_t *ret_ns)
{
	char whole[24];
	uint64_t seconds;
	size_t len = strcspn(text, ".");
	if (len >= sizeof(whole))
		return -EINVAL;
	snprintf(whole, sizeof(whole), "%.*s", (int)len, text);
	if (uint_parse(whole, INT64_MAX / SECOND - 1, &seconds) < 0)
		return -EINVAL;
	int64_t fraction = 0, unit = SECOND;
	const char *p = text + len;
	if (*p == '.' && !*++p)
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		fraction += (unit /= 10) * (*p - '0');
	*ret_ns = (int64_t)seconds * SECOND + fraction;
	return *p ? -EINVAL : 0;
}

int time_option_parse(const char *text, int64_t now_ns, int64_t *ret_ns, struct err *e)
{
	int64_t ago;
	if (duration_parse(text, &ago) == 0) {
		*ret_ns = now_ns - ago;
		return 0;
	}
	if (date_parse(text, ret_ns) == 0 || time_parse(text, ret_ns) == 0 ||
	    seconds_parse(text, ret_ns) == 0)
		return 0;
	err_set(e, EINVAL, ERR_INVALID, "failed to parse value as time or duration: \"%s\"", text);
	return err_hint(e, "for example 10m, 2026-01-31T12:00:00Z, or seconds since 1970");
}
