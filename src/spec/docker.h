/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's container objects as C structs: Config and HostConfig of the Engine API 1.51, with
 * docker's own field names, because `inspect`, the API and scripts speak them. The state store
 * keeps them as JSON (struct container_config). Tables in docker.c.
 *
 * Ownership: everything lives in the arena that filled the struct.
 */
#pragma once

#include "base/arena.h"
#include "base/shape.h"

/** API "Config": what belongs to the image and the process. */
struct docker_config {
	char *hostname, *domainname, *user;
	bool attach_stdin, attach_stdout, attach_stderr;
	struct strv exposed_ports;
	bool tty, open_stdin, stdin_once;
	struct strv env, cmd;
	char *healthcheck; /* JSON text of a struct docker_healthcheck */
	char *image;       /* as the user typed it */
	struct strv volumes;
	char *working_dir;
	struct strv entrypoint;
	struct strv on_build;
	struct kvs labels;
	char *stop_signal;
	struct opt_i64 stop_timeout; /* seconds */
	struct strv shell;
};

/** API "HealthConfig"; times in ns, 0: docker's default. */
struct docker_healthcheck {
	struct strv test; /* NONE; CMD and its words; CMD-SHELL and its text */
	int64_t interval, timeout, start_period, start_interval, retries;
};

/** The container that "container:NAME" shares a namespace with, a mode of HostConfig's PidMode,
 * IpcMode or NetworkMode; perhaps "". NULL: it is another mode, or none. */
const char *docker_mode_container(const char *mode);
/** Neither the machine's namespace nor another container's. */
bool docker_mode_is_own(const char *mode);

struct docker_log_config {
	char *type;
	struct kvs config;
};
struct docker_restart_policy {
	char *name;
	int64_t maximum_retry_count;
};
struct docker_device {
	char *path_on_host, *path_in_container, *cgroup_permissions;
};
struct docker_blkio_device { /* API "WeightDevice" and "ThrottleDevice" */
	char *path;
	int64_t value; /* a weight; bytes or operations a second; 0: none */
};
struct docker_ulimit {
	char *name; /* "nofile" */
	int64_t hard, soft;
};
struct docker_bind_options {
	char *propagation;
	bool non_recursive, create_mountpoint, read_only_non_recursive, read_only_force_recursive;
};
struct docker_driver {
	char *name;
	struct kvs options;
};
struct docker_volume_options {
	bool no_copy;
	struct kvs labels;
	struct docker_driver *driver;
	char *subpath;
};
struct docker_tmpfs_options {
	int64_t size_bytes, mode;
	char *options; /* JSON text: [["exec"], ["nr_inodes", "100"]] */
};
struct docker_image_options {
	char *subpath;
};
struct docker_mount { /* API "Mount": the --mount form */
	char *target, *source, *type;
	bool read_only;
	char *consistency;
	struct docker_bind_options *bind_options;
	struct docker_volume_options *volume_options;
	struct docker_tmpfs_options *tmpfs_options;
	struct docker_image_options *image_options;
	char *image_id; /* hull's: the image that @source named when the container was made */
	char *idmap;    /* hull's; NULL, "": none; MOUNT_IDMAP_USER, or maps: see engine/mounts.h */
};
#define MOUNT_IDMAP_USER "user"

/** The members of blkio_rates. */
enum docker_rate { RATE_READ_BPS, RATE_WRITE_BPS, RATE_READ_IOPS, RATE_WRITE_IOPS, RATES };

/** API "HostConfig": what belongs to this host and this container. */
struct docker_host_config {
	struct strv binds; /* "SRC:DST[:OPTIONS]" */
	char *container_id_file;
	struct array console_size; /* rows, columns: of int64_t */
	struct docker_log_config log_config;
	char *network_mode;
	char *port_bindings; /* JSON text */
	struct docker_restart_policy restart_policy;
	bool auto_remove;
	struct strv volumes_from;
	struct kvs annotations;
	struct strv cap_add, cap_drop;
	char *cgroupns_mode;
	struct strv dns, dns_options, dns_search, extra_hosts, group_add;
	char *ipc_mode;
	struct strv links;
	int64_t oom_score_adj;
	char *pid_mode;
	bool privileged, publish_all_ports, readonly_rootfs;
	struct strv security_opt;
	struct kvs storage_opt, tmpfs;
	char *uts_mode, *userns_mode;
	int64_t shm_size;
	struct kvs sysctls;
	char *runtime;
	int64_t cpu_shares, memory, nano_cpus; /* 0: unset, as docker */
	char *cgroup_parent;
	int64_t blkio_weight;                           /* 10..1000, 0: unset */
	struct array blkio_weights, blkio_rates[RATES]; /* of struct docker_blkio_device */
	int64_t cpu_period, cpu_quota, cpu_rt_period, cpu_rt_runtime; /* microseconds */
	char *cpuset_cpus, *cpuset_mems;
	struct array devices; /* of struct docker_device */
	struct strv device_cgroup_rules;
	int64_t memory_reservation, memory_swap; /* memory_swap: -1 unlimited */
	struct opt_i64 memory_swappiness;
	struct opt_bool oom_kill_disable;
	struct opt_i64 pids_limit; /* absent: hull's default; -1 or 0 unlimited */
	struct array ulimits;      /* of struct docker_ulimit */
	struct array mounts;       /* of struct docker_mount */
	struct opt_bool init;
	struct strv masked_paths, readonly_paths; /* systempaths=unconfined clears both */
	bool system_paths_unconfined;
};

/** What a container is given of a secret (engine/secret.h), by its name and id alone. */
struct hull_secret {
	char *name, *id;
	char *target;   /* a file of it */
	char *variable; /* NULL: it is a file */
	int64_t uid, gid, mode;
};

/** What hull adds; "Hull" in inspect. */
struct hull_config {
	char *rootfs;            /* --rootfs: absolute path of a folder instead of an image */
	bool rootfs_overlay;     /* DIR:O, a throw-away overlay over it */
	char *health_on_failure; /* "none", "restart", "stop" or "kill" */
	char *init_mode;  /* "auto", "main", "group" or "all": how hull-init forwards signals */
	char *publish_on; /* where ports are published that name no address; NULL: everywhere */
	char *init_path;  /* another program than hull-init, of the host */
	struct opt_i64 cpu_burst; /* microseconds */
	struct opt_bool oom_group;
	bool systemd;           /* PID 1 is systemd, or one like it */
	bool proc_view;         /* its limits in /proc/meminfo and the like: engine/proc_view.h */
	struct kvs hugepages;   /* size of a page, "2MB" -> limit in bytes */
	struct kvs cgroup_conf; /* file of version 2 -> its text */
	struct array secrets;   /* of struct hull_secret */
	bool volume_quota;      /* it has a volume with a limit */
	char *storage_quota;    /* what keeps --storage-opt size=, see engine/layer.h */
	char *layer;            /* of a build's step: the folder below layers/ that it writes to */
	struct strv lowers;     /* the same: its layers there, the topmost first */
};

struct container_config {
	struct docker_config config;
	struct docker_host_config host;
	struct hull_config hull;
};

extern const struct shape docker_config_shape;
extern const struct shape docker_healthcheck_shape;
extern const struct shape docker_host_config_shape;
extern const struct shape hull_config_shape;
extern const struct shape container_config_shape;
