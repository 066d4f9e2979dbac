/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI runtime specification 1.3 (config.md, config-linux.md, runtime.md) as C structs. The
 * shape tables in oci.c tie them to config.json. The engine fills an oci_spec for `hull run`;
 * src/runtime turns one into a running process.
 *
 * Ownership: everything lives in the arena that filled the struct.
 */
#pragma once

#include "base/arena.h"
#include "base/shape.h"

/** What a shell without PATH searches. An image that sets none means it, as docker has it. */
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct oci_user {
	int64_t uid, gid;
	struct opt_i64 umask;
	struct array additional_gids; /* of struct oci_number */
};
struct oci_number {
	int64_t value;
};
struct oci_rlimit {
	char *type;         /* "RLIMIT_NOFILE" */
	int64_t hard, soft; /* -1 is RLIM_INFINITY (written as 18446744073709551615) */
};
struct oci_capabilities {
	struct strv bounding, effective, inheritable, permitted, ambient; /* "CAP_CHOWN" */
};
struct oci_box {
	int64_t height, width;
};
struct oci_scheduler {
	char *policy; /* "SCHED_FIFO" */
	struct opt_i64 nice, priority;
	struct strv flags;                 /* "SCHED_FLAG_RESET_ON_FORK" */
	int64_t runtime, deadline, period; /* nanoseconds */
};
struct oci_io_priority {
	char *class; /* "IOPRIO_CLASS_BE" */
	int64_t priority;
};
struct oci_cpu_affinity {
	char *initial, *final; /* lists of CPUs, "0-3,7" */
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
	struct oci_scheduler *scheduler;
	struct oci_io_priority *io_priority;
	struct oci_cpu_affinity *exec_cpu_affinity; /* of processes that join, not of the first */
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
	struct array uid_mappings, gid_mappings; /* of struct oci_id_mapping: an idmapped mount */
	int fd; /* of a bind: the source as a detached mount, the caller's; 0: none. Not in JSON */
};
struct oci_hook {
	char *path;
	struct strv args, env;
	struct opt_i64 timeout; /* seconds */
};
struct oci_hooks { /* each of struct oci_hook, in order */
	struct array prestart, create_runtime, create_container, start_container, poststart,
		poststop;
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
	const char *host; /* where the host has it, if that is not `path`; no part of the format */
};
struct oci_device_rule {
	bool allow;
	char *type;                  /* a c b, NULL is a */
	struct opt_i64 major, minor; /* absent: any */
	char *access;                /* of "rwm" */
};
struct oci_memory {
	struct opt_i64 limit, reservation, swap, swappiness;
	struct opt_bool disable_oom_killer;
	bool check_before_update; /* refuse a limit below what is in use */
};
struct oci_cpu {
	struct opt_i64 shares, quota, burst, period, realtime_runtime, realtime_period, idle;
	char *cpus, *mems;
};
struct oci_pids {
	struct opt_i64 limit; /* < 0: unlimited */
};
struct oci_weight_device {
	int64_t major, minor;
	struct opt_i64 weight, leaf_weight;
};
struct oci_throttle_device {
	int64_t major, minor;
	int64_t rate; /* bytes or operations a second; 0: unlimited */
};
struct oci_block_io {
	struct opt_i64 weight, leaf_weight;                      /* 10..1000 */
	struct array weight_device;                              /* of struct oci_weight_device */
	struct array read_bps, write_bps, read_iops, write_iops; /* of oci_throttle_device */
};
struct oci_hugepage_limit {
	char *page_size; /* "2MB" */
	int64_t limit;   /* bytes; -1 unlimited */
};
struct oci_interface_priority {
	char *name;
	int64_t priority;
};
struct oci_network {
	struct opt_i64 class_id;
	struct array priorities; /* of struct oci_interface_priority */
};
struct oci_rdma {
	char *device;
	struct opt_i64 hca_handles, hca_objects;
};
struct oci_resources {
	struct array devices; /* of struct oci_device_rule, in order */
	struct oci_memory memory;
	struct oci_cpu cpu;
	struct oci_pids *pids;
	struct oci_block_io *block_io;
	struct array hugepage_limits; /* of struct oci_hugepage_limit */
	struct oci_network *network;
	struct array rdma;  /* of struct oci_rdma */
	struct kvs unified; /* v2 file -> value */
};
struct oci_seccomp_arg {
	int64_t index;
	char *value, *value_two; /* uint64 as JSON text */
	char *op;                /* SCMP_CMP_EQ ... */
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
	char *listener_path, *listener_metadata; /* of SCMP_ACT_NOTIFY */
	struct array syscalls;                   /* of struct oci_seccomp_rule */
};
struct oci_time_offset {
	char *clock; /* "monotonic", "boottime" */
	int64_t secs, nanosecs;
};
struct oci_personality {
	char *domain; /* "LINUX", "LINUX32" */
	struct strv flags;
};
struct oci_memory_policy {
	char *mode;  /* "MPOL_BIND" */
	char *nodes; /* "0-3,7" */
	struct strv flags;
};
struct oci_net_device {
	char *host_name;
	char *name; /* inside; NULL: the same */
};
struct oci_intel_rdt {
	char *clos_id, *l3_cache_schema, *mem_bw_schema;
	struct strv schemata;
	bool enable_monitoring;
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
	char *mount_label;
	struct array time_offsets; /* of struct oci_time_offset */
	struct oci_personality *personality;
	struct oci_memory_policy *memory_policy;
	struct array net_devices; /* of struct oci_net_device */
	struct oci_intel_rdt *intel_rdt;
};
struct oci_spec {
	char *oci_version;
	struct oci_process process;
	struct oci_root root;
	char *hostname;
	char *domainname;
	struct array mounts; /* of struct oci_mount, in order */
	struct oci_hooks *hooks;
	struct kvs annotations;
	struct oci_linux linux_;
};

/** What hooks and `state` are told (runtime.md, "State"). */
struct oci_state {
	char *oci_version;
	char *id;
	char *status;
	int64_t pid; /* 0: there is none */
	char *bundle;
	struct kvs annotations;
};
/** What the listener of SCMP_ACT_NOTIFY is told (config-linux.md, "Container Process State"). */
struct oci_process_state {
	char *oci_version;
	struct strv fds;
	int64_t pid;
	char *metadata;
	struct oci_state state;
};

extern const struct shape oci_spec_shape;
extern const struct shape oci_state_shape;
extern const struct shape oci_process_state_shape;
extern const struct shape oci_process_shape;
extern const struct shape oci_resources_shape;
extern const struct shape oci_seccomp_shape;
extern const struct shape oci_seccomp_arg_shape;
