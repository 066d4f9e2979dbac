/* SPDX-License-Identifier: Apache-2.0 */
/* The container's first process, from its first instruction in the child to its execve. */
#pragma once

#include <sched.h>

#include "runtime/process.h"
#include "runtime/rootfs.h"
#include "runtime/runtime.h"
#include "runtime/spaces.h"

/** Everything the child needs, made by the parent and inherited by fork. */
struct container {
	const struct runtime_start *start;
	struct spaces spaces;
	struct process_plan process;
	struct rootfs rootfs;
	struct arena words;         /* of the child */
	struct cgroup_entry groups; /* of version 1, by which it enters them itself */
	bool late_cgroup;           /* its cgroup namespace is made after the parent attached it */
	bool unprivileged;          /* its creator is not root */
	int sync;                   /* the child's end of the socket to the parent */
};

/* What the two ends of `sync` say. The parent: mapped (with a user namespace or
 * network devices), then go. The child:
 * the master of its terminal, if it has one. Between these, where there are hooks of creation, the
 * child asks for those of the parent, which answers the same word. At a gate it says that it is
 * ready. */
enum {
	SYNC_MAPPED = 'm',
	SYNC_GO = 'g',
	SYNC_TERMINAL = 't',
	SYNC_HOOKS = 'h',
	SYNC_READY = 'r',
};

/** Does the child wait for SYNC_MAPPED? */
static inline bool container_waits(const struct container *c)
{
	return c->spaces.make & CLONE_NEWUSER || c->start->spec->linux_.net_devices.count;
}

/* netdevices.c: in the parent, before the clone and after it. */
int netdevices_check(const struct oci_linux *l, const struct spaces *spaces, struct err *e);
int netdevices_move(const struct oci_linux *l, const struct spaces *spaces, pid_t pid,
		    struct err *e);

_Noreturn void container_child(struct container *c);
