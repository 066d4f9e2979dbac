/* SPDX-License-Identifier: Apache-2.0 */
/* Filters run in an interpreter, for every number and many arguments, against a plain evaluation of
 * the same policy and against what libseccomp makes of it; and loaded in a child. */
#include <errno.h>
#include <linux/fs.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include "tests/helpers/libseccomp.h"

#include "base/cleanup.h"
#include "linux/capability.h"
#include "linux/seccomp.h"
#include "linux/seccomp_calls.h"
#include "tests/helpers/bpf_run.h"

#define EPERM_ACTION (SECCOMP_RET_ERRNO | EPERM)
#define ENOSYS_ACTION (SECCOMP_RET_ERRNO | ENOSYS)

static const uint64_t samples[] = {
	0,
	1,
	2,
	7,
	8,
	9,
	16,
	37,
	38,
	39,
	40,
	41,
	100,
	0x20000,
	0x20008,
	0x7e020000,
	0x10000000,
	0x7fffffff,
	0x80000000,
	0xfffffffe,
	0xffffffff,
	0x100000000,
	0x100000001,
	0x100000026,
	0x1ffffffff,
	0x7fffffffffffffff,
	0x8000000000000000,
	0xffffffffffffffff,
};

static struct seccomp_data call(int nr, uint64_t arg0, uint64_t arg1, uint64_t arg2)
{
	return (struct seccomp_data){
		.nr = nr, .arch = seccomp_arch_native(), .args = {arg0, arg1, arg2}};
}

static uint32_t run(const struct seccomp_program *p, int nr, uint64_t arg0, uint64_t arg1,
		    uint64_t arg2)
{
	struct seccomp_data d = call(nr, arg0, arg1, arg2);
	return bpf_run(p->code, p->count, &d);
}

static int number_of(enum seccomp_abi abi, const char *name)
{
	const struct seccomp_call *c = seccomp_call_find(name);
	return c && c->numbers[abi] >= 0 ? c->numbers[abi] : -ENOENT;
}

static void table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < seccomp_call_count; i++) {
		const struct seccomp_call *c = &seccomp_calls[i];
		if (i > 0)
			assert_true(strcmp(seccomp_calls[i - 1].name, c->name) < 0);
		assert_true(c->numbers[SECCOMP_NATIVE] < 512);
		assert_int_equal(number_of(SECCOMP_NATIVE, c->name),
				 c->numbers[SECCOMP_NATIVE] < 0 ? -ENOENT
								: c->numbers[SECCOMP_NATIVE]);
		int theirs = seccomp_syscall_resolve_name(c->name);
		if (theirs >= 0)
			assert_int_equal(c->numbers[SECCOMP_NATIVE], theirs);
	}
	assert_int_equal(number_of(SECCOMP_NATIVE, "no_such_call"), -ENOENT);
	/* And the other way: whatever libseccomp knows, the table knows. */
	for (int n = 0; n < 451; n++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, n);
		if (name)
			assert_int_equal(number_of(SECCOMP_NATIVE, name), n);
		free(name);
	}
}

/* Of the 32-bit siblings as well. */
static void foreign_numbers(void **state)
{
	(void)state;
	static const struct {
		enum seccomp_abi abi;
		uint32_t arch;
	} abis[] = {{SECCOMP_I386, SCMP_ARCH_X86}, {SECCOMP_ARM, SCMP_ARCH_ARM}};
	for (size_t k = 0; k < ARRAY_LEN(abis); k++) {
		for (size_t i = 0; i < seccomp_call_count; i++) {
			const struct seccomp_call *c = &seccomp_calls[i];
			int theirs = seccomp_syscall_resolve_name_arch(abis[k].arch, c->name);
			if (theirs >= 0)
				assert_int_equal(c->numbers[abis[k].abi], theirs);
			/* -101 and on is socketcall(2), -201 and on ipc(2). */
			uint64_t argument;
			int behind = seccomp_call_behind(c->name, &argument);
			bool is_behind =
				abis[k].abi == SECCOMP_I386 && theirs <= -101 && theirs > -300;
			assert_true(is_behind == (abis[k].abi == SECCOMP_I386 && behind >= 0));
			if (is_behind)
				assert_int_equal(-theirs,
						 (behind == 117 ? 200 : 100) + (int)argument);
		}
		for (int n = 0; n < 0xf0010; n = n == 450 ? 0xf0000 : n + 1) {
			char *name = seccomp_syscall_resolve_num_arch(abis[k].arch, n);
			if (name)
				assert_int_equal(number_of(abis[k].abi, name), n);
			free(name);
		}
	}
}

