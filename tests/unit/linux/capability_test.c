/* SPDX-License-Identifier: Apache-2.0 */
/* Capability names, and applying sets in a forked child, read back from /proc/self/status. */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "linux/capability.h"

static void names_both_ways(void **state)
{
	(void)state;
	assert_int_equal(capability_number("NET_ADMIN"), CAP_NET_ADMIN);
	assert_int_equal(capability_number("cap_net_admin"), CAP_NET_ADMIN);
	assert_int_equal(capability_number("CAP_CHOWN"), 0);
	assert_int_equal(capability_number("CAP_CHECKPOINT_RESTORE"), CAP_LAST_CAP);
	assert_int_equal(capability_number(""), -EINVAL);
	assert_int_equal(capability_number("CAP_"), -EINVAL);
	assert_int_equal(capability_number("NET_ADMI"), -EINVAL);
	assert_int_equal(capability_number("NET_ADMINX"), -EINVAL);
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		assert_int_equal(capability_number(capability_name(i)), i);
	assert_null(capability_name(CAP_LAST_CAP + 1));
	assert_null(capability_name(-1));
}

static void names_of_a_set(void **state)
{
	CLEANUP_ARENA struct arena a = {0};
	(void)state;
	assert_string_equal(capability_text(0, "", ", ", &a), "");
	assert_string_equal(capability_text(1 | UINT64_C(1) << CAP_KILL, "", ", ", &a),
			    "CHOWN, KILL");
	assert_string_equal(capability_text(1 | UINT64_C(1) << CAP_KILL, "--cap-add ", " ", &a),
			    "--cap-add CHOWN --cap-add KILL");
	assert_true(capability_is_first_try(CAP_DAC_READ_SEARCH, "openat"));
	assert_true(capability_is_first_try(CAP_DAC_READ_SEARCH, NULL));
	assert_false(capability_is_first_try(CAP_DAC_READ_SEARCH, "open_by_handle_at"));
	assert_false(capability_is_first_try(CAP_DAC_OVERRIDE, "openat"));
	/* One that is not known has no name. */
	assert_string_equal(capability_text(UINT64_C(1) << 63, "", ", ", &a), "");
}

static uint64_t status_set(const char *field)
{
	CLEANUP_FILE FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, field, strlen(field)))
			return strtoull(line + strlen(field) + 1, NULL, 16);
	}
	return UINT64_MAX;
}

static void all_agrees_with_proc(void **state)
{
	(void)state;
	CLEANUP_FILE FILE *f = fopen("/proc/sys/kernel/cap_last_cap", "re");
	int last = -1;
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &last), 1);
	assert_true(capability_all() == ((uint64_t)2 << last) - 1);
	assert_true(capability_bounding(capability_all()) == status_set("CapBnd:"));
}

/* Run @fn in a child; its exit status is returned, 0 is good. */
static int in_child(int (*fn)(void))
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(fn());
	int status = -1;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int apply_as_user(void)
{
	struct capability_sets s = {
		.bounding = CAPS_DOCKER_DEFAULT,
		.permitted = 1 << CAP_CHOWN | 1 << CAP_NET_RAW,
		.effective = 1 << CAP_CHOWN,
		.inheritable = 1 << CAP_CHOWN | 1 << CAP_KILL,
		.ambient = 1 << CAP_CHOWN | 1 << CAP_KILL, /* KILL is not permitted: left out */
	};
	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setresgid(65534, 65534, 65534) < 0 ||
	    setresuid(65534, 65534, 65534) < 0)
		return 1;
	if (capability_apply(&s) < 0)
		return 2;
	return status_set("CapBnd:") != (CAPS_DOCKER_DEFAULT & capability_all()) ? 3
	       : status_set("CapPrm:") != s.permitted                            ? 4
	       : status_set("CapEff:") != s.effective                            ? 5
	       : status_set("CapInh:") != s.inheritable                          ? 6
	       : status_set("CapAmb:") != 1 << CAP_CHOWN                         ? 7
										 : 0;
}

static int apply_beyond_bounding(void)
{
	capset keep = 1 << CAP_CHOWN | 1 << CAP_SETPCAP;
	struct capability_sets most = {.bounding = keep, .permitted = keep, .effective = keep};
	if (capability_bound(keep) < 0 || capability_apply(&most) < 0)
		return 1;
	struct capability_sets all = {~(capset)0, ~(capset)0, ~(capset)0, ~(capset)0, 0};
	if (capability_apply(&all) < 0)
		return 2;
	return status_set("CapBnd:") != keep ? 3 : status_set("CapPrm:") != keep ? 4 : 0;
}

static int bound_without_setpcap(void)
{
	struct capability_sets none = {.bounding = capability_bounding(capability_all())};
	if (capability_apply(&none) < 0)
		return 1;
	if (capability_bound(none.bounding) != 0)
		return 2;
	return capability_bound(0) != -EPERM ? 3 : 0;
}

static void applied_sets(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(apply_as_user), 0);
	assert_int_equal(in_child(apply_beyond_bounding), 0);
	assert_int_equal(in_child(bound_without_setpcap), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_both_ways),
		cmocka_unit_test(names_of_a_set),
		cmocka_unit_test(all_agrees_with_proc),
		cmocka_unit_test(applied_sets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
