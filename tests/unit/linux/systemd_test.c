/* SPDX-License-Identifier: Apache-2.0 */
/* Names of scopes, annotations as properties, and answers over D-Bus from a peer of our own. */
#include <sys/socket.h>

#include "base/cleanup.h"
#include "linux/dbus.h"
#include "linux/systemd.h"
#include "unit.h"

static void names_become_units(void **state)
{
	(void)state;
	struct systemd_scope s;
	struct err e;
	assert_int_equal(systemd_scope_name("a-b.slice:docker:x", "id", &s, &e), 0);
	assert_string_equal(s.unit, "docker-x.scope");
	assert_string_equal(s.group, "/a.slice/a-b.slice/docker-x.scope");
	assert_int_equal(systemd_scope_name("-.slice::x", "id", &s, &e), 0);
	assert_string_equal(s.group, "/x.scope");
	assert_int_equal(systemd_scope_name("", "id", &s, &e), 0);
	assert_string_equal(s.unit, "hull-id.scope");
	assert_int_equal(systemd_scope_name("::", "id", &s, &e), 0);
	assert_string_equal(s.unit, "id.scope");
	char path[700];
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	path[300] = path[301] = ':';
	assert_int_equal(systemd_scope_name(path, "id", &s, &e), -EINVAL);
	const char *const bad[] = {"a",
				   "a.slice:b",
				   ":::",
				   "a:b:c",
				   "a--b.slice:b:c",
				   "-a.slice:b:c",
				   "a/b.slice:b:c",
				   ":..:",
				   ":a/:b"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(systemd_scope_name(bad[i], "/", &s, &e), -EINVAL);
}

/* The signature and the value, which begin behind "Thing". */
static int property(const char *value, struct dbus_body *b)
{
	struct err e;
	*b = (struct dbus_body){.len = 0};
	int r = systemd_property_put(b, "org.systemd.property.Thing", value, &e);
	assert_true(r < 0 || (r == 1 && !memcmp(b->buf + 4, "Thing", 6)));
	return r;
}

static void annotations_become_properties(void **state)
{
	(void)state;
	static const struct {
		const char *text, *signature;
		uint64_t value;
		size_t at, size;
	} good[] = {
		{"5", "i", 5, 16, 4},
		{" -5 ", "i", (uint32_t)-5, 16, 4},
		{"uint64 18446744073709551615", "t", UINT64_MAX, 16, 8},
		{"@t 0x10", "t", 16, 16, 8},
		{"byte 255", "y", 255, 13, 1},
		{"true", "b", 1, 16, 4},
		{"1.5", "d", 0x3ff8000000000000, 16, 8},
		{"'a\\'b'", "s", 3, 16, 4},
		{"['a', \"b\"]", "as", 14, 16, 4},
		{"@at []", "at", 0, 16, 4},
		{"[uint64 1, 2]", "at", 16, 16, 4},
	};
	static const char *const bad[] = {"",         "x",          "'a",
					  "5 5",      "2147483648", "uint64 -1",
					  "byte 256", "[1, 'a']",   "[[1]]",
					  "[1",       "truely",     "@",
					  "@a",       "@as [5]",    "<5>",
					  "{'a': 1}", "'a\\",       "'\\u0000'",
					  "[]",       "uint64",     "18446744073709551616"};
	struct dbus_body b;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(property(good[i].text, &b), 1);
		assert_int_equal(b.buf[10], strlen(good[i].signature));
		assert_string_equal((char *)b.buf + 11, good[i].signature);
		assert_memory_equal(b.buf + good[i].at, &good[i].value, good[i].size);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (property(bad[i], &b) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	struct err e;
	b.len = 0;
	assert_int_equal(systemd_property_put(&b, "org.systemd.property.TimeoutStopSec", "1.5", &e),
			 1);
	assert_string_equal((char *)b.buf + 4, "TimeoutStopUSec");
	assert_int_equal(systemd_property_put(&b, "org.systemd.property.TimeoutStopSec", "-1", &e),
			 -EINVAL);
	assert_int_equal(systemd_property_put(&b, "org.systemd.property.a b", "1", &e), -EINVAL);
	assert_int_equal(systemd_property_put(&b, "org.systemd.other", "1", &e), 0);
	char longest[5000];
	memset(longest, 'x', sizeof(longest));
	longest[0] = longest[sizeof(longest) - 2] = '\'';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(property(longest, &b), -EINVAL);
}

/* A message to us: a field of its header, and one string. */
static void put_message(struct dbus_body *b, uint8_t type, uint8_t field, const char *name,
			const char *text)
{
	struct dbus_body h = {.len = 0};
	dbus_put_number(&h, 0x01000000 | (uint32_t)type << 8 | 'l', 4);
	dbus_put_number(&h, strlen(text) + 5, 4);
	dbus_put_number(&h, 1, 4);
	size_t fields = dbus_array_begin(&h, 8);
	dbus_put_number(&h, 0x00670108, 4); /* a signature: "s" */
	dbus_put_number(&h, 0x007301, 4);
	dbus_put_number(&h, 0x00750105, 4); /* the answer to our first message */
	dbus_put_number(&h, 1, 4);
	dbus_put_number(&h, 0x00730100U | field, 4);
	dbus_put_string(&h, name);
	dbus_array_end(&h, fields, 8);
	h.len = (h.len + 7) / 8 * 8;
	dbus_put_string(&h, text);
	assert_true(!h.failed && b->len + h.len <= sizeof(b->buf));
	memcpy(b->buf + b->len, h.buf, h.len);
	b->len += h.len;
}

/* Say @b as the other end, and hear no more. */
static struct dbus peer(const struct dbus_body *b, size_t len)
{
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(send(pair[1], b->buf, len, 0), len);
	close(pair[1]);
	return (struct dbus){.fd = pair[0], .deadline_ms = INT64_MAX};
}

static void answers_are_read_within_their_bytes(void **state)
{
	(void)state;
	static struct dbus_reply r;
	struct err e;
	struct dbus_body b = {.len = 0};
	put_message(&b, 4, 3, "JobRemoved", "job");
	/* Longer than we want to know. */
	dbus_put_number(&b, 0x0100046c, 4);
	dbus_put_number(&b, 40, 4);
	dbus_put_number(&b, 2, 4);
	dbus_put_number(&b, sizeof(r.buf) - 16, 4);
	b.len = sizeof(b.buf); /* and cut off */
	struct dbus d = peer(&b, b.len);
	assert_int_equal(dbus_await_signal(&d, &r, &e), 0);
	assert_string_equal(r.member, "JobRemoved");
	assert_string_equal(r.strings[0], "job");
	assert_string_equal(r.strings[1], "");
	assert_int_equal(dbus_await_signal(&d, &r, &e), -ECONNRESET);
	dbus_close(&d);

	/* Whatever is cut off, or changed by a bit, is an error or another text. */
	b.len = 0;
	put_message(&b, 3, 4, "org.example.No", "because");
	for (size_t len = 0; len < b.len; len++) {
		d = peer(&b, len);
		assert_true(dbus_await_signal(&d, &r, &e) < 0);
		dbus_close(&d);
	}
	for (size_t bit = 0; bit < b.len * 8; bit++) {
		b.buf[bit / 8] ^= (uint8_t)(1U << bit % 8);
		d = peer(&b, b.len);
		dbus_await_signal(&d, &r, &e);
		assert_true(strlen(r.strings[0]) + strlen(r.error) + strlen(r.member) < 64);
		dbus_close(&d);
		b.buf[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	d = peer(&b, b.len);
	d.deadline_ms = 0;
	assert_int_equal(dbus_await_signal(&d, &r, &e), -ETIMEDOUT);
	dbus_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_units),
		cmocka_unit_test(annotations_become_properties),
		cmocka_unit_test(answers_are_read_within_their_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
