/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits by name. See getrlimit(2). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** "RLIMIT_NOFILE", "nofile" or "NOFILE" to the number; -EINVAL if there is none. */
int rlimit_number(const char *name);
/** "RLIMIT_NOFILE", or NULL. */
const char *rlimit_name(int number);
/** The highest hard limit that the caller may give a process; -1: any. */
int64_t rlimit_ceiling(int number);
/** Set a limit of another process; -1 is unlimited. 0 or -errno. */
int rlimit_set_of(pid_t pid, int number, int64_t soft, int64_t hard);
/**
 * Set a limit of the calling process; -1 is unlimited. What exceeds the caller's hard limit is
 * clamped to it where the caller may not raise it: `*ret_clamped` says so. 0 or -errno.
 */
int rlimit_set(int number, int64_t soft, int64_t hard, bool *ret_clamped);
