/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From docker's container config to the OCI spec that src/runtime executes. One file per part:
 * spec.c (process, namespaces), spec_mounts.c, spec_devices.c, spec_limits.c, spec_security.c.
 * The default sets are those of docs/security.md.
 */
#pragma once

#include "engine/mounts.h"
#include "linux/capability.h"
#include "linux/cgroup.h"
#include "linux/seccomp.h"
#include "spec/oci.h"

struct container_net;

struct spec_build {
	const struct container *container;
	const struct mount_point *mounts;
	size_t mount_count;
	struct array folders;            /* of struct container_folder */
	struct strv secrets;             /* variables that the container's row has not */
	const struct container_net *net; /* what it has got, or NULL */
	int lock;    /* of the volumes that are shared, until the container has them; 0: none */
	int root_fd; /* the mounted root, for names of users: spec_finish and spec_exec need it */
	struct engine *warn; /* told what a user should know (engine_warn), or NULL */

	/* results */
	struct oci_spec spec;
	size_t own_mounts; /* among its mounts the first of @mounts; those of secrets follow them */
	capset caps;
	struct cgroup_limits limits;
	struct cgroup_device_rule *device_rules;
	size_t device_rule_count;
	bool unconfined;                /* no seccomp filter */
	bool own_filter;                /* hull's own, whatever the container's profile */
	struct seccomp_program seccomp; /* filled by spec_seccomp */
};

/**
 * All that can be known, and refused, without a root file system: limits and devices, the spec, the
 * filter. `create` calls it, and a later start again.
 */
int spec_plan(struct engine *en, struct spec_build *b, struct arena *a, struct err *e);
/** What needs the mounted root, and what is written at a start: users, capabilities, the files of
 * /etc, sources of mounts. After spec_plan. */
int spec_finish(struct engine *en, struct spec_build *b, struct arena *a, struct err *e);

/** A place that a running container gets (@add) or loses: its addresses in /etc/hosts. */
struct endpoint;
int container_hosts_change(struct engine *en, const struct container *c, const struct endpoint *p,
			   bool add, struct err *e);

/** Close what spec_finish opened: the sources of volumes, and their lock. */
void spec_close(struct spec_build *b);

#define PROC_VIEW_SOURCE "hull-view" /* of the mounts that proc_view_begin() fills */

/* Parts. */
int spec_mount_sources(struct engine *en, struct spec_build *b, struct arena *a, struct err *e);
int spec_seccomp(struct spec_build *b, struct arena *a, struct err *e);
/** The filter that @c begins with, as it is for bounding capabilities @caps (NULL: those that it is
 *  given); empty: none. In @a. */
int container_filter(const struct container *c, const capset *caps, struct arena *a,
		     struct seccomp_program *ret, struct err *e);
int spec_mounts(struct engine *en, struct spec_build *b, struct arena *a, struct err *e);
int spec_devices(struct spec_build *b, struct arena *a, struct err *e);
int spec_limits(struct spec_build *b, struct arena *a, struct err *e);
/** The limits that a config asks for, as the spec's resources (all but devices) and for control
 * groups, which point into @ret. What makes no sense, or cannot be had on this machine, is refused.
 */
int limits_plan(const struct container_config *c, struct engine *warn, struct arena *a,
		struct oci_resources *ret, struct cgroup_limits *ret_limits, struct err *e);
int spec_security(struct engine *en, struct spec_build *b, struct arena *a, struct err *e);
int spec_rlimits(struct spec_build *b, struct arena *a, struct err *e);

/** Process of an exec: the container's own, with what @x changes. */
struct container_exec;
int spec_exec(struct engine *en, struct spec_build *b, const struct container_exec *x,
	      struct arena *a, struct err *e);
/** The default masked and read-only paths; none where they are unconfined. */
void spec_paths(const struct container *c, struct strv *masked, struct strv *readonly,
		struct arena *a);
/** --security-opt NAME=VALUE or NAME:VALUE; NULL when not given. */
const char *security_option(const struct container *c, const char *name);
/** A privileged exec has the capabilities of a privileged container. */
void spec_capabilities(struct oci_process *p, capset caps, struct arena *a);
