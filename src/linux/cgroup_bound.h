/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits as they are in force: each group above counts what is below it, so the least of the group
 * and of all above it holds. See cgroups(7).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "linux/cgroup.h"

/* What limits, and in which file of either version; NULL: it has none. */
struct cgroup_bound {
	enum cgroup_controller controller;
	const char *v1, *v2;
	bool quota; /* of processor time: it is told in thousandths of a processor */
};
#define CGROUP_UNBOUND INT64_MAX

struct cgroup_bounds {
	int64_t own, least; /* CGROUP_UNBOUND: none */
	char where[256];    /* the group with the least; "" */
};
/** Of the group @path ("": there is none). False: neither it nor one above it below the root has
 * the file. */
bool cgroup_bound_read(const char *path, const struct cgroup_bound *b, struct cgroup_bounds *ret);
