/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up the right to open files, but for named places. See landlock(7); Linux 5.13. */
#pragma once

#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>

/* Later than the headers of Debian 12. */
#define LANDLOCK_FILE_TRUNCATE (UINT64_C(1) << 14)
/** All of the first version: what is made, removed, opened. */
#define LANDLOCK_ALL ((UINT64_C(1) << 13) - 1)
#define LANDLOCK_REFER (UINT64_C(1) << 13) /* links and renames between folders */

struct landlock_rule {
	int fd;          /* what lies beneath this folder, or this file; -1: no rule */
	uint64_t rights; /* LANDLOCK_ACCESS_FS_* and the above */
};

/**
 * From now on the calling thread and its children open, make and remove nothing but what @rules
 * allow. Rights that this kernel does not know are left out. Needs no_new_privs. 1: in force, 0:
 * this kernel has no Landlock, or negative errno.
 */
int landlock_restrict(const struct landlock_rule *rules, size_t count);
