/* SPDX-License-Identifier: Apache-2.0 */
/* The formulas and checks of limits, lists of CPUs, lines of mountinfo, and the device program in
 * an interpreter: nothing here touches the machine's groups. */
#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "linux/cgroup_limits.h"
#include "linux/cgroup_version.h"
#include "linux/cpuset_list.h"

static void shares_to_weight(void **state)
{
	(void)state;
	static const int64_t pairs[][2] = {{0, 1},          {2, 1},           {1024, 100},
					   {262144, 10000}, {1000000, 10000}, {512, 59},
					   {2048, 174},     {256, 35},        {4, 1 + 1}};
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		assert_int_equal(cgroup_weight_from_shares(pairs[i][0]), pairs[i][1]);
	assert_int_equal(cgroup_io_weight(10), 1);
	assert_int_equal(cgroup_io_weight(500), 4950);
	assert_int_equal(cgroup_io_weight(1000), 10000);
	/* Requests of Kubernetes. */
	assert_int_equal(cgroup_shares_from_milli(1000), 1024);
	assert_int_equal(cgroup_shares_from_milli(250), 256);
	assert_int_equal(cgroup_shares_from_milli(1), 2);
	assert_int_equal(cgroup_shares_from_milli(0), 2);
	assert_int_equal(cgroup_shares_from_milli(INT64_MAX), 262144);
	for (int64_t s = 3; s < 262144; s++)
		assert_true(cgroup_weight_from_shares(s) >= cgroup_weight_from_shares(s - 1));
}

static struct opt_i64 n(int64_t value)
{
	return (struct opt_i64){true, value};
}

static void check_says(const struct cgroup_limits *l, const char *text)
{
	struct err e = {0};
	int r = cgroup_limits_check(l, &e);
	if (!text) {
		assert_int_equal(r, 0);
		return;
	}
	assert_int_equal(r, -EINVAL);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, e.text);
}

