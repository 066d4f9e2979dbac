/* SPDX-License-Identifier: Apache-2.0 */
/* The groups that a further process of a container enters: control groups, and one of resctrl. */
#pragma once

#include "linux/cgroup.h"
#include "linux/resctrl.h"
#include "oci/state.h"

struct group {
	bool open; /* false: the container has no group of its own */
	struct cgroup whole, below[CGROUP_CONTROLLERS];
	size_t count;         /* of those below */
	struct cgroup joined; /* descriptors of all these */
};
#define GROUP_CLOSED                                                                               \
	{                                                                                          \
		.whole = CGROUP_CLOSED, .joined = CGROUP_CLOSED                                    \
	}

/** Where the container @id has its group, @given its cgroupsPath or NULL. A relative path begins at
 * the root of the hierarchies, where an absolute one does. */
int group_path(const char *id, const char *given, struct arena *a, char **ret, struct err *e);
/** The container's, or in each hierarchy what @subgroups ("[CONTROLLERS:]PATH") says. */
int group_open(const struct state *s, const struct strv *subgroups, struct group *ret,
	       struct err *e);
void group_close(struct group *g);

/** What the spec's intelRdt wants of resctrl, for the container @id. */
struct resctrl_wish group_rdt(const struct oci_spec *s, const char *id);
/** Open the group of resctrl of a container that has one. */
int group_rdt_open(const struct oci_spec *s, const char *id, struct resctrl *ret, struct err *e);
