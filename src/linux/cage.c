/* SPDX-License-Identifier: Apache-2.0 */
/* Read cage.h first. See capabilities(7), setresuid(2), seccomp(2). */
#include "linux/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/capability.h"
#include "linux/landlock.h"

enum { NOBODY = 65534 };

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

static int limit_resources(const struct cage_limit *l)
{
	const struct rlimit none = {0}, most = {l ? l->most : 0, l ? l->most : 0};
	bool ok = setrlimit(RLIMIT_CORE, &none) == 0 && (!l || setrlimit(l->what, &most) == 0);
	return ok ? 0 : -errno;
}

static int confine_files(const struct cage_rights *c)
{
	struct landlock_rule allowed[CAGE_FILES_MAX + 1] = {
		{c->folder, LANDLOCK_ACCESS_FS_READ_FILE}};
	size_t count = c->folder >= 0, own = count;
	for (const char *const *path = c->files; path && *path; path++)
		allowed[count++] = (struct landlock_rule){
			open(*path, O_PATH | O_CLOEXEC),
			LANDLOCK_ACCESS_FS_READ_FILE |
				(c->lists ? LANDLOCK_ACCESS_FS_READ_DIR : 0)};
	int r = landlock_restrict(allowed, count);
	for (size_t i = own; i < count; i++)
		fd_drop(&allowed[i].fd);
	return r < 0 ? r : 0;
}

/* What is allowed of all of them, and on conditions. */
static const char *const memory[] = {"mmap", "mprotect", NULL};
static const struct seccomp_arg not_executable[] = {
	{.index = 2, .op = SC_MASKED_EQ, .value = PROT_EXEC, .value_two = 0}};
static const char *const thread[] = {"clone", NULL};
static const struct seccomp_arg thread_only[] = {{.index = 0,
						  .op = SC_MASKED_EQ,
						  .value = CLONE_THREAD | CLONE_VM | CLONE_NEWUSER,
						  .value_two = CLONE_THREAD | CLONE_VM}};
/* libc falls back to clone(2), whose flags a filter can see. */
static const char *const absent[] = {"clone3", NULL};
/* The sanitizers' own, in builds for tests. */
#ifdef __SANITIZE_ADDRESS__
static const char *const sanitizer[] = {"sigaltstack",  "prctl",         "getppid", "getpid",
					"sched_yield",  "readlink",      "write",   "pread64",
					"rt_sigaction", "lseek",         "openat",  "getrlimit",
					"prlimit64",    "clock_gettime", NULL};
#else
static const char *const sanitizer[] = {NULL};
#endif

int cage_filter(const struct cage_rights *c, struct err *e)
{
	CLEANUP_ARENA struct arena a = {0};
	struct seccomp_program program;
	struct seccomp_rule rules[5 + CAGE_RULES_MAX] = {
		{.names = c->calls, .action = SECCOMP_RET_ALLOW},
		{.names = sanitizer, .action = SECCOMP_RET_ALLOW},
		{.names = memory,
		 .action = SECCOMP_RET_ALLOW,
		 .args = not_executable,
		 .arg_count = 1},
		{.names = thread, .action = SECCOMP_RET_ALLOW, .args = thread_only, .arg_count = 1},
		{.names = absent, .action = SECCOMP_RET_ERRNO | ENOSYS}};
	size_t count = c->threads ? 5 : 3;
	for (size_t i = 0; i < c->more_count; i++)
		rules[count++] = c->more[i];
	const struct seccomp_policy policy = {
		.default_action = c->kills ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM,
		.unknown_action = c->kills ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | ENOSYS,
		.rules = rules,
		.rule_count = count,
	};
	int r = seccomp_compile(&policy, &a, &program, e);
	if (r == 0 && (r = seccomp_load(&program)) < 0)
		err_errno(e, r, "%s: cannot install the system call filter", c->who);
	return r;
}

int cage_enter(const struct cage_rights *c, struct err *e)
{
	int r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
	if (r == 0)
		r = limit_resources(c->limit);
	if (r == 0)
		r = confine_files(c);
	if (r == 0)
		r = cage_nobody();
	/* A change of user forgets both. */
	if (r == 0 && c->with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		r = -errno;
	if (r == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		r = -errno;
	return r < 0 ? err_errno(e, r, "%s: cannot drop its rights", c->who) : cage_filter(c, e);
}
