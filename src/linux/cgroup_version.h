/* SPDX-License-Identifier: Apache-2.0 */
/* What cgroup.c needs of the two versions: making a group's folder and setting device rules.
 * Inner header of cgroup*.c. @rel is the group's path without its leading slash. */
#pragma once

#include "linux/cgroup_host.h"

/** mkdir @rel below @root. A group of that name that is left over and unused is made anew; -EEXIST
 * if it is in use. With @ret_parents true is stored when folders above it had to be made. */
int cgroup_folder_make(int root, const char *rel, bool *ret_parents);
/** Make the group in the hierarchy of @c and return an O_PATH descriptor. */
int cgroup_v1_make(const struct cgroup_host *h, enum cgroup_controller c, const char *rel,
		   struct err *e);
int cgroup_v1_devices(int fd, const struct cgroup_device_rule *rules, size_t count, struct err *e);

int cgroup_v2_make(const struct cgroup_host *h, const char *rel, struct err *e);
/** What every v2 group gets, for its limits and its figures; the others when a limit asks for them.
 */
enum {
	CGROUP_V2_ALWAYS =
		1U << CGROUP_CPU | 1U << CGROUP_MEMORY | 1U << CGROUP_PIDS | 1U << CGROUP_BLKIO,
};
/** Pass controllers of the root (those of @mask) down to the folder that holds @rel. 0, or the
 *  negative errno of the first one that could not be (-EBUSY: a folder above has processes). */
int cgroup_v2_enable(const struct cgroup_host *h, const char *rel, unsigned mask);
/** Device rules of v2 are a program of our own making, attached to the group. */
int cgroup_v2_devices(int fd, const struct cgroup_device_rule *rules, size_t count, struct err *e);

struct bpf_insn;
enum { CGROUP_DEVICE_RULES_MAX = 256, CGROUP_DEVICE_INSNS_MAX = CGROUP_DEVICE_RULES_MAX * 8 + 8 };
/** The program for @rules (at most CGROUP_DEVICE_RULES_MAX) in @code, which has room for
 *  CGROUP_DEVICE_INSNS_MAX; returns its length in instructions. */
size_t cgroup_device_program(const struct cgroup_device_rule *rules, size_t count,
			     struct bpf_insn *code);
