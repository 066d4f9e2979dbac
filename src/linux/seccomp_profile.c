/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default filter of containers: docker's profile as the last column of the table in
 * seccomp_calls.c has it, and here what depends on arguments. Source: seccomp/default.json of
 * moby/profiles (2026); podman's profile for NETLINK_AUDIT.
 *
 * Stricter where a program does not notice: the kernel takes the family of socket(2) and the
 * persona of personality(2) from the low 32 bits, so only these are compared. A 64-bit comparison,
 * as profile files state it, would let AF_ALG + 2^32 pass. Invariant: nothing is allowed that
 * docker's profile refuses. Read seccomp.h first.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "linux/seccomp_bpf.h"
#include "linux/seccomp_calls.h"

#define LOW_32 0xffffffffU
#define BIT(capability) ((uint64_t)1 << (capability))
#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

enum { NEWEST = 466 /* removexattrat: the newest that the profile speaks of */ };

/* All but time namespaces, whose bit is taken in clone(2). */
#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

struct condition {
	int number;
	struct seccomp_arg args[2];
	uint32_t arg_count;
	uint32_t action;
	uint64_t unless; /* left out when one of these capabilities is held */
};

/* What a call does when none of its conditions matches stands in `otherwise` below. */
static const struct condition conditions[] = {
	{SYS_socket,
	 {{0, SC_MASKED_EQ, LOW_32, AF_NETLINK}, {2, SC_MASKED_EQ, LOW_32, NETLINK_AUDIT}},
	 2,
	 SECCOMP_RET_ERRNO | EINVAL,
	 BIT(CAP_AUDIT_WRITE)},
	{SYS_socket, {{0, SC_MASKED_EQ, LOW_32, AF_ALG}}, 1, REFUSED, 0},
	{SYS_socket, {{0, SC_MASKED_EQ, LOW_32, AF_VSOCK}}, 1, REFUSED, 0},
	{SYS_personality, {{0, SC_MASKED_EQ, LOW_32, PER_LINUX}}, 1, SECCOMP_RET_ALLOW, 0},
	{SYS_personality, {{0, SC_MASKED_EQ, LOW_32, PER_LINUX32}}, 1, SECCOMP_RET_ALLOW, 0},
	{SYS_personality, {{0, SC_MASKED_EQ, LOW_32, UNAME26}}, 1, SECCOMP_RET_ALLOW, 0},
	{SYS_personality,
	 {{0, SC_MASKED_EQ, LOW_32, PER_LINUX32 | UNAME26}},
	 1,
	 SECCOMP_RET_ALLOW,
	 0},
	{SYS_personality, {{0, SC_MASKED_EQ, LOW_32, LOW_32}}, 1, SECCOMP_RET_ALLOW, 0},
	{SYS_clone,
	 {{0, SC_MASKED_EQ, CLONE_NAMESPACES, 0}},
	 1,
	 SECCOMP_RET_ALLOW,
	 BIT(CAP_SYS_ADMIN)},
};

static const struct {
	int number;
	uint32_t action;
	uint64_t unless;
} otherwise[] = {
	{SYS_socket, SECCOMP_RET_ALLOW, 0},
	/* Its flags are in memory, which a filter cannot see: programs fall back to clone(2). */
	{SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS, BIT(CAP_SYS_ADMIN)},
};

/* The 32-bit one is another ABI's. The kernel takes the number from the low 32 bits. */
static const struct seccomp_arg project_changes[] = {
	{1, SC_MASKED_EQ, LOW_32, FS_IOC_FSSETXATTR},
	{1, SC_MASKED_EQ, LOW_32, FS_IOC_SETFLAGS},
};

int seccomp_default_program(uint64_t caps, struct arena *a, struct seccomp_program *ret,
			    struct err *e)
{
	struct seccomp_decisions *d = arena_new(a, struct seccomp_decisions);
	*d = (struct seccomp_decisions){.last = NEWEST, .beyond = UNKNOWN, .between = REFUSED};
	for (int n = 0; n < SECCOMP_CALLS; n++)
		d->calls[n].action = REFUSED;
	for (size_t i = 0; i < seccomp_call_count; i++) {
		const struct seccomp_call *c = &seccomp_calls[i];
		int number = c->numbers[SECCOMP_NATIVE];
		if (number >= 0 && (c->when == UINT64_MAX || (c->when & caps)))
			d->calls[number].action = SECCOMP_RET_ALLOW;
	}
	for (size_t i = 0; i < ARRAY_LEN(otherwise); i++) {
		if (!(otherwise[i].unless & caps))
			d->calls[otherwise[i].number].action = otherwise[i].action;
	}
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		const struct condition *c = &conditions[i];
		if (!(c->unless & caps))
			seccomp_branch_add(d, c->number, c->args, c->arg_count, c->action, a);
	}
	for (size_t i = 0; i < ARRAY_LEN(project_changes) && caps & SECCOMP_KEEP_PROJECT; i++)
		seccomp_branch_add(d, SYS_ioctl, &project_changes[i], 1, REFUSED, a);
	struct seccomp_program program = {0};
	int r = seccomp_bpf_generate(d, a, &program);
	if (r < 0)
		return err_set(e, -r, ERR_INTERNAL, "the default seccomp profile became too large");
	*ret = program;
	return 0;
}
