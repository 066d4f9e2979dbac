/* SPDX-License-Identifier: Apache-2.0 */
/* Single options with a grammar: devices, ulimits, sysctls, environment, and what docker says of
 * bad ones. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/create_options.h"
#include "cli/resource_option.h"
#include "spec/docker.h"

static struct arena arena;

static void refused(option_set_fn set, void *field, const char *value, const char *why)
{
	struct err e = {0};
	assert_true(set(field, value, &arena, &e) < 0);
	assert_string_equal(e.text, why);
}

static void taken(option_set_fn set, void *field, const char *value)
{
	struct err e = {0};
	if (set(field, value, &arena, &e) < 0)
		fail_msg("%s: %s", value, e.text);
}

static void devices(void **state)
{
	(void)state;
	struct array list = {0};
	taken(option_set_device, &list, "/dev/fuse");
	taken(option_set_device, &list, "/dev/fuse:/dev/x");
	taken(option_set_device, &list, "/dev/fuse:r");
	taken(option_set_device, &list, "/dev/fuse:/dev/x:rw");
	taken(option_set_device, &list, "/dev/fuse::rm");
	const struct docker_device *d = list.items;
	assert_int_equal(list.count, 5);
	assert_string_equal(d[0].path_in_container, "/dev/fuse");
	assert_string_equal(d[0].cgroup_permissions, "rwm");
	assert_string_equal(d[1].path_in_container, "/dev/x");
	assert_string_equal(d[2].cgroup_permissions, "r");
	assert_string_equal(d[2].path_in_container, "/dev/fuse");
	assert_string_equal(d[3].cgroup_permissions, "rw");
	assert_string_equal(d[4].path_in_container, "/dev/fuse");
	refused(option_set_device, &list, "rel", "rel is not an absolute path");
	refused(option_set_device, &list, "", " is not an absolute path");
	refused(option_set_device, &list, "/a:b", "b is not an absolute path");
	refused(option_set_device, &list, "/a:/b:xyz", "bad mode specified: xyz");
	refused(option_set_device, &list, "/a:/b:rr", "bad mode specified: rr");
	refused(option_set_device, &list, "/a:/b:r:w", "invalid device specification: /a:/b:r:w");
	assert_int_equal(list.count, 5);
}

static void device_rules(void **state)
{
	(void)state;
	static const char *const good[] = {"c 1:3 rwm", "b *:* r", "a 10:* wm", "c 42:7 m"};
	static const char *const bad[] = {"x",        "",         "c",          "c ",
					  "c 1",      "c 1:",     "c 1:3",      "c 1:3 ",
					  "c 1:3 x",  "d 1:3 r",  "c 1:3 rwmr", "c  1:3 r",
					  "c 1:3 r ", "c -1:3 r", "c 1:**"};
	struct strv list = {0};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		taken(option_set_device_rule, &list, good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};
		assert_true(option_set_device_rule(&list, bad[i], &arena, &e) < 0);
	}
	refused(option_set_device_rule, &list, "x", "invalid device cgroup format 'x'");
	assert_int_equal(list.count, 4);
}

static void ulimits(void **state)
{
	(void)state;
	struct array list = {0};
	taken(option_set_ulimit, &list, "nofile=1024");
	taken(option_set_ulimit, &list, "nproc=10:20");
	taken(option_set_ulimit, &list, "core=-1");
	taken(option_set_ulimit, &list, "memlock=5:-1");
	const struct docker_ulimit *u = list.items;
	assert_int_equal(u[0].soft, 1024);
	assert_int_equal(u[0].hard, 1024);
	assert_int_equal(u[1].hard, 20);
	assert_int_equal(u[2].soft, -1);
	assert_int_equal(u[3].hard, -1);
	refused(option_set_ulimit, &list, "x", "invalid ulimit argument: x");
	refused(option_set_ulimit, &list, "=1", "invalid ulimit argument: =1");
	refused(option_set_ulimit, &list, "nofile=", "invalid ulimit argument: nofile=");
	refused(option_set_ulimit, &list, "foo=1", "invalid ulimit type: foo");
	refused(option_set_ulimit, &list, "RLIMIT_NOFILE=1", "invalid ulimit type: RLIMIT_NOFILE");
	refused(option_set_ulimit, &list, "nofile=3:2",
		"ulimit soft limit must be less than or equal to hard limit: 3 > 2");
	refused(option_set_ulimit, &list, "nofile=-1:2",
		"ulimit soft limit must be less than or equal to hard limit: -1 > 2");
	refused(option_set_ulimit, &list, "nofile=1:2:3",
		"too many limit value arguments - 1:2:3, can only have up to two, `soft[:hard]`");
	refused(option_set_ulimit, &list, "nofile=x",
		"strconv.ParseInt: parsing \"x\": invalid syntax");
}

/* --NAME VALUE of run, create and update; "" or what is wrong with it. */
static const char *limit(struct container_config *c, const char *name, const char *value)
{
	struct err *e = arena_new(&arena, struct err);
	for (size_t i = 0; i < limit_option_table.count; i++)
		if (!strcmp(limit_option_table.items[i].name, name)) {
			option_apply(&limit_option_table.items[i], c, value, &arena, e);
			return e->text;
		}
	return "there is no such option";
}

