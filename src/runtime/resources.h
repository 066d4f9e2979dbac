/* SPDX-License-Identifier: Apache-2.0 */
/* A spec's linux.resources in the terms of linux/cgroup.h. See config-linux.md, "Control groups".
 */
#pragma once

#include "linux/cgroup.h"
#include "spec/oci.h"

struct resources {
	struct cgroup_limits limits;
	/* Those of the spec, upon a group that denies all unless the first one says otherwise; at
	 * the end what every container has, and the right to make nodes. None in the spec: none. */
	struct cgroup_device_rule *rules;
	size_t rule_count;
	const char *warning; /* what this machine cannot do and is left out, or NULL */
};

/** Convert and check; strings stay the spec's, the rest is allocated in @a. What is out of range is
 *  refused by name. */
int resources_read(const struct oci_resources *r, struct arena *a, struct resources *ret,
		   struct err *e);
