/* SPDX-License-Identifier: Apache-2.0 */
/* The back-off of restarts: 100 ms, doubled up to a minute, anew after a run of ten seconds. */
#include "tests/unit/unit.h"

#include "base/clock.h"
#include "engine/internal.h"

#define SECOND INT64_C(1000000000)

/* A container with that policy that ends as soon as it was started. */
static struct container failing(const char *policy)
{
	struct container c = {.started = clock_real_ns()};
	c.config.host.restart_policy.name = (char *)policy;
	return c;
}

static void wait_doubles_up_to_a_minute(void **state)
{
	static const int64_t waits[] = {100,   200,   400,   800,   1600,  3200, 6400,
					12800, 25600, 51200, 60000, 60000, 60000};
	struct container c = failing("always");
	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		c.started = clock_real_ns();
		assert_true(restart_wanted(&c, 1, &c.restart_wait));
		assert_int_equal(c.restart_wait, waits[i]);
	}
}

static void wait_is_anew_after_a_steady_run(void **state)
{
	struct container c = failing("unless-stopped");
	int64_t wait = 0;
	(void)state;
	c.restart_wait = 60000;
	c.started = clock_real_ns() - 11 * SECOND;
	assert_true(restart_wanted(&c, 0, &wait));
	assert_int_equal(wait, 100);
}

static void policies_say_whether(void **state)
{
	static const struct {
		const char *policy;
		int code;
		int64_t most, restarts;
		bool held, wanted;
	} table[] = {
		{NULL, 1, 0, 0, false, false},
		{"no", 1, 0, 0, false, false},
		{"always", 0, 0, 1000, false, true},
		{"always", 1, 0, 0, true, false},
		{"unless-stopped", 0, 0, 0, false, true},
		{"unless-stopped", 0, 0, 0, true, false},
		{"on-failure", 0, 0, 0, false, false},
		{"on-failure", 1, 0, 1000, false, true},
		{"on-failure", 1, 3, 2, false, true},
		{"on-failure", 1, 3, 3, false, false},
		{"on-failure", 1, 3, 0, true, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct container c = failing(table[i].policy);
		int64_t wait = -1;
		c.config.host.restart_policy.maximum_retry_count = table[i].most;
		c.restarts = table[i].restarts;
		c.held = table[i].held;
		assert_int_equal(restart_wanted(&c, table[i].code, &wait), table[i].wanted);
		assert_int_equal(wait, table[i].wanted ? 100 : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_doubles_up_to_a_minute),
		cmocka_unit_test(wait_is_anew_after_a_steady_run),
		cmocka_unit_test(policies_say_whether),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
