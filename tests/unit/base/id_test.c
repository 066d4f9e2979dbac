/* SPDX-License-Identifier: Apache-2.0 */
/* Random identifiers. */
#include "tests/unit/unit.h"

#include "base/id.h"

static void ids_are_new_hex(void **state)
{
	(void)state;
	char a[ID_LEN + 1], b[ID_LEN + 1];
	for (int i = 0; i < 2000; i++) {
		id_new(a);
		id_new(b);
		assert_int_equal(strlen(a), ID_LEN);
		assert_true(id_is_hex(a, ID_LEN));
		assert_string_not_equal(a, b);
		assert_true(strspn(a, "0123456789") < ID_SHORT_LEN);
	}
}

static void hex_is_recognised(void **state)
{
	(void)state;
	assert_true(id_is_hex("0af", 3));
	assert_true(id_is_hex("0afz", 3));
	assert_false(id_is_hex("0AF", 3));
	assert_false(id_is_hex("0g", 2));
	assert_false(id_is_hex("", 0));
	assert_false(id_is_hex("ab", 3));
	char big[ID_LEN + 2];
	memset(big, 'a', sizeof(big));
	big[ID_LEN + 1] = '\0';
	assert_true(id_is_hex(big, ID_LEN));
	assert_false(id_is_hex(big, ID_LEN + 1));
}

static void encoding(void **state)
{
	(void)state;
	char out[9];
	hex_encode("\x00\x7f\x80\xff", 4, out);
	assert_string_equal(out, "007f80ff");
	hex_encode("", 0, out);
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_new_hex),
		cmocka_unit_test(hex_is_recognised),
		cmocka_unit_test(encoding),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
