/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a WebSocket: RFC 6455's own examples, what it forbids, and the limits. */
#include "unit.h"

#include "api/ws_frame.h"

struct got {
	char data[512];
	size_t len;
	enum ws_opcode control;
	enum ws_event last;
};

static void feed(struct ws_reader *r, const void *bytes, size_t len, struct got *g)
{
	unsigned char copy[256], *payload;
	size_t used, n;
	enum ws_opcode opcode;
	memcpy(copy, bytes, len);
	for (unsigned char *p = copy; p < copy + len; p += used) {
		g->last = ws_take(r, p, (size_t)(copy + len - p), &used, &payload, &n, &opcode);
		if (g->last == WS_FAULT)
			return;
		if (g->last == WS_DATA) {
			memcpy(g->data + g->len, payload, n);
			g->len += n;
		}
		if (g->last == WS_CONTROL)
			g->control = opcode;
	}
}
#define FEED(r, g, ...)                                                                            \
	feed(r, (unsigned char[]){__VA_ARGS__}, sizeof((unsigned char[]){__VA_ARGS__}), g)

static void messages(void **state)
{
	struct ws_reader r = {0};
	struct got g = {0};
	FEED(&r, &g, 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58);
	assert_memory_equal(g.data, "Hello", 5);
	/* In two fragments, with a ping between them; and byte by byte. */
	static const unsigned char parts[] = {
		0x01, 0x83, 0,       0,       0,    0,    'H', 'e', 'l', 0x89, 0x82, 1,    2,
		3,    4,    'a' ^ 1, 'b' ^ 2, 0x80, 0x80, 9,   9,   9,   9,    0x02, 0x80, 9,
		9,    9,    9,       0x80,    0x82, 0,    0,   0,   0,   'l',  'o'};
	for (size_t i = 0; i < sizeof(parts); i++)
		feed(&r, parts + i, 1, &g);
	assert_int_equal(g.len, 10);
	assert_memory_equal(g.data, "HelloHello", 10);
	assert_int_equal(g.control, WS_PING);
	assert_int_equal(r.control_len, 2);
	assert_memory_equal(r.control, "ab", 2);
	FEED(&r, &g, 0x88, 0x82, 0, 0, 0, 0, 3, 0xe8);
	assert_int_equal(g.control, WS_CLOSE);
	assert_int_equal(g.last, WS_CONTROL);
}

static int fault_of(const void *bytes, size_t len)
{
	struct ws_reader r = {0};
	struct got g = {0};
	feed(&r, bytes, len, &g);
	return g.last == WS_FAULT ? r.fault : 0;
}
#define FAULT(...) fault_of((unsigned char[]){__VA_ARGS__}, sizeof((unsigned char[]){__VA_ARGS__}))

static void forbidden(void **state)
{
	assert_int_equal(FAULT(0x82, 0x81, 1, 2, 3, 4), 0);
	assert_int_equal(FAULT(0x82, 0x01), WS_PROTOCOL_ERROR);             /* no mask */
	assert_int_equal(FAULT(0xc2, 0x81, 0, 0, 0, 0), WS_PROTOCOL_ERROR); /* compressed */
	assert_int_equal(FAULT(0x83, 0x81, 0, 0, 0, 0), WS_PROTOCOL_ERROR); /* opcodes */
	assert_int_equal(FAULT(0x8b, 0x81, 0, 0, 0, 0), WS_PROTOCOL_ERROR);
	assert_int_equal(FAULT(0x09, 0x80, 0, 0, 0, 0), WS_PROTOCOL_ERROR); /* a part of a ping */
	assert_int_equal(FAULT(0x89, 0xfe, 0, 126, 0, 0, 0, 0), WS_PROTOCOL_ERROR); /* a long one */
	assert_int_equal(FAULT(0x80, 0x80, 0, 0, 0, 0),
			 WS_PROTOCOL_ERROR); /* goes on with nothing */
	assert_int_equal(FAULT(0x02, 0x80, 0, 0, 0, 0, 0x82, 0x80, 0, 0, 0, 0), WS_PROTOCOL_ERROR);
	assert_int_equal(FAULT(0x82, 0xfe, 0, 125, 0, 0, 0, 0),
			 WS_PROTOCOL_ERROR); /* not the shortest */
	assert_int_equal(FAULT(0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0),
			 WS_PROTOCOL_ERROR);
	assert_int_equal(FAULT(0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0), 0);
	assert_int_equal(FAULT(0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0), WS_TOO_BIG);
	assert_int_equal(FAULT(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), WS_TOO_BIG);
}

static void heads(void **state)
{
	unsigned char head[WS_HEAD_MAX];
	assert_int_equal(ws_head(head, WS_BINARY, 125), 2);
	assert_memory_equal(head, "\x82\x7d", 2);
	assert_int_equal(ws_head(head, WS_TEXT, 256), 4);
	assert_memory_equal(head, "\x81\x7e\x01\x00", 4);
	assert_int_equal(ws_head(head, WS_BINARY, 65536), 10);
	assert_memory_equal(head, "\x82\x7f\0\0\0\0\0\x01\0\0", 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(forbidden),
		cmocka_unit_test(heads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