/* libseccomp's program for the rules, all with one action. */
static struct seccomp_program by_libseccomp(const struct seccomp_policy *p, struct arena *a)
{
	static const enum scmp_compare compare[] = {
		[SC_NE] = SCMP_CMP_NE,
		[SC_LT] = SCMP_CMP_LT,
		[SC_LE] = SCMP_CMP_LE,
		[SC_EQ] = SCMP_CMP_EQ,
		[SC_GE] = SCMP_CMP_GE,
		[SC_GT] = SCMP_CMP_GT,
		[SC_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
	};
	scmp_filter_ctx ctx = seccomp_init(p->default_action);
	assert_non_null(ctx);
	seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, p->unknown_action);
	if (p->i386)
		seccomp_arch_add(ctx, SCMP_ARCH_X86);
	if (p->arm)
		seccomp_arch_add(ctx, SCMP_ARCH_ARM);
	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct seccomp_rule *rule = &p->rules[i];
		struct scmp_arg_cmp args[6];
		for (uint32_t k = 0; k < rule->arg_count; k++)
			args[k] = (struct scmp_arg_cmp){
				rule->args[k].index, compare[rule->args[k].op], rule->args[k].value,
				rule->args[k].value_two};
		for (const char *const *name = rule->names; *name; name++) {
			int nr = seccomp_syscall_resolve_name(*name);
			/* Those of other ABIs have negative numbers. */
			if (p->i386 || p->arm)
				seccomp_rule_add_array(ctx, rule->action, nr, rule->arg_count,
						       args);
			else if (nr >= 0)
				assert_int_equal(seccomp_rule_add_exact_array(ctx, rule->action, nr,
									      rule->arg_count,
									      args),
						 0);
		}
	}
	CLEANUP_FD int fd = memfd_create("bpf", MFD_CLOEXEC);
	assert_int_equal(seccomp_export_bpf(ctx, fd), 0);
	seccomp_release(ctx);
	off_t size = lseek(fd, 0, SEEK_END);
	struct seccomp_program made = {.code = arena_alloc(a, (size_t)size),
				       .count = (uint16_t)((size_t)size / sizeof(*made.code))};
	assert_int_equal(pread(fd, made.code, (size_t)size, 0), size);
	return made;
}

/* Every number, with sample values in the first three arguments (few where no rule looks at them);
 * @theirs may be NULL. */
static void compare(const struct seccomp_policy *p, const struct seccomp_program *ours,
		    const struct seccomp_program *theirs, int last)
{
	for (int nr = 0; nr < 512; nr++) {
		size_t step = nr == SYS_socket || nr == SYS_mmap || nr == SYS_futex_waitv ? 1 : 131;
		for (size_t i = 0; i < ARRAY_LEN(samples) * ARRAY_LEN(samples); i += step) {
			uint64_t x = samples[i % ARRAY_LEN(samples)],
				 y = samples[i / ARRAY_LEN(samples)];
			struct seccomp_data d = call(nr, x, y, x ^ y);
			uint32_t got = bpf_run(ours->code, ours->count, &d);
			uint32_t wanted = policy_run(p, &d);
			if (got != wanted)
				fail_msg("call %d(%#lx, %#lx): %#x, expected %#x", nr, (long)x,
					 (long)y, got, wanted);
			if (theirs && nr <= last)
				assert_int_equal(got, bpf_run(theirs->code, theirs->count, &d));
		}
	}
}

static const char *const many[] = {"read", "write", "openat", "close", "futex", "statx", NULL};
static const char *const one[] = {"socket", NULL};
static const char *const two[] = {"mmap", "ioctl", NULL};
static const char *const newest[] = {"futex_waitv", "no_such_call", NULL};

