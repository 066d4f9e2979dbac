/* SPDX-License-Identifier: Apache-2.0 */
/* Time stamps and durations, in the spellings of Go and docker. */
#include "tests/unit/unit.h"

#include "base/clock.h"

#define S INT64_C(1000000000)

static void stamps_print_as_go_does(void **state)
{
	(void)state;
	char buf[TIME_TEXT_SIZE];
	static const struct {
		int64_t ns;
		const char *text;
	} table[] = {
		{0, "0001-01-01T00:00:00Z"},
		{1, "1970-01-01T00:00:00.000000001Z"},
		{S, "1970-01-01T00:00:01Z"},
		{S + 120000000, "1970-01-01T00:00:01.12Z"},
		{INT64_C(1795315612123456789), "2026-11-22T02:46:52.123456789Z"},
		{-1, "1969-12-31T23:59:59.999999999Z"},
		{-S, "1969-12-31T23:59:59Z"},
		{-3 * S / 2, "1969-12-31T23:59:58.5Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
		{INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(time_format(table[i].ns, buf), table[i].text);
}

static void stamps_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{"0001-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:01Z", S},
		{"2026-11-22T02:46:52.123456789Z", INT64_C(1795315612123456789)},
		{"2026-11-22T02:46:52.123456789999Z", INT64_C(1795315612123456789)},
		{"2026-11-22T04:46:52.1+02:00", INT64_C(1795315612100000000)},
		{"2026-11-21T19:16:52-07:30", INT64_C(1795315612000000000)},
		{"1969-12-31T23:59:58.5Z", -3 * S / 2},
	};
	static const char *const bad[] = {
		"", "now", "2026-11-22", "2026-11-22T02:46:52Zx", "2026-13-22T02:46:52Z",
		"2026-11-22T02:46:52+2:00", "2026-11-22T02:46:52+-1:-1", "2026-11-22T02:46:52+99:00",
		"9999-01-01T00:00:00Z", "1600-01-01T00:00:00Z", "2026-11-22T02:46:52.Z",
		"2026-11-22T02:46:52+02:60",
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t ns = -7;
		assert_int_equal(time_parse(good[i].text, &ns), 0);
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t ns = 77;
		if (time_parse(bad[i], &ns) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(ns, 77);
	}
}

static void stamps_come_back(void **state)
{
	(void)state;
	char buf[TIME_TEXT_SIZE];
	uint64_t x = 88172645463325252;
	for (int i = 0; i < 20000; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		int64_t ns = (int64_t)(x % (UINT64_C(9000000000) * S)), back = 0;
		assert_int_equal(time_parse(time_format(ns, buf), &back), 0);
		assert_int_equal(back, ns);
	}
}

static void durations_for_people(void **state)
{
	(void)state;
	char buf[TIME_TEXT_SIZE];
	static const struct {
		int64_t s;
		const char *text;
	} table[] = {
		{-5, "Less than a second"}, {0, "Less than a second"}, {1, "1 second"},
		{2, "2 seconds"},	    {59, "59 seconds"},	       {60, "About a minute"},
		{119, "About a minute"},    {120, "2 minutes"},	       {3599, "59 minutes"},
		{3600, "About an hour"},    {5399, "About an hour"},   {5400, "2 hours"},
		{47 * 3600, "47 hours"},    {48 * 3600, "2 days"},     {13 * 86400, "13 days"},
		{14 * 86400, "2 weeks"},    {59 * 86400, "8 weeks"},   {60 * 86400, "2 months"},
		{729 * 86400, "24 months"}, {730 * 86400, "2 years"},  {INT64_MAX / S, "292 years"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(duration_human(table[i].s * S, buf), table[i].text);
}

static void durations_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{"0", 0},	   {"1ns", 1},	       {"10us", 10000},	     {"1\xc2\xb5s", 1000},
		{"500ms", S / 2},  {"1m30s", 90 * S},  {"1.5h", 5400 * S},   {".5s", S / 2},
		{"1h0m1s", 3601 * S}, {"1.s", S},      {"2562047h", INT64_C(2562047) * 3600 * S},
		{"0.1s", S / 10},
	};
	static const char *const bad[] = {
		"", "1", "s", "1x", "-1s", "+1s", "1 s", "1s ", " 1s", "1e3s", "0x10s", "1s2", ".s",
		"infs", "nans", "99999999h", "1..5s", "9223372037s",
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t ns = -7;
		if (duration_parse(good[i].text, &ns) != 0)
			fail_msg("refused: %s", good[i].text);
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t ns = 77;
		if (duration_parse(bad[i], &ns) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(ns, 77);
	}
}

static void clocks_go_forward(void **state)
{
	(void)state;
	int64_t ms = clock_ms(), ns = clock_real_ns();
	assert_true(ms > 0 && ns > 1600000000 * S);
	assert_true(clock_ms() >= ms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamps_print_as_go_does),
		cmocka_unit_test(stamps_are_read),
		cmocka_unit_test(stamps_come_back),
		cmocka_unit_test(durations_for_people),
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(clocks_go_forward),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
