/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI runtime specification 1.2 (config.md, config-linux.md) as C structs. The shape tables in
 * oci.c tie them to config.json. The engine fills an oci_spec for `hull run`; src/runtime turns one
 * into a running process.
 *
 * Ownership: everything lives in the arena that filled the struct.
 */
#pragma once

#include "base/arena.h"
#include "base/shape.h"

struct oci_user {
	int64_t uid, gid;
	struct opt_i64 umask;
	struct array additional_gids; /* of struct oci_number */
};
struct oci_number {
	int64_t value;
};
struct oci_rlimit {
	char *type; /* "RLIMIT_NOFILE" */
	int64_t hard, soft; /* -1 is RLIM_INFINITY (written as 18446744073709551615) */
};
struct oci_capabilities {
	struct strv bounding, effective, inheritable, permitted, ambient; /* "CAP_CHOWN" */
};
struct oci_box {
	int64_t height, width;
};
struct oci_process {
	bool terminal;
	struct oci_box *console_size;
	struct oci_user user;
	struct strv args;
	struct strv env;
	char *cwd;
	struct oci_capabilities *capabilities;
	struct array rlimits; /* of struct oci_rlimit */
	bool no_new_privileges;
	char *apparmor_profile;
	char *selinux_label;
	struct opt_i64 oom_score_adj;
};
struct oci_root {
	char *path;
	bool readonly;
};
struct oci_mount {
	char *destination;
	char *type;
	char *source;
	struct strv options;
};
struct oci_namespace {
	char *type; /* pid network mount ipc uts user cgroup time */
	char *path; /* join this one instead of a new one, or NULL */
};
struct oci_id_mapping {
	int64_t container_id, host_id, size;
};
struct oci_device {
	char *path;
	char *type; /* c b u p */
	int64_t major, minor;
	struct opt_i64 file_mode, uid, gid;
};
struct oci_device_rule {
	bool allow;
	char *type; /* a c b, NULL is a */
	struct opt_i64 major, minor; /* absent: any */
	char *access; /* of "rwm" */
};
struct oci_memory {
	struct opt_i64 limit, reservation, swap, swappiness;
	struct opt_bool disable_oom_killer;
};
struct oci_cpu {
	struct opt_i64 shares, quota, burst, period, realtime_runtime, realtime_period, idle;
	char *cpus, *mems;
};
struct oci_pids {
	int64_t limit; /* <= 0: unlimited */
};
struct oci_resources {
	struct array devices; /* of struct oci_device_rule, in order */
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct oci_pids *pids;
	struct kvs unified; /* v2 file -> value */
};
struct oci_seccomp_arg {
	int64_t index;
	char *value, *value_two; /* uint64 as JSON text */
	char *op; /* SCMP_CMP_EQ ... */
};
struct oci_seccomp_rule {
	struct strv names;
	char *action;
	struct opt_i64 errno_ret;
	struct array args; /* of struct oci_seccomp_arg */
};
struct oci_seccomp {
	char *default_action; /* SCMP_ACT_... */
	struct opt_i64 default_errno_ret;
	struct strv architectures, flags;
	struct array syscalls; /* of struct oci_seccomp_rule */
};
struct oci_linux {
	struct array namespaces;   /* of struct oci_namespace */
	struct array uid_mappings; /* of struct oci_id_mapping */
	struct array gid_mappings;
	struct kvs sysctl;
	char *cgroups_path;
	struct oci_resources resources;
	char *rootfs_propagation;
	struct array devices; /* of struct oci_device: nodes to make in /dev */
	struct oci_seccomp *seccomp;
	struct strv masked_paths, readonly_paths;
};
struct oci_spec {
	char *oci_version;
	struct oci_process process;
	struct oci_root root;
	char *hostname;
	char *domainname;
	struct array mounts; /* of struct oci_mount, in order */
	struct kvs annotations;
	struct oci_linux linux_;
};

extern const struct shape oci_spec_shape;
extern const struct shape oci_process_shape;
extern const struct shape oci_resources_shape;
extern const struct shape oci_seccomp_shape;