static void every_operator(void **state)
{
	(void)state;
	static const uint64_t values[] = {0, 38, 0xffffffff, 0x100000026, 0xffffffffffffffff};
	for (int op = SC_NE; op <= SC_MASKED_EQ; op++) {
		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			CLEANUP_ARENA struct arena a = {0};
			struct err e;
			struct seccomp_arg first[] = {
				{0, (enum seccomp_op)op, values[v], values[v] & 0x126}};
			struct seccomp_arg both[] = {
				{1, (enum seccomp_op)op, values[v], 0x26 & values[v]},
				{2, SC_LT, 41, 0}};
			struct seccomp_rule rules[] = {
				{many, SECCOMP_RET_ALLOW, NULL, 0},
				{one, SECCOMP_RET_ALLOW, first, 1},
				{two, SECCOMP_RET_ALLOW, both, 2},
				{newest, SECCOMP_RET_ALLOW, both, 1},
			};
			struct seccomp_policy p = {EPERM_ACTION, ENOSYS_ACTION, rules,
						   ARRAY_LEN(rules), 0};
			struct seccomp_program ours;
			assert_int_equal(seccomp_compile(&p, &a, &ours, &e), 0);
			struct seccomp_program theirs = by_libseccomp(&p, &a);
			compare(&p, &ours, &theirs, SYS_futex_waitv);
		}
	}
}

static void rules_that_meet(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	struct seccomp_arg is_38[] = {{0, SC_EQ, 38, 0}}, below_40[] = {{0, SC_LT, 40, 0}};
	struct seccomp_rule rules[] = {
		{one, SECCOMP_RET_ERRNO | EINVAL, is_38, 1},
		{one, SECCOMP_RET_ALLOW, below_40, 1},
		{two, SECCOMP_RET_ALLOW, is_38, 1}, /* outweighed by the next */
		{two, SECCOMP_RET_LOG, NULL, 0},
		{two, SECCOMP_RET_KILL_PROCESS, NULL, 0},
	};
	struct seccomp_policy p = {EPERM_ACTION, ENOSYS_ACTION, rules, ARRAY_LEN(rules), 0};
	struct seccomp_program ours;
	assert_int_equal(seccomp_compile(&p, &a, &ours, &e), 0);
	compare(&p, &ours, NULL, 0);
	assert_int_equal(run(&ours, SYS_socket, 38, 0, 0), SECCOMP_RET_ERRNO | EINVAL);
	assert_int_equal(run(&ours, SYS_socket, 2, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&ours, SYS_mmap, 38, 0, 0), SECCOMP_RET_LOG);
}

