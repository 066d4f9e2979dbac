/* SPDX-License-Identifier: Apache-2.0 */
/* Questions, answers and names of hull-dns, without a network. */
#include "tests/unit/unit.h"

#include <sys/socket.h>

#include "dns/server.h"

static size_t question(uint8_t *m, const char *name, unsigned type)
{
	static const uint8_t head[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
	memcpy(m, head, sizeof(head));
	size_t at = sizeof(head);
	while (*name) {
		size_t n = strcspn(name, ".");
		m[at++] = (uint8_t)n;
		memcpy(m + at, name, n);
		at += n;
		name += n + (name[n] == '.');
	}
	const uint8_t tail[] = {0, 0, (uint8_t)type, 0, 1};
	memcpy(m + at, tail, sizeof(tail));
	return at + sizeof(tail);
}

static void load(struct server *s, char *text)
{
	*s = (struct server){0};
	names_parse(text, &s->names);
}

/* The code of the answer, -2: passed on; @ret_count records, the last 4 bytes in @last. */
static int ask(struct server *s, const char *name, unsigned type, const char *client,
	       unsigned *ret_count, uint8_t last[4])
{
	uint8_t m[600];
	struct dns_answer a;
	struct ip from;
	assert_true(ip_parse(client, &from));
	int r = server_answer(s, m, question(m, name, type), &from, &a);
	if (r == 0)
		return -2;
	assert_int_equal(a.bytes[0] << 8 | a.bytes[1], 0x1234);
	assert_true(a.bytes[2] & 0x80);
	*ret_count = a.bytes[7];
	memcpy(last, a.bytes + a.len - 4, 4);
	return a.bytes[3] & 15;
}

static void test_names(void **state)
{
	static struct server s;
	char text[] = "10.0.0.2 Web 0123456789ab www\n10.0.0.3 db\nfd00::3 db\nnonsense\n10.0.0.9\n"
		      "for 10.0.0.2 10.1.0.7 far\nnetwork one\nservers 10.0.0.3 192.0.2.1 bad\n";
	unsigned n;
	uint8_t last[4];
	load(&s, text);
	assert_int_equal(ask(&s, "WEB", DNS_A, "10.0.0.3", &n, last), DNS_OK);
	assert_true(n == 1 && last[3] == 2);
	assert_int_equal(ask(&s, "www.one", DNS_A, "10.0.0.3", &n, last), DNS_OK);
	assert_int_equal(n, 1);
	/* It is there, though not of this family. */
	assert_int_equal(ask(&s, "web", DNS_AAAA, "10.0.0.3", &n, last), DNS_OK);
	assert_int_equal(n, 0);
	assert_int_equal(ask(&s, "db", DNS_ANY, "10.0.0.2", &n, last), DNS_OK);
	assert_int_equal(n, 2);
	assert_int_equal(ask(&s, "far", DNS_A, "10.0.0.2", &n, last), DNS_OK);
	assert_int_equal(last[3], 7);
	/* Only his own servers are known: the rest of the world asks nobody. */
	assert_int_equal(ask(&s, "far", DNS_A, "10.0.0.3", &n, last), -2);
	assert_int_equal(ask(&s, "elsewhere", DNS_A, "10.0.0.2", &n, last), DNS_REFUSED);
	assert_int_equal(ask(&s, "2.0.0.10.in-addr.arpa", DNS_PTR, "10.0.0.2", &n, last), DNS_OK);
	assert_int_equal(n, 1);
	/* Who is not on the network hears nothing of it, though he may have a line for him. */
	assert_int_equal(ask(&s, "web", DNS_A, "10.1.0.7", &n, last), DNS_REFUSED);
	assert_int_equal(ask(&s, "elsewhere", DNS_A, "10.9.0.1", &n, last), DNS_REFUSED);
	assert_int_equal(s.names.count, 4);
	arena_free(&s.names.arena);
}

static void test_bad_messages(void **state)
{
	struct dns_question q;
	uint8_t m[600];
	size_t len = question(m, "a.b", DNS_A);
	assert_int_equal(dns_read(m, len, &q), 0);
	assert_string_equal(q.name, "a.b");
	for (size_t i = 0; i < len; i++)
		assert_true(dns_read(m, i, &q) != 0);
	m[2] = 0x80; /* an answer: two servers could talk for ever */
	assert_int_equal(dns_read(m, len, &q), -1);
	m[2] = 0x28;
	assert_int_equal(dns_read(m, len, &q), DNS_NOT_DONE);
	m[2] = 1;
	m[12] = 0xc0; /* a pointer */
	assert_int_equal(dns_read(m, len, &q), DNS_FORMAT);
	m[12] = 63;
	assert_int_equal(dns_read(m, len, &q), DNS_FORMAT);
}

static void test_reverse(void **state)
{
	static const char *const bad[] = {"in-addr.arpa",           "1.2.3.in-addr.arpa",
					  "256.1.1.1.in-addr.arpa", "1.2.3.4.5.in-addr.arpa",
					  "x.2.3.4.in-addr.arpa",   "1.2.3.4.in-addr.arpa.com"};
	struct ip ip;
	char text[IP_TEXT_SIZE];
	assert_true(dns_reverse("2.0.17.172.in-addr.arpa", &ip));
	assert_string_equal(ip_print(&ip, text), "172.17.0.2");
	assert_true(dns_reverse("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.0.0.d.f"
				".ip6.arpa",
				&ip));
	assert_string_equal(ip_print(&ip, text), "fd00:1::2");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(dns_reverse(bad[i], &ip));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bad_messages),
		cmocka_unit_test(test_reverse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