static void limits(void **state)
{
	(void)state;
	struct container_config c = {0};
	static const char *const good[][2] = {
		{"cpus", "1.5"},
		{"memory-swap", "-1"},
		{"memory-swappiness", "0"},
		{"blkio-weight-device", "/dev/a:10"},
		{"blkio-weight-device", "/dev/b:1000"},
		{"blkio-weight-device", "/dev/a:0"},
		{"device-read-bps", "/dev/a:1mb"},
		{"device-write-iops", "/dev/a:1000"},
		{"hugepages", "2Mi=64m"},
		{"hugepages", "2m=-1"},
		{"hugepages", "1GB=1g"},
		{"hugepages", "64KB=0"},
		{"cgroup-conf", "memory.high=5"},
		{"oom-group", "true"},
	};
	static const char *const bad[][3] = {
		{"cpus", "x", "failed to parse x as a rational number"},
		{"cpus", "-1", "failed to parse -1 as a rational number"},
		{"memory-swap", "-2", "invalid size: '-2'"},
		{"memory-swappiness", "101",
		 "invalid value: 101. Valid memory swappiness range is 0-100"},
		{"blkio-weight-device", "/dev/a", "bad format: /dev/a"},
		{"blkio-weight-device", "a:10", "bad format for device path: a:10"},
		{"blkio-weight-device", "/dev/a:9",
		 "invalid weight for device: /dev/a:9: it goes from 10 to 1000, 0: none"},
		{"device-read-bps", "/dev/a:-1",
		 "invalid rate for device: /dev/a:-1. The correct format is "
		 "<device-path>:<number>[<unit>]. Number must be a positive integer. Unit is "
		 "optional and can be kb, mb, or gb"},
		{"device-read-iops", "/dev/a:1k",
		 "invalid rate for device: /dev/a:1k. The correct format is "
		 "<device-path>:<number>. Number must be a positive integer"},
		{"hugepages", "2MB", "expected SIZE=LIMIT with a size of huge pages, like 2MB=64m"},
		{"hugepages", "5=1", "expected SIZE=LIMIT with a size of huge pages, like 2MB=64m"},
		{"hugepages", "2MB=x", "invalid size: 'x'"},
	};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_string_equal(limit(&c, good[i][0], good[i][1]), "");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_string_equal(limit(&c, bad[i][0], bad[i][1]), bad[i][2]);
	assert_int_equal(c.host.nano_cpus, 1500000000);
	assert_int_equal(c.host.memory_swap, -1);
	const struct docker_blkio_device *d = c.host.blkio_weights.items;
	assert_int_equal(c.host.blkio_weights.count, 2); /* what a device had is replaced */
	assert_string_equal(d[0].path, "/dev/a");
	assert_int_equal(d[0].value, 0);
	d = c.host.blkio_rates[RATE_READ_BPS].items;
	assert_int_equal(d[0].value, 1 << 20);
	assert_string_equal(kvs_print(&c.hull.hugepages, &arena),
			    "{\"2MB\":\"-1\",\"1GB\":\"1073741824\",\"64KB\":\"0\"}");
	assert_true(c.hull.oom_group.set && c.hull.oom_group.value);
}

static void signals(void **state)
{
	(void)state;
	struct err e = {0};
	assert_int_equal(option_signal("SIGHUP", &e), 1);
	assert_int_equal(option_signal("RTMIN+3", &e), 37);
	assert_int_equal(option_signal(NULL, &e), 0); /* the container's own */
	assert_int_equal(option_signal("NOPE", &e), -EINVAL);
	assert_string_equal(e.text, "invalid signal: NOPE");
	assert_int_equal(option_signal("65", &e), -EINVAL);
	assert_int_equal(option_signal("0", &e), -EINVAL);
}

static void environment(void **state)
{
	(void)state;
	struct strv env = {0};
	setenv("HULL_TEST_VARIABLE", "value of it", 1);
	taken(option_set_env, &env, "A=b=c");
	taken(option_set_env, &env, "EMPTY=");
	taken(option_set_env, &env, "HULL_TEST_VARIABLE");
	taken(option_set_env, &env, "HULL_TEST_NOT_SET");
	assert_string_equal(env.items[0], "A=b=c");
	assert_string_equal(env.items[2], "HULL_TEST_VARIABLE=value of it");
	assert_string_equal(env.items[3], "HULL_TEST_NOT_SET"); /* takes the image's away */
	refused(option_set_env, &env, "=x", "invalid environment variable: =x");
	refused(option_set_env, &env, "", "invalid environment variable: ");
	refused(option_set_label, &env, "=x", "invalid label '=x': empty name");
}