static void foreign_numbers_and_abis(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	struct seccomp_rule rules[] = {{many, EPERM_ACTION, NULL, 0}};
	struct seccomp_policy deny_some = {SECCOMP_RET_ALLOW, ENOSYS_ACTION, rules, 1, 0};
	struct seccomp_program p;
	assert_int_equal(seccomp_compile(&deny_some, &a, &p, &e), 0);
	compare(&deny_some, &p, NULL, 0);
	assert_int_equal(run(&p, 100000, 0, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&p, 0x3fffffff, 0, 0, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(run(&p, 0x40000000 + SYS_getpid, 0, 0, 0), ENOSYS_ACTION);
	assert_int_equal(run(&p, -1, 0, 0, 0), ENOSYS_ACTION);
	struct seccomp_data d = {.nr = 1, .arch = AUDIT_ARCH_I386};
	assert_int_equal(bpf_run(p.code, p.count, &d), ENOSYS_ACTION);
}

/* The rules for the 32-bit siblings, against libseccomp's. */
static void rules_of_foreign_abis(void **state)
{
	(void)state;
	static const char *const plain[] = {"read",    "mmap2",   "socket", "accept",       "semop",
					    "set_tls", "fcntl64", "statx",  "futex_time64", NULL};
	static const char *const some[] = {"ioctl", "personality", "_llseek", NULL};
	static const uint32_t archs[] = {AUDIT_ARCH_I386, AUDIT_ARCH_ARM};
	static const uint64_t values[] = {0, 2, 38, 0x7fffffff, 0xffffffff, 0xffffffffffffffff};
	for (int round = 0; round < 2 * 7 * (int)ARRAY_LEN(values); round++) {
		CLEANUP_ARENA struct arena a = {0};
		struct err e;
		uint64_t value = values[round / 14];
		struct seccomp_arg arg = {1, (enum seccomp_op)(round / 2 % 7), value, value & 0x26};
		uint32_t common = round % 2 ? SECCOMP_RET_ALLOW : EPERM_ACTION;
		uint32_t special = round % 2 ? EPERM_ACTION : SECCOMP_RET_ALLOW;
		struct seccomp_rule rules[] = {{plain, special, NULL, 0}, {some, special, &arg, 1}};
		struct seccomp_policy p = {common, common, rules, 2, 0, true, true};
		struct seccomp_program ours;
		assert_int_equal(seccomp_compile(&p, &a, &ours, &e), 0);
		struct seccomp_program theirs = by_libseccomp(&p, &a);
		for (int nr = 0; nr < 0xf0020; nr = nr == 500 ? 0xefff0 : nr + 1)
			for (size_t i = 0; i < 2 * ARRAY_LEN(samples); i++) {
				struct seccomp_data d = {.nr = nr, .arch = archs[i % 2]};
				d.args[0] = (uint32_t)samples[i / 2] % 32;
				d.args[1] = (uint32_t)samples[i / 2];
				uint32_t got = bpf_run(ours.code, ours.count, &d);
				uint32_t wanted = bpf_run(theirs.code, theirs.count, &d);
				if (got != wanted)
					fail_msg("%s %#x(%#lx, %#lx), round %d: %#x, expected %#x",
						 i % 2 ? "arm" : "i386", nr, (long)d.args[0],
						 (long)d.args[1], round, got, wanted);
			}
		struct seccomp_data other = {.nr = 1, .arch = AUDIT_ARCH_PPC};
		assert_int_equal(bpf_run(ours.code, ours.count, &other), common);
	}
}

/* More than 255 instructions between jumps and their targets. */
static void long_jumps(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	enum { COUNT = 300 };
	struct seccomp_rule *rules = arena_array(&a, COUNT, sizeof(*rules));
	for (int i = 0; i < COUNT; i++) {
		const char **names = arena_array(&a, 2, sizeof(*names));
		struct seccomp_arg *arg = arena_new(&a, struct seccomp_arg);
		names[0] = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
		*arg = (struct seccomp_arg){0, SC_EQ, (uint64_t)i % 41, 0};
		rules[i] = (struct seccomp_rule){names, SECCOMP_RET_ERRNO | (uint32_t)i, arg, 1};
	}
	struct seccomp_policy p = {EPERM_ACTION, ENOSYS_ACTION, rules, COUNT, 0};
	struct seccomp_program ours;
	assert_int_equal(seccomp_compile(&p, &a, &ours, &e), 0);
	assert_true(ours.count > 1000);
	for (int nr = 0; nr < 512; nr++) {
		for (uint64_t x = 0; x < 42; x++) {
			struct seccomp_data d = call(nr, x, 0, 0);
			assert_int_equal(bpf_run(ours.code, ours.count, &d), policy_run(&p, &d));
		}
	}
	for (int i = 0; i < COUNT; i++)
		free((void *)(uintptr_t)rules[i].names[0]);
}

static void senseless_policies(void **state)
{
	(void)state;
	CLEANUP_ARENA struct arena a = {0};
	struct err e;
	struct seccomp_arg bad_index = {6, SC_EQ, 0, 0};
	struct seccomp_rule rule = {one, SECCOMP_RET_ALLOW, &bad_index, 1};
	struct seccomp_policy p = {EPERM_ACTION, ENOSYS_ACTION, &rule, 1, 0};
	struct seccomp_program ret;
	assert_int_equal(seccomp_compile(&p, &a, &ret, &e), -EINVAL);
	p.rule_count = 5000;
	assert_int_equal(seccomp_compile(&p, &a, &ret, &e), -E2BIG);
	/* Too many instructions, and too many conditions on one call. */
	struct seccomp_rule *rules = arena_array(&a, 2000, sizeof(*rules));
	for (int i = 0; i < 2000; i++) {
		struct seccomp_arg *arg = arena_new(&a, struct seccomp_arg);
		*arg = (struct seccomp_arg){0, SC_GT, (uint64_t)i << 20, 0};
		rules[i] = (struct seccomp_rule){one, SECCOMP_RET_ALLOW, arg, 1};
	}
	p = (struct seccomp_policy){EPERM_ACTION, ENOSYS_ACTION, rules, 2000, 0};
	assert_int_equal(seccomp_compile(&p, &a, &ret, &e), -E2BIG);
	assert_non_null(strstr(e.text, "4096"));
}

/* What the default profile is to say, restated: the table's column, and the calls with arguments.
 */
static uint32_t default_expected(uint64_t caps, const struct seccomp_data *d)
{
	uint32_t low = (uint32_t)d->args[0];
	bool admin = caps & 1 << CAP_SYS_ADMIN;
	if (d->nr > 466)
		return ENOSYS_ACTION;
	if (d->nr == SYS_socket && low == AF_NETLINK && (uint32_t)d->args[2] == 9 &&
	    !(caps & 1 << CAP_AUDIT_WRITE))
		return SECCOMP_RET_ERRNO | EINVAL;
	if (d->nr == SYS_socket)
		return low == AF_ALG || low == AF_VSOCK ? EPERM_ACTION : SECCOMP_RET_ALLOW;
	if (d->nr == SYS_personality)
		return low == 0 || low == 8 || low == 0x20000 || low == 0x20008 || low == 0xffffffff
			       ? SECCOMP_RET_ALLOW
			       : EPERM_ACTION;
	if (d->nr == SYS_clone)
		return admin || !(d->args[0] & 0x7e020000) ? SECCOMP_RET_ALLOW : EPERM_ACTION;
	if (d->nr == SYS_clone3)
		return admin ? SECCOMP_RET_ALLOW : ENOSYS_ACTION;
	for (size_t i = 0; i < seccomp_call_count; i++) {
		if (seccomp_calls[i].numbers[SECCOMP_NATIVE] == d->nr)
			return seccomp_calls[i].when == UINT64_MAX || (seccomp_calls[i].when & caps)
				       ? SECCOMP_RET_ALLOW
				       : EPERM_ACTION;
	}
	return EPERM_ACTION;
}

static void default_profile(void **state)
{
	(void)state;
	static const uint64_t sets[] = {0,
					CAPS_MINIMAL,
					CAPS_DOCKER_DEFAULT,
					CAPS_DOCKER_DEFAULT | 1 << CAP_SYS_ADMIN,
					(uint64_t)1 << CAP_BPF,
					(uint64_t)1 << CAP_SYSLOG,
					~(uint64_t)0};
	for (size_t s = 0; s < ARRAY_LEN(sets); s++) {
		CLEANUP_ARENA struct arena a = {0};
		struct seccomp_program p;
		struct err e;
		assert_int_equal(seccomp_default_program(sets[s], &a, &p, &e), 0);
		for (int nr = 0; nr < 600; nr++) {
			for (size_t i = 0; i < ARRAY_LEN(samples) * 3; i++) {
				struct seccomp_data d = call(nr, samples[i / 3], i % 2, 8 + i % 3);
				assert_int_equal(bpf_run(p.code, p.count, &d),
						 default_expected(sets[s], &d));
			}
		}
	}
}

/* Spot checks by name, so that a slip in the table does not repeat itself in the expectation. */
static void default_names(void **state)
{
	(void)state;
	static const char *const refused[] = {
		"io_uring_setup",
		"io_uring_enter",
		"io_uring_register",
		"userfaultfd",
		"bpf",
		"perf_event_open",
		"keyctl",
		"add_key",
		"request_key",
		"kexec_load",
		"kexec_file_load",
		"init_module",
		"finit_module",
		"delete_module",
		"open_by_handle_at",
		"mount",
		"umount2",
		"unshare",
		"setns",
		"fsopen",
		"fsconfig",
		"fsmount",
		"move_mount",
		"open_tree",
		"mount_setattr",
		"pivot_root",
		"reboot",
		"swapon",
		"swapoff",
		"acct",
		"settimeofday",
		"clock_settime",
		"syslog",
		"quotactl",
		"move_pages",
		"kcmp",
		"process_madvise",
		"sethostname",
		"vhangup",
		"mbind",
		"get_mempolicy",
		"set_mempolicy",
		"migrate_pages",
		"pidfd_getfd",
		"fanotify_init",
		"nfsservctl",
	};
	static const char *const allowed[] = {
		"read",
		"execve",
		"execveat",
		"ptrace",
		"process_vm_readv",
		"seccomp",
		"chroot",
		"mknodat",
		"statx",
		"openat2",
		"close_range",
		"faccessat2",
		"futex_waitv",
		"landlock_restrict_self",
		"memfd_secret",
		"pidfd_open",
		"rseq",
		"copy_file_range",
		"cachestat",
		"fchmodat2",
		"map_shadow_stack",
		"mseal",
		"capset",
		"setuid",
		"name_to_handle_at",
		"epoll_pwait2",
	};
	CLEANUP_ARENA struct arena a = {0};
	struct seccomp_program p;
	struct err e;
	assert_int_equal(seccomp_default_program(CAPS_DOCKER_DEFAULT, &a, &p, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_int_equal(run(&p, number_of(SECCOMP_NATIVE, refused[i]), 0, 0, 0),
				 EPERM_ACTION);
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		assert_int_equal(run(&p, number_of(SECCOMP_NATIVE, allowed[i]), 0, 0, 0),
				 SECCOMP_RET_ALLOW);
	assert_int_equal(run(&p, SYS_clone3, 0, 0, 0), ENOSYS_ACTION);
	assert_int_equal(run(&p, SYS_socket, AF_ALG + (1ULL << 32), 0, 0), EPERM_ACTION);
	assert_int_equal(run(&p, SYS_ioctl, 3, FS_IOC_FSSETXATTR, 0), SECCOMP_RET_ALLOW);
	uint64_t caps = CAPS_DOCKER_DEFAULT | SECCOMP_KEEP_PROJECT;
	assert_int_equal(seccomp_default_program(caps, &a, &p, &e), 0);
	assert_int_equal(run(&p, SYS_ioctl, 3, FS_IOC_FSSETXATTR + (1ULL << 32), 0), EPERM_ACTION);
	assert_int_equal(run(&p, SYS_ioctl, 3, FS_IOC_SETFLAGS, 0), EPERM_ACTION);
	assert_int_equal(run(&p, SYS_ioctl, 3, FS_IOC_GETFLAGS, 0), SECCOMP_RET_ALLOW);
}

static int child_under_filter(void)
{
	CLEANUP_ARENA struct arena a = {0};
	struct seccomp_program p;
	struct err e;
	if (seccomp_default_program(CAPS_DOCKER_DEFAULT, &a, &p, &e) < 0)
		return 1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_load(&p) < 0)
		return 2;
	if (getppid() <= 0 || close(socket(AF_UNIX, SOCK_STREAM, 0)) < 0)
		return 3;
	if (unshare(CLONE_NEWUTS) == 0 || errno != EPERM)
		return 4;
	if (socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0 || errno != EPERM)
		return 5;
	if (syscall(SYS_socket, AF_ALG + (1L << 32), SOCK_SEQPACKET, 0) >= 0 || errno != EPERM)
		return 6;
	if (syscall(SYS_clone3, NULL, 0) >= 0 || errno != ENOSYS)
		return 7;
	if (personality(0xffffffff) < 0 || personality(ADDR_NO_RANDOMIZE) >= 0 || errno != EPERM)
		return 8;
	if (syscall(0x40000000 + SYS_getpid) >= 0 || errno != ENOSYS)
		return 9;
	if (syscall(600) >= 0 || errno != ENOSYS)
		return 10;
	pid_t pid = fork(); /* clone(2) with allowed flags */
	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : 11;
}

static void loaded_in_a_child(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0)
		_exit(child_under_filter());
	int status = -1;
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	struct seccomp_program nonsense = {.code = NULL, .count = 0};
	assert_true(seccomp_load(&nonsense) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(every_operator),
		cmocka_unit_test(rules_that_meet),
		cmocka_unit_test(foreign_numbers_and_abis),
		cmocka_unit_test(long_jumps),
		cmocka_unit_test(senseless_policies),
		cmocka_unit_test(rules_of_foreign_abis),
		cmocka_unit_test(foreign_numbers),
		cmocka_unit_test(default_profile),
		cmocka_unit_test(default_names),
		cmocka_unit_test(loaded_in_a_child),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
