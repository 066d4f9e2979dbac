/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OverlayFS mounts by descriptor: fsopen(2), fsconfig(2), fsmount(2) where the kernel has them,
 * else mount(2) in one place. The mount is detached: it belongs to whoever holds the descriptor,
 * until move_mount(2) puts it somewhere, so nothing is left on the host when that process dies. See
 * the kernel's Documentation/filesystems/overlayfs.rst.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

enum { OVERLAY_LAYERS_MAX = 128 };

struct overlay {
	const int *lowers;      /* O_PATH descriptors of the layers' trees, the topmost first */
	size_t lower_count;     /* 1 to OVERLAY_LAYERS_MAX */
	int upper;              /* -1: read-only, of two layers at least */
	int work;               /* -1 with upper -1 */
	int upper_mount;        /* -1, or a detached mount that has them, as `upper` and `work` */
	const char *lower_path; /* or NULL: where the only lower lies in a detached mount, ... */
	int lower_mount;        /* ... this one */
	bool is_volatile; /* skip all syncs: for an upper layer that dies with its container */
};

/** The attribute that makes a folder opaque. Of a user namespace the kernel takes such marks from
 *  attributes that users may set. */
const char *overlay_opaque(void);
/** Marks in an upper folder or layer: the folder hides all that is in it below (CAP_SYS_ADMIN sees
 *  it); the file hides its name. */
bool overlay_is_opaque(int fd);
bool overlay_is_whiteout(const struct stat *st);

/** A detached mount of the overlay: an O_PATH-like mount descriptor, or negative errno. */
int overlay_mount(const struct overlay *o, struct err *e);
