/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `--proc-view`: the files of /proc and /sys that say how large the machine is say what the
 * container may use. Each is a mount of its own of one file, which hull-view answers for.
 */
#pragma once

#include "engine/spec.h"

/** Mount them, detached, as the sources of the spec's mounts at their places, and start who answers
 * for the control group @cgroup. */
int proc_view_begin(struct engine *en, struct spec_build *b, const char *cgroup, struct err *e);
