/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's file system: root, mounts, /dev, masks. It is made in two halves.
 *
 * Sources are taken while still in the engine's mount namespace, because the kernel accepts
 * descriptors of layers, control groups and bind sources only there: all become detached mounts.
 * Then, in the container's own mount namespace, everything is attached below the new root, by
 * descriptors of targets that were resolved inside it once; at last that root becomes "/".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "linux/cgroup.h"
#include "linux/mount.h"
#include "linux/pty.h"
#include "runtime/process.h"
#include "runtime/runtime.h"
#include "spec/oci.h"

enum { ROOTFS_CGROUPS_MAX = CGROUP_CONTROLLERS + 1 };

struct rootfs_mount {
	const struct oci_mount *spec;
	const char *from;        /* the source on the host */
	const char *destination; /* lexically clean, absolute */
	struct mount_options options;
	const char *label; /* "context=...", or NULL */
	int source;        /* bind: a detached copy of the source; else -1 */
	int idmap;         /* the user namespace whose maps it gets, or -1 */
};

struct rootfs_cgroup {
	char name[64]; /* of its folder: "memory", "cpu,cpuacct", "unified" */
	int source;    /* detached copy of the container's group */
};

struct rootfs {
	const struct oci_spec *spec;
	const char *root_path; /* on the host; NULL when the caller made the mount */
	struct rootfs_mount *mounts;
	struct rootfs_cgroup cgroups[ROOTFS_CGROUPS_MAX];
	size_t cgroup_count;
	bool cgroup_v2;     /* cgroups[0] is the only one and becomes /sys/fs/cgroup itself */
	bool cgroup_shared; /* no cgroup namespace of its own */
	/* And what the caller, a user, may do with groups the container's root could do as well:
	 * read-only, however they came there (CVE-2023-25809). */
	bool cgroup_guarded;
	int root;          /* mount of the root file system */
	int init;          /* read-only mount of hull-init, or -1 */
	int null;          /* the host's /dev/null, verified */
	int proc;          /* root of the container's own procfs, or -1 */
	int cwd;           /* the working directory */
	bool dev_bound;    /* /dev is the host's: make nothing in it */
	int dev;           /* the tmpfs mounted at /dev, or -1 */
	bool dev_readonly; /* and it is to become read-only at the end */
};

/** Read the options of all mounts; allocates in @a. No kernel object is touched. */
int rootfs_plan(struct rootfs *r, const struct runtime_start *p, struct arena *a, struct err *e);
/** Make the user namespaces of idmapped mounts. In the engine's pid namespace. */
int rootfs_take_idmaps(struct rootfs *r, struct err *e);
/** Take the sources. In the engine's mount namespace, or in one that is joined; but the control
 * groups, unless they are taken already, in the engine's. */
int rootfs_take_sources(struct rootfs *r, const struct runtime_start *p, struct err *e);
/** Attach everything. In the container's own mount namespace, with umask 0. */
int rootfs_build(struct rootfs *r, const struct process_plan *process, struct err *e);
/** Mask and protect paths, make the root read-only and "/", and enter the working directory. */
int rootfs_finish(struct rootfs *r, bool no_pivot, struct err *e);
/** A terminal from the container's devpts, also bound to /dev/console. Before rootfs_finish(). */
int rootfs_console(struct rootfs *r, const struct process_plan *process, struct pty *ret,
		   struct err *e);

/* rootfs_mounts.c, rootfs_dev.c, rootfs_cgroup.c, rootfs_masks.c: the parts of rootfs_build() and
 * rootfs_finish(). */
int rootfs_attach_mounts(struct rootfs *r, struct err *e);
int rootfs_make_devices(struct rootfs *r, struct err *e);
int rootfs_take_cgroups(struct rootfs *r, const struct cgroup *cgroup, struct err *e);
int rootfs_attach_cgroups(struct rootfs *r, const struct rootfs_mount *m, int target,
			  struct err *e);
int rootfs_mask(struct rootfs *r, struct err *e);
/** Copy a folder's content to an empty one (tmpcopyup); names are never followed. */
int rootfs_copy_up(int from, int to, struct err *e);
