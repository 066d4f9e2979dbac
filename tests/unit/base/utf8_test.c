/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: the borders of each width, and what is no character (RFC 3629). */
#include "tests/unit/unit.h"

#include "base/utf8.h"

static void characters_are_read_and_written(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		uint32_t c;
	} cases[] = {
		{"a", 'a'},
		{"\x7f", 0x7F},
		{"\xc2\x80", 0x80},
		{"\xdf\xbf", 0x7FF},
		{"\xe0\xa0\x80", 0x800},
		{"\xef\xbf\xbd", 0xFFFD},
		{"\xed\x9f\xbf", 0xD7FF},
		{"\xf0\x90\x80\x80", 0x10000},
		{"\xf4\x8f\xbf\xbf", 0x10FFFF},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char out[UTF8_MAX];
		uint32_t c;
		size_t len = strlen(cases[i].bytes);
		assert_int_equal(utf8_decode(cases[i].bytes, len, &c), len);
		assert_int_equal(c, cases[i].c);
		assert_int_equal(utf8_encode(c, out), len);
		assert_memory_equal(out, cases[i].bytes, len);
		/* Cut off, it is one broken byte. */
		if (len > 1) {
			assert_int_equal(utf8_decode(cases[i].bytes, len - 1, &c), 1);
			assert_int_equal(c, UTF8_BROKEN);
		}
	}
}

static void broken_bytes_have_width_one(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
		"\xff",         "\xe2\x28\xa1",
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t c;
		assert_int_equal(utf8_decode(cases[i], strlen(cases[i]), &c), 1);
		assert_int_equal(c, UTF8_BROKEN);
	}
}

static void impossible_characters_are_replaced(void **state)
{
	(void)state;
	char out[UTF8_MAX];
	static const uint32_t cases[] = {0xD800, 0xDFFF, 0x110000, UINT32_MAX};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(utf8_encode(cases[i], out), 3);
		assert_memory_equal(out, "\xef\xbf\xbd", 3);
	}
}

static void characters_are_counted(void **state)
{
	(void)state;
	assert_int_equal(utf8_count("", 0), 0);
	assert_int_equal(utf8_count("a\xc3\xa4\xe2\x80\xa6", 6), 3);
	assert_int_equal(utf8_count("\xff\xff", 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_are_read_and_written),
		cmocka_unit_test(broken_bytes_have_width_one),
		cmocka_unit_test(impossible_characters_are_replaced),
		cmocka_unit_test(characters_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
