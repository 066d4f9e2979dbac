/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp profiles in docker's JSON form (--security-opt seccomp=FILE): rules with includes and
 * excludes by capability and architecture. The OCI spec's own form is the subset without those.
 */
#pragma once

#include "linux/capability.h"
#include "linux/seccomp.h"

/** @text: the JSON itself (as the docker client sends it) or the path of a file of at most 1 MiB.
 */
int seccomp_profile_compile(const char *text, capset caps, struct arena *a,
			    struct seccomp_program *ret, struct err *e);