static void limits_checked(void **state)
{
	(void)state;
	const struct {
		struct cgroup_limits l;
		const char *text;
	} cases[] = {
		{{.memory = n(0)}, NULL},
		{{.memory = n(-1), .memory_swap = n(-1)}, NULL},
		{{.memory = n(262144)}, NULL},
		{{.memory = n(65535)}, "memory limit 64KiB: at least"},
		{{.memory = n(4096)}, "memory limit 4KiB: at least 64KiB"},
		{{.memory = n(64 << 20), .memory_swap = n(32 << 20)},
		 "memory+swap limit 32MiB is below the memory limit 64MiB"},
		{{.memory = n(64 << 20), .memory_reservation = n(65 << 20)},
		 "memory reservation 65MiB is above the memory limit 64MiB"},
		{{.memory_swappiness = n(101)}, "swappiness 101"},
		{{.memory_swappiness = n(-1)}, NULL},
		{{.cpu_shares = n(-1)}, "CPU shares -1"},
		{{.cpu_shares = n(1)}, NULL},
		{{.cpu_period = n(999)}, "CPU period 999"},
		{{.cpu_period = n(1000001)}, "CPU period 1000001"},
		{{.cpu_quota = n(999)}, "CPU quota 999"},
		{{.cpu_quota = n(-1), .cpu_burst = n(5)}, NULL},
		{{.cpu_quota = n(5000), .cpu_burst = n(5001)}, "CPU burst 5001"},
		{{.cpuset_cpus = ""}, NULL},
		{{.cpuset_cpus = "0"}, NULL},
		{{.cpuset_cpus = "0,"}, "cpuset 0,: expected a list of CPUs"},
		{{.cpuset_cpus = "a"}, "cpuset a: expected"},
		{{.cpuset_cpus = "7999"}, "cpuset 7999: this machine has CPUs "},
		{{.cpuset_cpus = "0-4294967295"}, "cpuset 0-4294967295: this machine has CPUs "},
		{{.cpuset_cpus = "1-0"}, "cpuset 1-0"},
		{{.cpuset_mems = "77"}, "cpuset 77"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_says(&cases[i].l, cases[i].text);
}

static void cpu_lists(void **state)
{
	(void)state;
	struct cpuset_list l, all;
	const struct {
		const char *text;
		int result;
	} cases[] = {
		{"", 0},
		{"0", 0},
		{"0-3,7", 0},
		{"8191", 0},
		{"8192", -ERANGE},
		{"0-8192", -ERANGE},
		{"3-1", -ERANGE},
		{"0-4294967295", -ERANGE},
		{"99999999999999999999999", -ERANGE},
		{",", -EINVAL},
		{"0,", -EINVAL},
		{"0,,1", -EINVAL},
		{"-1", -EINVAL},
		{"1-", -EINVAL},
		{"+1", -EINVAL},
		{" 1", -EINVAL},
		{"1 ", -EINVAL},
		{"0x1", -EINVAL},
		{"1--2", -EINVAL},
		{"0-3:1/2", -EINVAL},
		{"all", -EINVAL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(cpuset_list_parse(cases[i].text, &l), cases[i].result);
	cpuset_list_parse("0-3,7", &l);
	cpuset_list_parse("0-6", &all);
	assert_int_equal(l.words[0], 0x8f);
	assert_int_equal(cpuset_list_beyond(&l, &all), 7);
	assert_int_equal(cpuset_list_beyond(&all, &l), 4);
	cpuset_list_parse("0-8191", &all);
	assert_int_equal(cpuset_list_beyond(&l, &all), -1);
	char longest[CPUSET_TEXT_MAX + 2];
	memset(longest, '1', sizeof(longest));
	longest[CPUSET_TEXT_MAX + 1] = '\0';
	assert_int_equal(cpuset_list_parse(longest, &l), -EINVAL);
}

/* The time for any accepted text is bounded, also for one that repeats the widest range. */
static void cpu_lists_in_time(void **state)
{
	(void)state;
	char text[CPUSET_TEXT_MAX + 1] = "";
	for (size_t used = 0; used + 8 < sizeof(text); used += 7)
		memcpy(text + used, "0-8191,", 8);
	text[strlen(text) - 1] = '\0';
	struct cpuset_list l;
	assert_int_equal(cpuset_list_parse(text, &l),
			 0); /* before the clock runs: its pages are there */
	clock_t start = clock();
	assert_int_equal(cpuset_list_parse(text, &l), 0);
	assert_true(clock() - start < CLOCKS_PER_SEC / 4);
}

static void mount_lines(void **state)
{
	(void)state;
	struct cgroup_mount m;
	assert_int_equal(cgroup_mount_parse("33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime "
					    "shared:9 - cgroup cgroup rw,cpu,cpuacct\n",
					    &m),
			 1);
	assert_true(!m.is_v2 && m.whole &&
		    m.controllers == (1U << CGROUP_CPU | 1U << CGROUP_CPUACCT));
	assert_string_equal(m.point, "/sys/fs/cgroup/cpu,cpuacct");
	assert_int_equal(
		cgroup_mount_parse("33 31 0:30 /a /m\\040n\\134 rw - cgroup2 c rw,nsdelegate", &m),
		1);
	assert_true(m.is_v2 && !m.whole && !m.controllers);
	assert_string_equal(m.point, "/m n\\");
	assert_int_equal(cgroup_mount_parse("1 2 0:3 / /s rw - cgroup cgroup rw,name=systemd", &m),
			 1);
	assert_int_equal(m.controllers, 1U << CGROUP_SYSTEMD);
	assert_int_equal(cgroup_mount_parse("1 2 0:3 / /s rw - cgroup cgroup rw,name=other", &m),
			 0);
	assert_int_equal(cgroup_mount_parse("1 2 0:3 / /s rw - tmpfs cgroup rw,cpu", &m), 0);
	assert_int_equal(cgroup_mount_parse("1 2 0:3 / /s rw cgroup cgroup rw,cpu", &m), -EINVAL);
	assert_int_equal(cgroup_mount_parse("1 2 0:3 /", &m), -EINVAL);
	assert_int_equal(cgroup_mount_parse("", &m), -EINVAL);
	assert_int_equal(cgroup_controllers_parse("cpuset cpu io memory pids rdma misc", ' '),
			 1U << CGROUP_CPUSET | 1U << CGROUP_CPU | 1U << CGROUP_BLKIO |
				 1U << CGROUP_MEMORY | 1U << CGROUP_PIDS | 1U << CGROUP_RDMA);
}

/* As much of eBPF as cgroup_device_program() uses. */
static uint64_t device_run(const struct bpf_insn *code, size_t count,
			   const struct bpf_cgroup_dev_ctx *ctx)
{
	uint64_t r[11] = {0};
	for (size_t pc = 0; pc < count; pc++) {
		const struct bpf_insn *i = &code[pc];
		uint64_t *dst = &r[i->dst_reg];
		switch (i->code) {
		case BPF_LDX | BPF_W | BPF_MEM:
			*dst = *(const uint32_t *)((const char *)ctx + i->off);
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*dst = (uint64_t)(int64_t)i->imm;
			break;
		case BPF_ALU | BPF_MOV | BPF_X:
			*dst = (uint32_t)r[i->src_reg];
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			*dst = (uint32_t)*dst & (uint32_t)i->imm;
			break;
		case BPF_ALU | BPF_RSH | BPF_K:
			*dst = (uint32_t)*dst >> i->imm;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			pc += *dst != (uint64_t)(int64_t)i->imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			pc += *dst == (uint64_t)(int64_t)i->imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_EXIT:
			return r[0];
		default:
			fail_msg("unexpected instruction %#x", i->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
}

static bool device_expected(const struct cgroup_device_rule *rules, size_t count, char type,
			    int64_t major, int64_t minor, unsigned access)
{
	/* Each kind of access by itself: the last rule that speaks of it. */
	for (unsigned kind = 1; kind <= 4; kind <<= 1) {
		bool allowed = true;
		for (size_t i = 0; i < count; i++) {
			const struct cgroup_device_rule *rule = &rules[i];
			if (rule->type == 'a' || (rule->type == type && (rule->access & kind) &&
						  (rule->major < 0 || rule->major == major) &&
						  (rule->minor < 0 || rule->minor == minor)))
				allowed = rule->allow;
		}
		if ((access & kind) && !allowed)
			return false;
	}
	return true;
}

static void device_programs(void **state)
{
	(void)state;
	static const struct cgroup_device_rule rules[] = {
		{false, 'a', -1, -1, 7}, {true, 'c', 1, 3, 7},    {true, 'c', 1, 5, 1},
		{true, 'c', 1, 5, 2},    {true, 'c', 136, -1, 7}, {true, 'b', -1, -1, 4},
		{false, 'c', 136, 9, 2}, {true, 'b', 8, 0, 3},    {false, 'b', 8, 1, 7},
	};
	static const int64_t majors[] = {0, 1, 8, 136}, minors[] = {0, 1, 3, 5, 9};
	for (size_t count = 0; count <= ARRAY_LEN(rules); count++) {
		struct bpf_insn code[CGROUP_DEVICE_INSNS_MAX];
		size_t length = cgroup_device_program(rules, count, code);
		for (size_t i = 0; i < 2 * 4 * 5 * 7; i++) {
			char type = i % 2 ? 'b' : 'c';
			int64_t major = majors[i / 2 % 4], minor = minors[i / 8 % 5];
			unsigned access = (unsigned)(i / 40) + 1;
			/* Bits of the kernel: mknod 1, read 2, write 4; ours: read 1, write 2,
			 * mknod 4. */
			struct bpf_cgroup_dev_ctx ctx = {
				.access_type = ((access << 1 & 6) | access >> 2) << 16 |
					       (type == 'b' ? 1 : 2),
				.major = (uint32_t)major,
				.minor = (uint32_t)minor,
			};
			assert_int_equal(device_run(code, length, &ctx),
					 device_expected(rules, count, type, major, minor, access));
		}
	}
}

static void device_program_at_its_longest(void **state)
{
	(void)state;
	static struct cgroup_device_rule rules[CGROUP_DEVICE_RULES_MAX];
	static struct bpf_insn code[CGROUP_DEVICE_INSNS_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i] = (struct cgroup_device_rule){false, 'c', (int64_t)i, 1, CGROUP_DEV_READ};
	assert_true(cgroup_device_program(rules, ARRAY_LEN(rules), code) <= ARRAY_LEN(code));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_to_weight),
		cmocka_unit_test(limits_checked),
		cmocka_unit_test(cpu_lists),
		cmocka_unit_test(cpu_lists_in_time),
		cmocka_unit_test(mount_lines),
		cmocka_unit_test(device_programs),
		cmocka_unit_test(device_program_at_its_longest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
