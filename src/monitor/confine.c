/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running monitor reads what a container writes, so it keeps next to nothing: no capability
 * (capabilities(7)), no_new_privs (prctl(2)), Landlock for its log folder, the folder of exit
 * records and the container's pipes (landlock(7)), and some forty system calls (seccomp(2),
 * filter.c). All of it is installed once everything is open, and is inherited by a standby keeper
 * and its monitors; the first keeper and the monitors that that one starts begin with all rights.
 * See docs/security.md.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/landlock.h"
#include "monitor/monitor.h"
#include "monitor_filter.h"

static bool confined;

bool is_confined(void)
{
	return confined;
}

static int restrict_files(const struct monitor *m)
{
	const uint64_t bytes = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
	const uint64_t files = bytes | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
			       LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_FILE_TRUNCATE;
	const struct landlock_rule rules[] = {
		{m->log.dir_fd, files},
		{m->exits_fd, files},
		{m->run_fd, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR},
		{m->flight_fd, bytes},
		{m->streams[0].fd, bytes},
		{m->stream_count > 1 ? m->streams[1].fd : -1, bytes},
	};
	return landlock_restrict(rules, ARRAY_LEN(rules));
}

int confine(struct monitor *m)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	static const struct __user_cap_data_struct none[2];
	struct sock_fprog program = {ARRAY_LEN(filter), (struct sock_filter *)filter};
	if (confined)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	int r = restrict_files(m);
	if (r < 0)
		return r;
	if (syscall(SYS_capset, &head, none) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		return -errno;
	confined = true;
	return 0;
}
