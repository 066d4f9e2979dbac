/* SPDX-License-Identifier: Apache-2.0 */
/* Ending and removing containers: what delete, run and a failed create share. */
#pragma once

#include "oci/state.h"

/** SIGKILL all that is in it, and wait until it is gone. */
int container_kill(struct state *s, struct err *e);
/** Remove what is left of an ended one: control group, folder, after the hooks poststop. @spec:
 *  NULL to read the copy when there are such hooks. */
int container_remove(struct oci *oci, struct state *s, const struct oci_spec *spec, struct err *e);
