/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespaces of a container, as its spec lists them: which are made, which are joined, which
 * stay the caller's. See namespaces(7), user_namespaces(7).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "linux/idmap.h"
#include "spec/oci.h"

enum { SPACES_MAX = 8 };

struct spaces {
	unsigned long make;  /* CLONE_NEW* that the container gets anew */
	unsigned long join;  /* and those it joins */
	unsigned long own;   /* both: what is not the host's */
	int fds[SPACES_MAX]; /* of the joined ones, by namespace_at(); else -1 */
	/* A joined namespace and a user namespace: the joined ones need the rights that we have
	 * now, the new ones must belong to the user namespace. So the clone is made by a process
	 * between that has joined, and is gone afterwards. So it is with a pid namespace, for a
	 * root of a user namespace. */
	bool staged;
	const struct oci_linux *spec; /* id mappings */
};

/** Read and check the spec's list, and open what is to be joined. */
int spaces_open(struct spaces *s, const struct oci_linux *spec, struct err *e);
void spaces_close(struct spaces *s);
/** Join one of them now (a CLONE_NEW* flag); nothing when it is not to be joined. */
int spaces_join(const struct spaces *s, unsigned long flag, struct err *e);
/** Join all but pid, mount and cgroup. In the child, while single-threaded. */
int spaces_join_early(const struct spaces *s, struct err *e);
/** Join all, with the user namespace's root as user. In the process between, when staged. */
int spaces_join_all(struct spaces *s, struct err *e);
/**
 * A clone by a process between that has entered namespaces, and is gone afterwards: for when the
 * caller may not enter them, or could not come back. The child is ours, and so is its pid. As
 * namespace_clone(); -errno comes with @e.
 */
struct between {
	int (*enter)(void *arg, struct err *e);
	void *arg;
	unsigned long flags; /* of the clone */
	int cgroup;
	bool dumpable; /* its child must be, for its maps to be written */
};
pid_t spaces_clone_between(const struct between *b, int *ret_pidfd, struct err *e);
/** Make the time namespace that has offsets, and enter it. In the child. */
int spaces_set_clocks(const struct spaces *s, struct err *e);
/** A descriptor of the network namespace of the container, which is @pid's. */
int spaces_open_network(const struct spaces *s, pid_t pid, struct err *e);
/** Write the id maps of @pid's new user namespace. In the parent. */
int spaces_map_ids(const struct spaces *s, pid_t pid, struct err *e);
/** The spec's maps as the kernel takes them; allocates in @a. @what names them in the error. */
int spaces_idmaps(const struct array *uids, const struct array *gids, const char *what,
		  struct arena *a, struct idmaps *ret, struct err *e);
