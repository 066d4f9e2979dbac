/* SPDX-License-Identifier: Apache-2.0 */
/* What hull-view keeps: to read what the kernel tells of control groups and of processes. */
#include "linux/cage.h"
#include "view/view.h"

static const char *const plain[] = {
	"read",     "pread64",    "readv",      "writev",     "write",         "close",
	"fcntl",    "fstat",      "lseek",      "newfstatat", "statx",         "openat",
	"openat2",  "statfs",     "fstatfs",    "getdents64", "ppoll",         "poll",
	"munmap",   "mremap",     "madvise",    "brk",        "rt_sigreturn",  "sched_getaffinity",
	"readlink", "futex",      "geteuid",    "readlinkat", "clock_gettime", "restart_syscall",
	"exit",     "faccessat2", "exit_group", NULL};
static const char *const files[] = {"/proc", "/sys/fs/cgroup", "/sys/devices/system", NULL};

int view_confine(struct err *e)
{
	const struct cage_rights c = {.who = "hull-view",
				      .files = files,
				      .lists = true,
				      .folder = -1,
				      .calls = plain,
				      .kills = false};
	return cage_enter(&c, e);
}
