/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules on version 2: a small eBPF program that the kernel runs at each open and mknod of a
 * device node. See bpf(2), BPF_PROG_TYPE_CGROUP_DEVICE, and "Device controller" in cgroup-v2.rst.
 *
 * The rules are tried from the last to the first, each for the kinds of access that it names: the
 * last rule that speaks of a kind decides it, as on v1. The program keeps the kinds that are not
 * decided yet in a register. What no rule speaks of is allowed, as in a fresh v1 group.
 * Invariant: each rule takes at most 8 instructions, so jumps never overflow.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "linux/bpf.h"
#include "linux/cgroup_version.h"

enum { DEV_ALL = CGROUP_DEV_READ | CGROUP_DEV_WRITE | CGROUP_DEV_MKNOD };
/* Registers: the result, the context, then what the context says. */
enum { R_RESULT, R_CONTEXT, R_TYPE, R_UNDECIDED, R_MAJOR, R_MINOR, R_SCRATCH };

static void emit_exit(struct bpf_assembler *a, bool allow)
{
	bpf_emit(a, BPF_ALU64 | BPF_MOV | BPF_K, R_RESULT, 0, 0, allow);
	bpf_emit(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void emit_prologue(struct bpf_assembler *a)
{
	const uint8_t load = BPF_LDX | BPF_W | BPF_MEM;
	bpf_emit(a, load, R_TYPE, R_CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, access_type), 0);
	bpf_emit(a, BPF_ALU | BPF_MOV | BPF_X, R_UNDECIDED, R_TYPE, 0, 0);
	bpf_emit(a, BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff);
	bpf_emit(a, BPF_ALU | BPF_RSH | BPF_K, R_UNDECIDED, 0, 0, 16);
	bpf_emit(a, load, R_MAJOR, R_CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, major), 0);
	bpf_emit(a, load, R_MINOR, R_CONTEXT, offsetof(struct bpf_cgroup_dev_ctx, minor), 0);
}

/* The kernel's bits are not in the order of ours. */
static int32_t kernel_access(unsigned access)
{
	return (access & CGROUP_DEV_READ ? BPF_DEVCG_ACC_READ : 0) |
	       (access & CGROUP_DEV_WRITE ? BPF_DEVCG_ACC_WRITE : 0) |
	       (access & CGROUP_DEV_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0);
}

static void emit_decision(struct bpf_assembler *a, const struct cgroup_device_rule *rule)
{
	int32_t access = kernel_access(rule->access);
	if ((rule->access & DEV_ALL) == DEV_ALL) {
		emit_exit(a, rule->allow);
	} else if (rule->allow) {
		bpf_emit(a, BPF_ALU | BPF_AND | BPF_K, R_UNDECIDED, 0, 0, ~access);
		bpf_emit(a, BPF_JMP | BPF_JNE | BPF_K, R_UNDECIDED, 0, 2, 0);
		emit_exit(a, true);
	} else {
		bpf_emit(a, BPF_ALU | BPF_MOV | BPF_X, R_SCRATCH, R_UNDECIDED, 0, 0);
		bpf_emit(a, BPF_ALU | BPF_AND | BPF_K, R_SCRATCH, 0, 0, access);
		bpf_emit(a, BPF_JMP | BPF_JEQ | BPF_K, R_SCRATCH, 0, 2, 0);
		emit_exit(a, false);
	}
}

static void emit_rule(struct bpf_assembler *a, const struct cgroup_device_rule *rule)
{
	const uint8_t unless = BPF_JMP | BPF_JNE | BPF_K;
	size_t first = a->count, tests;
	if (rule->type != 'a') {
		int32_t type = rule->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
		bpf_emit(a, unless, R_TYPE, 0, 0, type);
		if (rule->major >= 0)
			bpf_emit(a, unless, R_MAJOR, 0, 0, (int32_t)rule->major);
		if (rule->minor >= 0)
			bpf_emit(a, unless, R_MINOR, 0, 0, (int32_t)rule->minor);
	}
	tests = a->count;
	emit_decision(a, rule);
	for (size_t i = first; i < tests; i++)
		a->code[i].off = (int16_t)(a->count - i - 1);
}

/* As on v1, 'a' means all devices and all access, whatever else the rule says. */
static bool rule_is_final(const struct cgroup_device_rule *rule)
{
	return rule->type == 'a';
}

size_t cgroup_device_program(const struct cgroup_device_rule *rules, size_t count,
			     struct bpf_insn *code)
{
	struct bpf_assembler a = {.code = code};
	emit_prologue(&a);
	while (count-- > 0) {
		if (rule_is_final(&rules[count])) {
			emit_exit(&a, rules[count].allow);
			return a.count;
		}
		emit_rule(&a, &rules[count]);
	}
	emit_exit(&a, true);
	return a.count;
}

/* A user namespace cannot load such programs, and does not need them: it can make no device nodes.
 */
static bool in_user_namespace(void)
{
	char map[256];
	unsigned long inside, outside, length;
	if (file_read_small(AT_FDCWD, "/proc/self/uid_map", map, sizeof(map)) <= 0)
		return false;
	return sscanf(map, "%lu %lu %lu", &inside, &outside, &length) == 3 && length != UINT32_MAX;
}

static int program_attach(int fd, const struct bpf_insn *code, size_t count)
{
	const struct bpf_assembler a = {.code = (struct bpf_insn *)code, .count = count};
	CLEANUP_FD int program = bpf_load(&a, BPF_PROG_TYPE_CGROUP_DEVICE, "hull_devices");
	if (program < 0)
		return program;
	union bpf_attr attach = {
		.target_fd = (uint32_t)fd,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI, /* beside what systemd attached above */
	};
	return bpf_call(BPF_PROG_ATTACH, &attach) < 0 ? -errno : 0;
}

int cgroup_v2_devices(int fd, const struct cgroup_device_rule *rules, size_t count, struct err *e)
{
	struct bpf_insn code[CGROUP_DEVICE_INSNS_MAX];
	if (count > CGROUP_DEVICE_RULES_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "%zu device rules: at most %d are possible",
			       count, CGROUP_DEVICE_RULES_MAX);
	int r = program_attach(fd, code, cgroup_device_program(rules, count, code));
	if (r == 0 || (r == -EPERM && in_user_namespace()))
		return 0;
	err_errno(e, r, "cannot restrict devices (BPF_PROG_TYPE_CGROUP_DEVICE)");
	return err_hint(e, "the kernel needs CONFIG_CGROUP_BPF, and hull CAP_BPF or CAP_SYS_ADMIN");
}
