/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and numbers: strict, and never wrapping. */
#include "tests/unit/unit.h"

#include "base/units.h"

#define K INT64_C(1024)

static void sizes_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int r;
		int64_t bytes;
	} table[] = {
		{"0", 0, 0},		    {"512", 0, 512},	       {"512b", 0, 512},
		{"64m", 0, 64 * K * K},	    {"64M", 0, 64 * K * K},    {"1k", 0, K},
		{"10kb", 0, 10 * K},	    {"10KB", 0, 10 * K},       {"2GiB", 0, 2 * K * K * K},
		{"1.5g", 0, 3 * K * K * K / 2}, {".5k", 0, 512},       {"1 k", 0, K},
		{"-1", 0, -1},		    {"1t", 0, K * K * K * K},  {"8191p", 0, 8191 * K * K * K * K * K},
		{"8192p", -ERANGE, 0},	    {"9223372036854775807", 0, INT64_MAX},
		{"9223372036854775808", -ERANGE, 0}, {"99999999999999999999999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},	    {"m", -EINVAL, 0},	       {"-2", -EINVAL, 0},
		{"-1k", -EINVAL, 0},	    {"+1", -EINVAL, 0},	       {"1x", -EINVAL, 0},
		{"1mm", -EINVAL, 0},	    {"1kib2", -EINVAL, 0},     {"0x10", -EINVAL, 0},
		{"1e3", -EINVAL, 0},	    {"1.2.3", -EINVAL, 0},     {" 1", -EINVAL, 0},
		{"1  k", -EINVAL, 0},	    {"1bb", -EINVAL, 0},       {".", -EINVAL, 0},
		{"nan", -EINVAL, 0},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int64_t bytes = 77;
		int r = size_parse(table[i].text, &bytes);
		if (r != table[i].r)
			fail_msg("%s: %d", table[i].text, r);
		assert_int_equal(bytes, r ? 77 : table[i].bytes);
	}
}

static void sizes_are_printed(void **state)
{
	(void)state;
	char buf[SIZE_TEXT_SIZE];
	static const struct {
		int64_t bytes;
		const char *human, *binary;
	} table[] = {
		{0, "0B", "0B"},
		{999, "999B", "999B"},
		{1000, "1kB", "1000B"},
		{1024, "1.02kB", "1KiB"},
		{1230000, "1.23MB", "1.173MiB"},
		{1610612736, "1.61GB", "1.5GiB"},
		{64 * K * K, "67.1MB", "64MiB"},
		{INT64_MAX, "9.22EB", "8EiB"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_string_equal(size_human(table[i].bytes, buf), table[i].human);
		assert_string_equal(size_binary(table[i].bytes, buf), table[i].binary);
	}
}

static void numbers_are_strict(void **state)
{
	(void)state;
	uint64_t u;
	int64_t i;
	assert_int_equal(uint_parse("0", 10, &u), 0);
	assert_int_equal(uint_parse("007", 10, &u), 0);
	assert_int_equal(u, 7);
	assert_int_equal(uint_parse("18446744073709551615", UINT64_MAX, &u), 0);
	assert_true(u == UINT64_MAX);
	u = 77;
	assert_int_equal(uint_parse("18446744073709551616", UINT64_MAX, &u), -ERANGE);
	assert_int_equal(uint_parse("11", 10, &u), -ERANGE);
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "1a", "\xd9\xa1"};
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
		assert_int_equal(uint_parse(bad[n], 10, &u), -EINVAL);
	assert_int_equal(u, 77);
	assert_int_equal(int_parse("-1000", -1000, 1000, &i), 0);
	assert_int_equal(i, -1000);
	assert_int_equal(int_parse("1001", -1000, 1000, &i), -ERANGE);
	assert_int_equal(int_parse("-1001", -1000, 1000, &i), -ERANGE);
	assert_int_equal(int_parse("--1", -1000, 1000, &i), -EINVAL);
	assert_int_equal(int_parse("-", -1000, 1000, &i), -EINVAL);
	assert_int_equal(int_parse("9223372036854775808", INT64_MIN, INT64_MAX, &i), -ERANGE);
}

static void cpus_are_exact(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int r;
		int64_t nano;
	} table[] = {
		{"0.5", 0, 500000000}, {"2", 0, 2000000000}, {".01", 0, 10000000}, {"1.", 0, 1000000000},
		{"0.000000001", 0, 1}, {"0.1", 0, 100000000}, {"9223372036.854775807", 0, INT64_MAX},
		{"9223372036.854775808", -EINVAL, 0}, {"", -EINVAL, 0}, {"-1", -EINVAL, 0},
		{"1e1", -EINVAL, 0}, {"1/2", -EINVAL, 0}, {"99999999999999999999", -ERANGE, 0},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int64_t nano = 77;
		assert_int_equal(nano_parse(table[i].text, &nano), table[i].r);
		assert_int_equal(nano, table[i].r ? 77 : table[i].nano);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(sizes_are_printed),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(cpus_are_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
