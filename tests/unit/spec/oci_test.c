/* SPDX-License-Identifier: Apache-2.0 */
/* config.json to structs and back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "spec/oci.h"

static const char text[] =
	"{\"ociVersion\":\"1.2.0\",\"process\":{\"terminal\":true,\"consoleSize\":{\"height\":24,"
	"\"width\":80},\"user\":{\"uid\":0,\"gid\":5,\"umask\":18,\"additionalGids\":[10,29]},"
	"\"args\":[\"sh\"],\"env\":[\"A=b\"],\"cwd\":\"/\",\"capabilities\":{\"bounding\":"
	"[\"CAP_CHOWN\"],\"ambient\":[\"CAP_KILL\"]},\"rlimits\":[{\"type\":\"RLIMIT_CORE\","
	"\"hard\":"
	"18446744073709551615,\"soft\":0}],\"noNewPrivileges\":true,\"oomScoreAdj\":0},\"root\":{"
	"\"path\":\"rootfs\",\"readonly\":true},\"hostname\":\"h\",\"mounts\":[{\"destination\":"
	"\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},{\"destination\":\"/v\",\"source\":\"/"
	"s\","
	"\"options\":[\"rbind\",\"ro\"]}],\"annotations\":{\"k\":\"v\"},\"linux\":{\"uidMappings\":"
	"[{"
	"\"containerID\":0,\"hostID\":100000,\"size\":65536}],\"sysctl\":{\"net.x\":\"1\"},"
	"\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,\"type\":"
	"\"c\",\"major\":1,\"minor\":3,\"access\":\"rw\"}],\"memory\":{\"limit\":-1,\"swappiness\":"
	"0},"
	"\"cpu\":{\"shares\":512,\"cpus\":\"0-1\"},\"pids\":{\"limit\":0},\"unified\":{"
	"\"memory.high\":\"1\"}},\"cgroupsPath\":\"/"
	"x\",\"namespaces\":[{\"type\":\"pid\"},{\"type\":"
	"\"network\",\"path\":\"/proc/1/ns/net\"}],\"devices\":[{\"path\":\"/dev/"
	"fuse\",\"type\":\"c\","
	"\"major\":10,\"minor\":229,\"fileMode\":438,\"uid\":0}],\"seccomp\":{\"defaultAction\":"
	"\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"architectures\":[\"SCMP_ARCH_X86_64\"],"
	"\"syscalls\":[{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{"
	"\"index\":"
	"0,\"value\":18446744073709551615,\"op\":\"SCMP_CMP_EQ\"}]}]},\"maskedPaths\":["
	"\"/proc/kcore\"],\"readonlyPaths\":[\"/proc/sys\"]}}";

/* The fields that few set, in the order of the tables. */
static const char rare[] =
	"{\"ociVersion\":\"1.3.0\",\"process\":{\"user\":{\"uid\":0,\"gid\":0},\"cwd\":\"\","
	"\"scheduler\":{\"policy\":\"SCHED_FIFO\",\"nice\":0,\"priority\":9,\"flags\":["
	"\"SCHED_FLAG_RESET_ON_FORK\"],\"runtime\":1,\"deadline\":2,\"period\":3},"
	"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":0},"
	"\"execCPUAffinity\":{\"initial\":\"1\",\"final\":\"0-1\"}},\"root\":{\"path\":\"\"},"
	"\"mounts\":[{\"destination\":\"d\",\"uidMappings\":[{\"containerID\":0,\"hostID\":1,"
	"\"size\":2}],\"gidMappings\":[{\"containerID\":3,\"hostID\":4,\"size\":5}]}],"
	"\"hooks\":{\"prestart\":[{\"path\":\"/a\"}],\"createRuntime\":[{\"path\":\"/b\",\"args\":["
	"\"b\"],\"env\":[\"E=1\"],\"timeout\":5}],\"poststop\":[{\"path\":\"/c\"}]},"
	"\"linux\":{\"resources\":{\"memory\":{\"checkBeforeUpdate\":true},"
	"\"blockIO\":{\"weight\":10,\"leafWeight\":11,\"weightDevice\":[{\"major\":8,\"minor\":0,"
	"\"weight\":12}],\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":600}],"
	"\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":16,\"rate\":0}]},"
	"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":18446744073709551615}],"
	"\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\",\"priority\":5}]},"
	"\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3},\"rxe3\":{\"hcaObjects\":0}}},"
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],"
	"\"listenerPath\":\"/s\",\"listenerMetadata\":\"m\"},\"mountLabel\":\"l\","
	"\"timeOffsets\":{\"monotonic\":{\"secs\":7},\"boottime\":{\"secs\":-1,\"nanosecs\":8}},"
	"\"personality\":{\"domain\":\"LINUX32\"},\"memoryPolicy\":{\"mode\":\"MPOL_BIND\","
	"\"nodes\":\"0\",\"flags\":[\"MPOL_F_STATIC_NODES\"]},\"netDevices\":{\"eth1\":{\"name\":"
	"\"in\"},\"eth2\":{}},\"intelRdt\":{\"closID\":\"c\",\"schemata\":[\"L3:0=f\"]}}}";

