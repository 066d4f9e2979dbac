/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: their names in the OCI spec and in /proc/PID/ns, making a process in new ones, and
 * joining those of a path. See namespaces(7), clone(2), setns(2).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct namespace_kind {
	const char *name; /* in the OCI spec: "network" */
	const char *file; /* in /proc/PID/ns: "net" */
	int flag;         /* CLONE_NEWNET */
};

/** The kind by its OCI name ("mnt", "net" and "cgroup" are understood too); NULL if there is none.
 */
const struct namespace_kind *namespace_find(const char *name);
/** The table, in the order in which namespaces are joined; NULL at the end. */
const struct namespace_kind *namespace_at(size_t index);
/** Open the namespace file @path, checked to be of @kind. fd or negative errno with @e. */
int namespace_open(const struct namespace_kind *kind, const char *path, struct err *e);
/**
 * A child in new namespaces (@flags of clone3(2)), made directly in the v2 control group @cgroup
 * (O_PATH descriptor, or -1). Returns its pid and a pidfd, 0 in the child, or a negative errno.
 * Like fork(2): the child has a copy of everything and its own descriptor table.
 */
pid_t namespace_clone(unsigned long long flags, int cgroup, int *ret_pidfd);
/** The descriptor that @make returns in a child, which may go into other namespaces for it and ends
 * then: a detached mount, a namespace. fd or -errno. */
int fd_from_child(int (*make)(const void *arg), const void *arg);
/** A descriptor of the namespace @file ("net") of @pid, whose pidfd says that it is still the same
 * process; or -errno. */
int namespace_of_process(pid_t pid, int pidfd, const char *file);
/** Are the numbers of processes that the caller sees those of the kernel's log? */
bool namespace_caller_is_in_first_pid(void);
/** Is the caller an ordinary user, or root only of a user namespace? */
bool namespace_caller_is_user(void);
/** Who we are outside of a user namespace that we entered. */
uid_t namespace_real_uid(void);
/** Has this caller rights over the network that he is in? A user has none over the machine's. */
bool namespace_owns_network(void);
/** Those of @flags (CLONE_NEW*) of which @pid has another namespace than the caller. */
int namespace_others(pid_t pid, int flags);
/** Return to namespace @own, of kind @flag (CLONE_NEW*): setns(2), which needs memory, is tried
 * more than once, since most that go elsewhere cannot go on there. 0 or -errno. */
int namespace_back(int own, int flag);
/** The same for a network: who cannot return says so and ends, for nothing may go on in somebody
 * else's. */
void namespace_network_back(int own);
/** A socket, close-on-exec, in the network namespace of @netns, a descriptor of one or of a process
 * (pidfd); -1: ours. It stays there. Or -errno. */
int namespace_socket(int netns, int domain, int type, int protocol);
/** Bring up the loopback device of the caller's network namespace. 0 or -errno. */
int namespace_loopback_up(void);
/** Enter a new time namespace whose clocks are moved, "monotonic 7 0\n" and the like. 0 or -errno.
 */
int namespace_time(const char *one, const char *other);
