/* SPDX-License-Identifier: Apache-2.0 */
/* Read cage.h first. See capabilities(7), setresuid(2), seccomp(2). */
#include "linux/cage.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linux/capability.h"

enum { NOBODY = 65534 };

const struct seccomp_arg cage_not_executable[1] = {
	{.index = 2, .op = SC_MASKED_EQ, .value = PROT_EXEC, .value_two = 0}};
const struct seccomp_arg cage_thread_only[1] = {{.index = 0,
						 .op = SC_MASKED_EQ,
						 .value = CLONE_THREAD | CLONE_VM | CLONE_NEWUSER,
						 .value_two = CLONE_THREAD | CLONE_VM}};

static int become_nobody(void)
{
	if (geteuid() != 0)
		return 0;
	bool there = setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		     setresuid(NOBODY, NOBODY, NOBODY) == 0;
	return there || errno == EINVAL || errno == EPERM ? 0 : -errno;
}

int cage_nobody(void)
{
	const struct capability_sets none = {0};
	/* The bounding set first: who has changed the user may not. */
	int r = capability_bound(0);
	if (r == 0)
		r = become_nobody();
	return r < 0 ? r : capability_apply(&none);
}

int cage_filter(const struct seccomp_policy *policy, const char *who, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct seccomp_program program;
	int r = seccomp_compile(policy, &a, &program, e);
	if (r == 0 && (r = seccomp_load(&program)) < 0)
		err_errno(e, r, "%s: cannot install the system call filter", who);
	return r;
}
