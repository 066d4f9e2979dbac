/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system of a given size in a file: ext4 on a loop device, see loop(4). The device is bound
 * with autoclear and the mount is detached, so both vanish with their last user, however he ends.
 *
 * Invariant: one device for an image, at most: two would write over each other's data. A second
 * mount is made of the first one's device, whose number the file DISK_IMAGE_LOOP beside it tells;
 * that file is the lock for it, too.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

#define DISK_IMAGE "disk.img"
#define DISK_IMAGE_LOOP "disk.loop"

/** 0, or negative errno with the reason in @ret_why: "no mkfs.ext4 (package e2fsprogs)". */
int disk_image_probe(const char **ret_why);
/** Make the image in the folder @dirfd: sparse, without a journal, with room for @bytes. */
int disk_image_make(int dirfd, uint64_t bytes, struct err *e);
/** A detached mount of the image in @dirfd; after a crash of the machine it is checked first. */
int disk_image_mount(int dirfd, struct err *e);
