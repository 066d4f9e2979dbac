/* SPDX-License-Identifier: Apache-2.0 */
/* --since and --until: durations, dates with and without a zone, seconds; and what is none of
 * these. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <time.h>

#include "base/time_option.h"

static const int64_t now = INT64_C(1800000000) * 1000000000;
#define S(seconds) (INT64_C(seconds) * 1000000000)

static void times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{"10m", S(1800000000) - S(600)},
		{"1h30m", S(1800000000) - S(5400)},
		{"500ms", S(1800000000) - 500000000},
		{"0", S(1800000000)}, /* a duration before it is a time, as in docker */
		{"2026-11-22T02:46:52Z", S(1795315612)},
		{"2026-11-22T02:46:52.5Z", S(1795315612) + 500000000},
		{"2026-11-22T03:46:52+01:00", S(1795315612)},
		{"2026-11-22T02:46Z", S(1795315560)},
		{"2026-11-22Z", S(1795305600)},
		/* Without a zone: local, here two hours ahead. */
		{"2026-11-22T04:46:52", S(1795315612)},
		{"2026-11-22T04:46", S(1795315560)},
		{"2026-11-22", S(1795298400)},
		{"1136073600", S(1136073600)},
		{"1136073600.000000001", S(1136073600) + 1},
	};
	setenv("TZ", "XXX-2", 1);
	tzset();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = {0};
		int64_t ns = 0;
		if (time_option_parse(cases[i].text, now, &ns, &e) < 0)
			fail_msg("%s: %s", cases[i].text, e.text);
		if (ns != cases[i].ns)
			fail_msg("%s: %lld", cases[i].text, (long long)ns);
	}
}

static void refusals(void **state)
{
	(void)state;
	static const char *const bad[] = {"",
					  "foo",
					  "2026-13-01",
					  "1.2.3",
					  "1.",
					  "-1",
					  "2026-11-22T02:46:52Zx",
					  "99999999999999999999",
					  "10 m"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};
		int64_t ns = 77;
		if (time_option_parse(bad[i], now, &ns, &e) >= 0)
			fail_msg("%s was taken: %lld", bad[i], (long long)ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(times), cmocka_unit_test(refusals)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
