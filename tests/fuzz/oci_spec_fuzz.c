/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: a config.json. What can be read can be written, read again and is then the same; the
 * parts that are checked before anything is created (mounts, sysctls, process) must not crash.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/sysctl.h"
#include "runtime/process.h"
#include "runtime/rootfs.h"
#include "runtime/runtime.h"
#include "spec/oci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_ARENA struct arena a = {0};
	struct err e = {0};
	struct oci_spec spec = {0}, again = {0};
	struct process_plan plan;
	struct rootfs rootfs;
	if (shape_parse(&oci_spec_shape, (const char *)data, size, &spec, &a, &e) < 0)
		return 0;
	const char *once = shape_print(&oci_spec_shape, &spec, false, &a);
	if (shape_parse(&oci_spec_shape, once, strlen(once), &again, &a, &e) < 0 ||
	    strcmp(once, shape_print(&oci_spec_shape, &again, false, &a))) {
		fprintf(stderr, "what was written is not what was read: %s\n%s\n", e.text, once);
		abort();
	}
	process_plan_make(&spec.process, &spec.linux_, NULL, false, &a, &plan, &e);
	const struct runtime_start start = {.spec = &spec, .root_mount = -1};
	rootfs_plan(&rootfs, &start, &a, &e);
	for (size_t i = 0; i < spec.linux_.sysctl.count; i++)
		sysctl_check(spec.linux_.sysctl.items[i].key, spec.linux_.sysctl.items[i].value, ~0UL,
			     &e);
	return 0;
}
