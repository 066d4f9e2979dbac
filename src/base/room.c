/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reserve of ext4 (mke2fs(8), -m) is for root of the machine, and in a layer for all: an
 * overlay writes as who mounted it. Some of it is never given (reserved_clusters of ext4: 2 %, or
 * 4096).
 */
#include "base/room.h"

#include <linux/magic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

/* Root of a user's namespace is not him. */
static bool is_root_of_machine(void)
{
	const ino_t first = 0xEFFFFFFDU; /* PROC_USER_INIT_INO of the kernel */
	struct stat st;
	return geteuid() == 0 && stat("/proc/self/ns/user", &st) == 0 && st.st_ino == first;
}

int64_t room_left(const struct statfs *fs)
{
	const uint64_t kept = fs->f_blocks / 50 < 4096 ? fs->f_blocks / 50 : 4096;
	uint64_t left = fs->f_bavail;
	if (fs->f_type == EXT4_SUPER_MAGIC && fs->f_bfree > left + kept && is_root_of_machine())
		left = fs->f_bfree - kept;
	return (int64_t)left * fs->f_frsize;
}
