/* SPDX-License-Identifier: Apache-2.0 */
/* A process that has joined a container but sees files of its own: struct runtime_view. */
#pragma once

#include "runtime/runtime.h"

/** In the child, which has joined the container's mount namespace: leave it for a new one with
 *  @view as its root. Ends with "/" as working directory. */
int view_enter(const struct runtime_view *view, struct err *e);
