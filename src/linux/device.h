/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device nodes in a directory that is open already. In a user namespace mknod(2) is not allowed and
 * the host's node is bound instead. See mknod(2), makedev(3), user_namespaces(7).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct device {
	const char *path; /* as it is called in messages, and on the host unless `host` says so */
	mode_t type;      /* S_IFCHR, S_IFBLK or S_IFIFO */
	unsigned major, minor;
	mode_t mode; /* permission bits */
	uid_t uid;
	gid_t gid;
	const char *host; /* or NULL */
};

/** Make the node @name in the folder @dirfd. A node with the same numbers may exist and is kept;
 *  anything else of that name is replaced, never followed. Needs umask 0. */
int device_make(int dirfd, const char *name, const struct device *d, struct err *e);
/** The disk that the block device at @path is, or is a partition of: what rates of I/O are set for.
 * 0, -ENOTBLK, or negative errno. */
int device_find_disk(const char *path, dev_t *ret, bool *ret_is_partition);
/** Check that @fd is the host's real /dev/null (character device 1:3); 0 or -errno. */
int device_check_null(int fd);
/** Open dev/null below @root, a container's root: read-write, or -errno. It is looked at before it
 * is opened, since opening some devices has effects, and once more afterwards. */
int device_open_null(int root);
/** A null device of the caller's alone, in no folder that has a name. Needs umask 0 and the right
 * to make nodes. A descriptor, read-write, or negative errno with @e. */
int device_new_null(struct err *e);
