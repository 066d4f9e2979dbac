/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts by descriptor: fsopen(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2), all
 * in Linux 5.12. A new mount is detached: it belongs to its descriptor until mount_attach() puts it
 * on a target that was opened before. No function here takes a path of a foreign tree.
 *
 * Never let a detached mount go unattached on a path that is taken often: its release waits for an
 * RCU grace period.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h>

#include "base/arena.h"
#include "base/err.h"

enum { MOUNT_DATA_MAX = 32 };

/** OCI and fstab mount options, sorted by what they act upon. Flags are MOUNT_ATTR_*. */
struct mount_options {
	bool bind, recursive;  /* bind; rbind sets both */
	bool copy_up;          /* tmpcopyup */
	bool remount;          /* change what is mounted there already */
	bool idmap, idmap_all; /* idmap; ridmap sets both */
	const char *super[3];  /* of a new file system: sync, dirsync, lazytime */
	size_t super_count;
	uint64_t set, clear;              /* of the mount itself */
	uint64_t set_all, clear_all;      /* of it and all below: rro, rnosuid ... */
	uint64_t propagation;             /* MS_PRIVATE ..., 0 when none was asked for */
	bool propagation_all;             /* rprivate ... */
	const char *data[MOUNT_DATA_MAX]; /* the file system's own, "size=64m" */
	size_t data_count;
};

/** Sort @options. -E2BIG with more than MOUNT_DATA_MAX of the file system's own. The strings of
 *  @data stay those of @options. */
int mount_options_parse(const struct strv *options, struct mount_options *ret, struct err *e);
/** The table's names in order; NULL ends. For `features` and the manual. */
const char *mount_option_name(size_t index);

/** A detached mount of a new file system with its own options and MOUNT_ATTR_* @attrs. The kernel's
 *  own words about a bad option become part of the error. */
int mount_new(const char *type, const char *source, const char *const *data, size_t data_count,
	      uint64_t attrs, struct err *e);
/** Change an option of the file system that is mounted at @mount: "size=64m". */
int mount_reconfigure(int mount, const char *option, struct err *e);
/** A detached copy of what is mounted at @path (or of @dirfd itself with ""); fd or -errno. */
int mount_clone(int dirfd, const char *path, bool recursive);
/** A detached copy of what lies at @path, taken in another mount namespace by a child: in that of
 * the process @pidfd, below its root; or with @pidfd -1 below @mount, which is detached and the
 *  caller's. fd or -errno. */
int mount_clone_elsewhere(int pidfd, int mount, const char *path);
/** Attach a detached mount upon @target, a descriptor. 0 or -errno. */
int mount_attach(int mount, int target);
/** Attach below @dirfd by a name of our own (a file system that only we have written). */
int mount_attach_at(int mount, int dirfd, const char *name);
/** Change attributes and propagation (0: leave) of @mount, with all below when @recursive. */
int mount_change(int mount, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation);
/** Go to the root of this mount namespace. Whoever made it may live in a chroot(2), and what is
 * above that would stay: exec would come out there, and chroot(2) from inside, too. 0 or -errno. */
int mount_enter_top(void);
/** Show the ids of @mount, a detached one, and with @recursive of all below, through the maps of
 * the user namespace @userns (linux/idmap.h). 0 or -errno: -EINVAL where a file system cannot. */
int mount_idmap(int mount, bool recursive, int userns);
/** Take all mounts of this mount namespace out of propagation with others. */
int mount_isolate(void);
/** Make @root, a mount that is attached already, the root of this process and let go of all that
 *  was mounted before: pivot_root(2), never chroot(2). */
int mount_pivot(int root, struct err *e);
/**
 * Open again, in this mount namespace and under the same number, what @fd (O_PATH) names in the one
 * it was opened in: only mounts of the caller's own can be copied, or be a layer of an overlay. The
 * path is hull's own; that it still leads to the same file is checked all the same. 0 or -errno.
 */
int mount_reopen(int fd);
