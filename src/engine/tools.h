/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a debugger in a container sees as its root: the programs of this machine, or an image. All
 * of it is mounted nowhere on the host, and ends with its descriptors and the process.
 */
#pragma once

#include "engine/internal.h"
#include "runtime/runtime.h"

struct tools {
	struct runtime_view view;
};
#define TOOLS_CLOSED                                                                               \
	{                                                                                          \
		.view = {.root = -1 }                                                              \
	}
#define CLEANUP_TOOLS __attribute__((cleanup(tools_close)))

/** @image, or NULL: this machine's. What @p lacks is completed: variables of the image, and the
 *  shell that there is as its command. */
int tools_open(struct engine *en, const char *image, struct oci_process *p, struct arena *a,
	       struct tools *ret, struct err *e);
void tools_close(struct tools *t);
