/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cage, from the outside in: an empty network namespace (unshare(2)), a root directory that is
 * the staging folder (chroot(2)), Landlock (landlock(7)) for that folder only, six capabilities
 * (capabilities(7)), no_new_privs (prctl(2)), resource limits (setrlimit(2)), and a list of system
 * calls (seccomp(2)). What is not listed ends the process: none of it happens but by an intruder's
 * hand. No call makes executable memory, a process, a socket, or takes a path that is not resolved
 * below a descriptor of the staging folder (the root directory is that folder too).
 *
 * CAP_SYS_ADMIN, which trusted.overlay.opaque would need, is not among the six: folders to be
 * marked go to the engine as descriptors (image/unpack.h, UNPACK_OPAQUE). Who packs the upper
 * folder of an overlay reads that mark and has it, with no system call that could use it otherwise.
 * Read confine.h first.
 */
#include "image/unpack/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/cage.h"
#include "linux/capability.h"
#include "linux/landlock.h"

#define BIT(n) ((capset)1 << (n))
#define CAPS_TO_READ BIT(CAP_DAC_READ_SEARCH)
#define CAPS_TO_WRITE                                                                              \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |              \
	 BIT(CAP_MKNOD) | BIT(CAP_SETFCAP))

/* Private writable memory. The whole must stay below 32 MiB resident, whatever is unpacked. */
#ifdef __SANITIZE_ADDRESS__
static const rlim_t DATA_MAX = RLIM_INFINITY; /* its shadow is private memory, too */
#else
static const rlim_t DATA_MAX = (rlim_t)26 << 20;
#endif
/* The time budget: seconds of CPU, as waiting for a slow source is no offence. */
static const rlim_t CPU_SECONDS_MAX = 3600;

static int limit_resources(uint64_t max_file)
{
	const struct {
		__rlimit_resource_t what;
		rlim_t most;
	} table[] = {
		{RLIMIT_DATA, DATA_MAX},  {RLIMIT_CPU, CPU_SECONDS_MAX}, {RLIMIT_CORE, 0},
		{RLIMIT_FSIZE, max_file}, {RLIMIT_MEMLOCK, 0},           {RLIMIT_MSGQUEUE, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct rlimit now;
		if (getrlimit(table[i].what, &now) < 0)
			return -errno;
		rlim_t most = table[i].most < now.rlim_max ? table[i].most : now.rlim_max;
		struct rlimit next = {most, most};
		if (setrlimit(table[i].what, &next) < 0)
			return -errno;
	}
	return 0;
}

/* Where there is no folder: as nobody, with no call that takes a path. */
static int confine_to_bytes(struct err *e)
{
	static const char *const calls[] = {
		"read",         "pread64",         "write",        "close",      "sendmsg",
		"munmap",       "mremap",          "madvise",      "brk",        "futex",
		"rt_sigaction", "rt_sigprocmask",  "rt_sigreturn", "getpid",     "gettid",
		"tgkill",       "restart_syscall", "exit",         "exit_group", NULL};
	const struct cage_rights c = {.who = "hull-unpack",
				      .folder = -1,
				      .with_parent = true,
				      .calls = calls,
				      .kills = true};
	int r = limit_resources(RLIM_INFINITY);
	return r < 0 ? err_errno(e, r, "hull-unpack: cannot set resource limits")
		     : cage_enter(&c, e);
}

static const char *const plain[] = {
	/* bytes */
	"read", "pread64", "write", "pwrite64", "lseek", "ftruncate", "close", "sendmsg",
	/* the tree */
	"openat", "openat2", "mkdirat", "mknodat", "symlinkat", "readlinkat", "linkat", "unlinkat",
	"fchown", "fchownat", "fchmod", "fchmodat", "fchmodat2", "utimensat", "fsetxattr",
	"flistxattr", "fgetxattr", "fstatfs", "fstat", "newfstatat", "getdents64", "fcntl",
	/* memory, threads, the end */
	"munmap", "mremap", "madvise", "brk", "futex", "set_robust_list", "rseq", "rt_sigaction",
	"rt_sigprocmask", "rt_sigreturn", "sched_yield", "sched_getaffinity", "getrandom", "gettid",
	"getpid", "tgkill", "restart_syscall", "exit", "exit_group", NULL};

static int filter_calls(struct err *e)
{
	const struct cage_rights c = {
		.who = "hull-unpack", .calls = plain, .threads = true, .kills = true};
	return cage_filter(&c, e);
}

int confine(int stage, struct cage cage, struct err *e)
{
	if (cage.no_folder)
		return confine_to_bytes(e);
	const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
	const uint64_t writing = (LANDLOCK_ALL | LANDLOCK_REFER | LANDLOCK_FILE_TRUNCATE) &
				 ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE;
	const capset caps = !cage.reads          ? CAPS_TO_WRITE
			    : cage.overlay_marks ? CAPS_TO_READ | BIT(CAP_SYS_ADMIN)
						 : CAPS_TO_READ;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(e, errno, "hull-unpack: cannot set no_new_privs");
	/* Without the right to make a namespace there is still the system call filter. */
	if (unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_FILES | CLONE_FS) < 0 && errno != EPERM)
		return err_errno(e, errno, "hull-unpack: cannot leave the network");
	if (fchdir(stage) < 0)
		return err_errno(e, errno, "hull-unpack: cannot enter the staging folder");
	int rooted = chroot(".");
	const struct landlock_rule below = {stage, cage.reads ? reading : writing};
	int locked = landlock_restrict(&below, 1);
	if (locked < 0)
		return err_errno(e, locked, "hull-unpack: cannot use Landlock");
	if (!locked && rooted < 0)
		return err_errno(e, errno, "hull-unpack: cannot be confined: no Landlock, chroot");
	int r = limit_resources(cage.reads ? RLIM_INFINITY : cage.max_file);
	if (r < 0)
		return err_errno(e, r, "hull-unpack: cannot set resource limits");
	struct capability_sets sets = {.bounding = caps, .permitted = caps, .effective = caps};
	r = capability_apply(&sets);
	return r < 0 ? err_errno(e, r, "hull-unpack: cannot drop capabilities") : filter_calls(e);
}
