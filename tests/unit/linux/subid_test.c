/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of /etc/subuid become a map. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/arena.h"
#include "linux/subid.h"

static size_t map_of(const char *text, const char *user, struct arena *a, struct idmap **ret)
{
	char path[] = "/tmp/hull-subid.XXXXXX";
	struct err e;
	size_t count;
	int fd = mkstemp(path);
	assert_true(fd >= 0 && dprintf(fd, "%s", text) >= 0);
	close(fd);
	assert_int_equal(subid_map(path, user, 1000, 1001, a, ret, &count, &e), 0);
	unlink(path);
	return count;
}

static void expect(const struct idmap *m, int64_t inside, int64_t outside, int64_t length)
{
	assert_true(m->inside == inside && m->outside == outside && m->length == length);
}

static void test_ranges(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	struct idmap *m;
	(void)state;
	assert_int_equal(map_of("", "me", &a, &m), 1);
	expect(&m[0], 0, 1001, 1);
	assert_int_equal(map_of("you:1:2\nme:100000:65536\n1000:300000:10\nmen:1:1", "me", &a, &m),
			 3);
	expect(&m[1], 1, 100000, 65536);
	expect(&m[2], 65537, 300000, 10);
	/* By the number alone. */
	assert_int_equal(map_of("1000:5:6", NULL, &a, &m), 2);
}

static void test_senseless(void **state)
{
	static const char *const bad[] = {"me",
					  "me:",
					  "me:1",
					  "me:1:0",
					  "me:-1:5",
					  "me:x:5",
					  "me:1:y",
					  "me:4294967290:10",
					  "me:1:2:3",
					  ":1:2",
					  "#me:1:2",
					  "me :1:2",
					  "me:1:99999999999999999999"};
	CLEANUP_ARENA struct arena a = {0};
	struct idmap *m;
	struct err e;
	size_t count;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(map_of(bad[i], "me", &a, &m), 1);
	assert_int_equal(subid_map("/nowhere/subuid", "me", 1, 2, &a, &m, &count, &e), 0);
	assert_int_equal(count, 1);
	/* More than a map may have. */
	char *many = "";
	for (int i = 0; i < 2 * IDMAP_MAX; i++)
		many = arena_printf(&a, "%sme:%d:1\n", many, 1000 + i);
	assert_int_equal(map_of(many, "me", &a, &m), IDMAP_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranges),
					   cmocka_unit_test(test_senseless)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
