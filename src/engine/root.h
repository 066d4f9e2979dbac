/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's root file system as a detached mount: overlay of the image's layers and the
 * container's upper folder, or a folder (--rootfs) as it is or below a throw-away overlay. The
 * mount lives as long as the descriptor (or the mount namespace it is moved into); nothing stays on
 * the host.
 */
#pragma once

#include "engine/internal.h"

/** Writable root of the container. A mount descriptor, or negative errno. */
int root_mount(struct engine *en, const struct container *c, struct arena *a, struct err *e);
/** Read-only: the image alone, without the container's own changes. */
int root_mount_image(struct engine *en, const struct container *c, struct arena *a, struct err *e);
/** The image, and what is written goes into `upper` and `work` of @scratch, a detached mount. */
int root_mount_scratch(struct engine *en, const struct container *c, int scratch, struct arena *a,
		       struct err *e);
/** @folder of the host (O_PATH) as an overlay that nobody can make writable, without what is
 *  mounted below it. For a user, who may not look there, a copy of its mounts where there are any.
 */
int root_show_folder(struct engine *en, int folder, struct err *e);
