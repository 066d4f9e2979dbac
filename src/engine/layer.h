/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's own layer: where its upper and work folder are, and how large it may get
 * (--storage-opt size=). Without a limit both are in the container's folder. With one, the first
 * back-end that --root's file system can have keeps it: a quota of a project there, a subvolume, or
 * an image on a loop device. The config of the container names it.
 */
#pragma once

#include "engine/internal.h"

/** With --rootfs DIR it has no layer: it writes into DIR itself. */
bool layer_exists(const struct container_config *config);
/** The back-end for new limits ("ext4 project"), or NULL with the reason in @ret_why. */
const char *layer_backend(const struct engine *en, const char **ret_why);
/** Check the storage options of a container to be, and choose the back-end if there is a limit. */
int layer_plan(const struct engine *en, struct container_config *config, struct err *e);
/** Its limit is a project's quota: nothing in the container may leave the project. */
bool layer_has_project(const struct container *c);
/** Make upper and work folder, or what they will be in; @folder is the container's, and new. What
 *  a failure leaves goes with limited_folder_remove(). */
int layer_make(const struct engine *en, const struct container *c, int folder, struct err *e);
/** The folder that has `upper` and `work`. @ret_mount, or NULL: it is a detached mount. */
int layer_open(const struct engine *en, const struct container *c, bool *ret_mount, struct err *e);
/** Begin anew with an empty folder: "upper" or "work". */
int layer_renew(const struct container *c, int layer, const char *what, struct err *e);
/** Where it is on this machine, for people: "/var/lib/hull/containers/ID"; NULL: nowhere while the
 *  container does not run, and only for it while it does. */
char *layer_path(const struct engine *en, const struct container *c, struct arena *a);

/** The folder @name of a volume in its folder @holder, with a limit from its beginning on; not one
 *  that is there already. -ENOTSUP, docker's text: this file system has none. */
int limited_folder_make(int holder, const char *name, uint64_t size, struct err *e);
/** Remove the folder @name of a container or a volume with its limit, and its layer. A missing one
 *  is no error. */
int limited_folder_remove(int dirfd, const char *name, struct err *e);
/** Find limits whose container is gone. */
int layer_check(const struct engine *en, bool repair, struct arena *a, struct strv *problems);