static void reads_every_field(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct err e = {0};
	struct oci_spec s = {0};
	assert_int_equal(shape_parse(&oci_spec_shape, text, strlen(text), &s, &a, &e), 0);
	const struct oci_rlimit *limit = s.process.rlimits.items;
	assert_int_equal(limit->hard, -1);
	assert_int_equal(limit->soft, 0);
	const struct oci_number *gids = s.process.user.additional_gids.items;
	assert_int_equal(s.process.user.additional_gids.count, 2);
	assert_int_equal(gids[1].value, 29);
	assert_true(s.process.user.umask.set && s.process.user.umask.value == 18);
	assert_true(s.process.oom_score_adj.set && s.process.oom_score_adj.value == 0);
	assert_int_equal(s.process.console_size->width, 80);
	assert_true(s.linux_.resources.memory.limit.set);
	assert_int_equal(s.linux_.resources.memory.limit.value, -1);
	assert_false(s.linux_.resources.memory.swap.set);
	assert_int_equal(s.linux_.resources.pids->limit.value, 0);
	const struct oci_device_rule *rules = s.linux_.resources.devices.items;
	assert_false(rules[0].allow || rules[0].type || rules[0].major.set);
	const struct oci_seccomp_rule *rule = s.linux_.seccomp->syscalls.items;
	assert_string_equal(((struct oci_seccomp_arg *)rule->args.items)->value,
			    "18446744073709551615");
	const struct oci_namespace *n = s.linux_.namespaces.items;
	assert_null(n[0].path);
	assert_string_equal(n[1].path, "/proc/1/ns/net");
}

static void writes_what_it_read(void **state)
{
	(void)state;
	static const char *const texts[] = {text, rare};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct err e = {0};
		struct oci_spec s = {0};
		int r = shape_parse(&oci_spec_shape, texts[i], strlen(texts[i]), &s, &a, &e);
		assert_int_equal(r, 0);
		assert_string_equal(shape_print(&oci_spec_shape, &s, false, &a), texts[i]);
	}
}

static void refuses_wrong_types(void **state)
{
	(void)state;
	static const struct {
		const char *text, *place;
	} cases[] = {
		{"[]", "expected an object"},
		{"{\"process\":{\"rlimits\":[{\"type\":\"x\",\"hard\":1,\"soft\":\"y\"}]}}",
		 "process: rlimits[0]: soft: expected a number"},
		{"{\"process\":{\"user\":{\"additionalGids\":[1,\"2\"]}}}", "additionalGids"},
		{"{\"process\":{\"user\":{\"additionalGids\":[null]}}}", "additionalGids"},
		{"{\"mounts\":[{}]}", "mounts[0]: destination: missing"},
		{"{\"linux\":{\"namespaces\":[{\"type\":1}]}}", "namespaces[0]: type"},
		{"{\"linux\":{\"netDevices\":{\"eth0\":1}}}",
		 "netDevices.eth0: expected an object"},
		{"{\"linux\":{\"timeOffsets\":[]}}", "timeOffsets: expected an object"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct err e = {0};
		struct oci_spec s = {0};
		assert_int_equal(shape_parse(&oci_spec_shape, cases[i].text, strlen(cases[i].text),
					     &s, &a, &e),
				 -EINVAL);
		assert_non_null(strstr(e.text, cases[i].place));
	}
}

static void infinity_both_ways(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t value;
	} cases[] = {
		{"18446744073709551615", -1},       {"-1", -1}, {"9223372036854775807", INT64_MAX},
		{"9223372036854775808", INT64_MAX}, {"0", 0},   {"1024", 1024},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_ARENA struct arena a = {0};
		struct err e = {0};
		struct oci_spec s = {0};
		char *json = arena_printf(&a,
					  "{\"process\":{\"rlimits\":[{\"type\":\"x\",\"hard\":%s,"
					  "\"soft\":1}]}}",
					  cases[i].text);
		assert_int_equal(shape_parse(&oci_spec_shape, json, strlen(json), &s, &a, &e), 0);
		assert_int_equal(((struct oci_rlimit *)s.process.rlimits.items)->hard,
				 cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(refuses_wrong_types),
		cmocka_unit_test(infinity_both_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