static void sysctls(void **state)
{
	(void)state;
	struct kvs map = {0};
	taken(option_set_sysctl, &map, "net.ipv4.ip_forward=1");
	taken(option_set_sysctl, &map, "kernel.shmmax=1");
	taken(option_set_sysctl, &map, "fs.mqueue.msg_max=7");
	assert_int_equal(map.count, 3);
	refused(option_set_sysctl, &map, "kernel.panic=1",
		"sysctl 'kernel.panic=1' is not allowed");
	refused(option_set_sysctl, &map, "kernel.shmmaxx=1",
		"sysctl 'kernel.shmmaxx=1' is not allowed");
	refused(option_set_sysctl, &map, "net.x", "sysctl 'net.x' is not allowed");
	refused(option_set_sysctl, &map, "", "sysctl '' is not allowed");
}

static void streams_ports_init(void **state)
{
	(void)state;
	struct strv list = {0};
	char *init = NULL;
	taken(option_set_stream, &list, "STDOUT");
	assert_string_equal(list.items[0], "stdout");
	refused(option_set_stream, &list, "out", "valid streams are STDIN, STDOUT and STDERR");
	list = (struct strv){0};
	taken(option_set_expose, &list, "80");
	taken(option_set_expose, &list, "5000-5002/udp");
	assert_int_equal(list.count, 4);
	assert_string_equal(list.items[0], "80/tcp");
	assert_string_equal(list.items[3], "5002/udp");
	static const char *const bad[] = {"", "x", "80/icmp", "2-1", "65536", "1-", "-1", "1-2-3"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = {0};
		assert_true(option_set_expose(&list, bad[i], &arena, &e) < 0);
	}
	taken(option_set_init, &init, "true");
	assert_string_equal(init, "auto");
	taken(option_set_init, &init, "group");
	assert_string_equal(init, "group");
	taken(option_set_init, &init, "0");
	assert_string_equal(init, "false");
	refused(option_set_init, &init, "x", "use true, false, auto, main, group or all");
}

static void secrets(void **state)
{
	(void)state;
	struct array list = {0};
	taken(option_set_secret, &list, "a");
	taken(option_set_secret, &list, "a,target=/x,uid=4294967294,gid=7,mode=0400,type=mount");
	taken(option_set_secret, &list, "type=env,source=b");
	taken(option_set_secret, &list, "b,target=NAME,type=env");
	taken(option_set_secret, &list, "\"a,b\",target=");
	const struct hull_secret *s = list.items;
	assert_int_equal(list.count, 5);
	assert_string_equal(s[0].name, "a");
	assert_null(s[0].target);
	assert_null(s[0].variable);
	assert_int_equal(s[0].mode, 0444);
	assert_string_equal(s[1].target, "/x");
	assert_int_equal(s[1].uid, 4294967294);
	assert_int_equal(s[1].gid, 7);
	assert_int_equal(s[1].mode, 0400);
	assert_string_equal(s[2].name, "b");
	assert_string_equal(s[2].variable, "");
	assert_string_equal(s[3].variable, "NAME");
	assert_null(s[3].target);
	assert_string_equal(s[4].name, "a,b");
	refused(option_set_secret, &list, "", "it names no secret");
	refused(option_set_secret, &list, "type=env", "it names no secret");
	refused(option_set_secret, &list, "a,b", "invalid field 'b' must be a key=value pair");
	refused(option_set_secret, &list, "a,b=c", "unexpected key 'b'");
	refused(option_set_secret, &list, "a,type=file", "invalid value for type: file");
	refused(option_set_secret, &list, "a,mode=8", "invalid value for mode: 8");
	refused(option_set_secret, &list, "a,mode=10000", "invalid value for mode: 10000");
	refused(option_set_secret, &list, "a,uid=4294967295", "invalid value for uid: 4294967295");
	refused(option_set_secret, &list, "a,gid=", "invalid value for gid: ");
	refused(option_set_secret, &list, "a,type=env,mode=1",
		"uid, gid and mode are of files: type=mount");
	refused(option_set_secret, &list, "a,type=env,target=b=c", "invalid value for target: b=c");
	assert_int_equal(list.count, 5);
}

static int release(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices), cmocka_unit_test(device_rules),
		cmocka_unit_test(ulimits), cmocka_unit_test(limits),
		cmocka_unit_test(signals), cmocka_unit_test(environment),
		cmocka_unit_test(sysctls), cmocka_unit_test(streams_ports_init),
		cmocka_unit_test(secrets),
	};
	return cmocka_run_group_tests(tests, NULL, release);
}
