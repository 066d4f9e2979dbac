/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where this machine mounts its control groups: one O_PATH descriptor for each hierarchy, and which
 * controllers the v2 tree offers. Inner header of cgroup*.c. See proc_pid_mountinfo(5), cgroups(7).
 *
 * struct cgroup_host is the one object in src/linux that is filled once and lives as long as the
 * process: the mounts do not change under a command, and every group is reached from these
 * descriptors. It is constant after its first use, safe among threads, and close-on-exec.
 */
#pragma once

#include "linux/cgroup.h"

enum { CGROUP_POINT_SIZE = 256 };

struct cgroup_host {
	enum cgroup_layout layout;
	int v1[CGROUP_CONTROLLERS]; /* root of the mounted hierarchy, or -1; co-mounted: equal */
	int v2;                     /* root of the v2 tree, or -1 */
	unsigned v2_controllers;    /* bits: what the v2 root offers */
	char v1_point[CGROUP_CONTROLLERS][CGROUP_POINT_SIZE]; /* mount points, for messages */
	char v2_point[CGROUP_POINT_SIZE];
	int error; /* errno of a look-up that failed: there may be more than what is here */
};

/** A group that is made or removed in some hierarchies only would be half a group: fails when not
 *  all of them could be found. */
int cgroup_host_check(struct err *e);

/** One line of mountinfo, as far as control groups go. */
struct cgroup_mount {
	bool is_v2;
	bool whole;           /* the hierarchy's root is what is mounted */
	unsigned controllers; /* v1: bits of enum cgroup_controller */
	char point[CGROUP_POINT_SIZE];
};

const struct cgroup_host *cgroup_host_get(void);
/** 1: @line mounts control groups, 0: it does not (or none that hull uses), -EINVAL: malformed. */
int cgroup_mount_parse(const char *line, struct cgroup_mount *ret);
/** "memory", "io", ... to bits of enum cgroup_controller, from a list separated by @separator. */
unsigned cgroup_controllers_parse(const char *list, char separator);
/** Call @each with @folder, a group's in one hierarchy, and with all below it: a negative errno
 * ends it and is returned, but for those of a folder that vanished meanwhile. */
int cgroup_walk(int folder, int (*each)(int folder, void *ctx), void *ctx);
/** Where @pid (0: the caller) is, "/user.slice/a.scope", in the v1 hierarchy of that name (such as
 *  "name=systemd"), or for "" in the v2 tree. False: not known. */
bool cgroup_place(pid_t pid, const char *hierarchy, char buf[static CGROUP_POINT_SIZE]);
