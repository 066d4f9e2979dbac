/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of both versions: text, arithmetic, networks. */
#include "tests/unit/unit.h"

#include <sys/socket.h>

#include "linux/ip_address.h"

static struct ip ip(const char *text)
{
	struct ip ret;
	assert_true(ip_parse(text, &ret));
	return ret;
}
static struct subnet net(const char *text)
{
	struct subnet ret;
	assert_true(subnet_parse(text, &ret));
	return ret;
}
static void expect(struct ip got, const char *want)
{
	char text[IP_TEXT_SIZE];
	assert_string_equal(ip_print(&got, text), want);
}

static void test_text(void **state)
{
	static const char *const bad[] = {"", "1.2.3", "1.2.3.256", "a", "::g", "1.2.3.4 "};
	static const char *const bad_nets[] = {"10.0.0.0",     "10.0.0.0/33", "10.0.0.0/-1",
					       "10.0.0.0/1 ",  "fd00::/129",  "/8",
					       "10.0.0.0/8/8", "10.0.0.0/"};
	struct ip i;
	struct subnet s;
	expect(ip("10.1.2.3"), "10.1.2.3");
	expect(ip("FD00::1"), "fd00::1");
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		assert_false(ip_parse(bad[k], &i));
	for (size_t k = 0; k < sizeof(bad_nets) / sizeof(bad_nets[0]); k++)
		assert_false(subnet_parse(bad_nets[k], &s));
}

static void test_arithmetic(void **state)
{
	struct ip a = ip("10.0.0.255"), b = ip("10.0.1.4"), c = ip("fd00::ffff"), d = ip("fe00::");
	expect(ip_add(a, 1), "10.0.1.0");
	expect(ip_add(a, -256), "9.255.255.255");
	expect(ip_add(ip("255.255.255.255"), 1), "0.0.0.0");
	expect(ip_add(c, 1), "fd00::1:0");
	expect(ip_add(ip("fd00::"), -1), "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_int_equal(ip_distance(&b, &a), 5);
	assert_int_equal(ip_distance(&a, &b), -5);
	assert_true(ip_distance(&d, &c) == INT64_MAX);
	assert_true(ip_distance(&c, &d) == INT64_MIN);
}

static void test_subnets(void **state)
{
	struct subnet a = net("10.1.2.130/25"), b = net("10.1.0.0/16"), c = net("10.1.2.0/25"),
		      six = net("fd00:1::/64"), all = net("0.0.0.0/0");
	struct ip in = ip("10.1.2.255"), out = ip("10.1.3.0"), foreign = ip("fd00:1::9");
	expect(subnet_base(&a), "10.1.2.128");
	expect(subnet_last(&a), "10.1.2.255");
	expect(subnet_last(&six), "fd00:1::ffff:ffff:ffff:ffff");
	assert_true(subnet_has(&a, &in));
	assert_false(subnet_has(&a, &out));
	assert_false(subnet_has(&all, &foreign));
	assert_true(subnet_has(&six, &foreign));
	assert_true(subnets_overlap(&a, &b) && subnets_overlap(&b, &a));
	assert_false(subnets_overlap(&a, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_subnets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
