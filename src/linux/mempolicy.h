/* SPDX-License-Identifier: Apache-2.0 */
/* From which memory nodes a process gets its memory. See set_mempolicy(2), numa(7). */
#pragma once

#include <stddef.h>

#include "linux/cpuset_list.h"

struct mempolicy {
	int mode; /* MPOL_*, with flags */
	struct cpuset_list nodes;
};

/** "MPOL_BIND" to its number, "MPOL_F_STATIC_NODES" to its bit; -EINVAL: there is none. */
int mempolicy_mode(const char *name);
int mempolicy_flag(const char *name);
/** The names of all, one by one from 0; NULL after the last. */
const char *mempolicy_mode_name(size_t i);
const char *mempolicy_flag_name(size_t i);
/** For the calling process and its children. 0 or -errno. */
int mempolicy_set(const struct mempolicy *p);
