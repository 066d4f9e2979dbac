/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of messages: what is written is read again, and what is none is refused. */
#include "unit.h"

#include "base/cleanup.h"
#include "base/protobuf.h"

static void there_and_back(void **state)
{
	CLEANUP_STRBUF struct strbuf m = STRBUF_MAX(4096);
	struct protobuf_field f;
	protobuf_put(&m, 1, 0);
	protobuf_put(&m, 2, UINT64_MAX);
	protobuf_put_text(&m, 300, "text");
	protobuf_put_bytes(&m, 4, "", 0);
	protobuf_put_time(&m, 5, 3000000007);
	struct protobuf r = {(const uint8_t *)m.buf, m.len};
	assert_int_equal(protobuf_next(&r, &f), 1);
	assert_int_equal(f.number, 2);
	assert_true(f.value == UINT64_MAX);
	assert_int_equal(protobuf_next(&r, &f), 1);
	assert_int_equal(f.number, 300);
	assert_int_equal(f.bytes.left, 4);
	assert_memory_equal(f.bytes.at, "text", 4);
	assert_int_equal(protobuf_next(&r, &f), 1);
	assert_int_equal(f.bytes.left, 0);
	assert_int_equal(protobuf_next(&r, &f), 1);
	assert_int_equal(f.bytes.left, 4);
	assert_memory_equal(f.bytes.at, "\x08\x03\x10\x07", 4);
	assert_int_equal(protobuf_next(&r, &f), 0);
}

static void all_types(void **state)
{
	struct protobuf_field f;
	struct protobuf m = {(const uint8_t *)"\x09"
					      "12345678"
					      "\x15"
					      "1234"
					      "\x18\x01",
			     16};
	for (uint32_t i = 1; i <= 3; i++) {
		assert_int_equal(protobuf_next(&m, &f), 1);
		assert_int_equal(f.number, i);
	}
	assert_int_equal(f.value, 1);
	assert_int_equal(protobuf_next(&m, &f), 0);
}

static void broken(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} table[] = {
		{"\x08", 1},      /* no value */
		{"\x08\x80", 2},  /* one that does not end */
		{"\x0a\x02x", 3}, /* longer than what is there */
		{"\x00\x01", 2},  /* number 0 */
		{"\x0b", 1},      /* a group */
		{"\x09"
		 "1234567",
		 8}, /* eight bytes, of which one is missing */
		{"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* eleven bytes */
		{"\xff\xff\xff\xff\x7f\x01", 6},                          /* too high a number */
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct protobuf m = {(const uint8_t *)table[i].bytes, table[i].len};
		struct protobuf_field f;
		assert_int_equal(protobuf_next(&m, &f), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(all_types),
		cmocka_unit_test(broken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
