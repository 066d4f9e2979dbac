/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hull-dns gives up before it reads a foreign byte: its user (setresuid(2)), every capability,
 * new privileges, all of the file system but what it reads by name (landlock(7)), and the system
 * calls that it has no use for (seccomp(2)).
 */
#include "dns/server.h"
#include "linux/cage.h"

static const char *const plain[] = {
	"read",       "pread64",       "close",           "fcntl",    "fstat",
	"newfstatat", "openat",        "flock",           "socket",   "connect",
	"accept4",    "getsockopt",    "sendto",          "recvfrom", "poll",
	"munmap",     "mremap",        "madvise",         "brk",      "rt_sigreturn",
	"getrandom",  "clock_gettime", "restart_syscall", "exit",     "exit_group",
	NULL};
static const char *const files[] = {"/etc/resolv.conf", "/etc", "/run/systemd/resolve", NULL};

int confine(struct err *e)
{
	const struct cage_rights c = {.who = "hull-dns",
				      .files = files,
				      .folder = DNS_FD_FOLDER,
				      .calls = plain,
				      .kills = true};
	return cage_enter(&c, e);
}
