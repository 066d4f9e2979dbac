/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shape tables of docker's container objects (Engine API 1.51, ContainerConfig and HostConfig).
 * The order is the order in which docker prints them. Read docker.h first.
 */
#include "spec/docker.h"

#include <string.h>

#define F(member, name, type, ...) FIELD(struct docker_config, member, name, type, ##__VA_ARGS__)
static const struct field config_fields[] = {
	F(hostname, "Hostname", FIELD_STR, .flags = FIELD_KEEP),
	F(domainname, "Domainname", FIELD_STR, .flags = FIELD_KEEP),
	F(user, "User", FIELD_STR, .flags = FIELD_KEEP),
	F(attach_stdin, "AttachStdin", FIELD_BOOL, .flags = FIELD_KEEP),
	F(attach_stdout, "AttachStdout", FIELD_BOOL, .flags = FIELD_KEEP),
	F(attach_stderr, "AttachStderr", FIELD_BOOL, .flags = FIELD_KEEP),
	F(exposed_ports, "ExposedPorts", FIELD_SET),
	F(tty, "Tty", FIELD_BOOL, .flags = FIELD_KEEP),
	F(open_stdin, "OpenStdin", FIELD_BOOL, .flags = FIELD_KEEP),
	F(stdin_once, "StdinOnce", FIELD_BOOL, .flags = FIELD_KEEP),
	F(env, "Env", FIELD_STRV, .flags = FIELD_KEEP),
	F(cmd, "Cmd", FIELD_STRV, .flags = FIELD_NULL),
	F(healthcheck, "Healthcheck", FIELD_RAW),
	F(image, "Image", FIELD_STR, .flags = FIELD_KEEP),
	F(volumes, "Volumes", FIELD_SET, .flags = FIELD_NULL),
	F(working_dir, "WorkingDir", FIELD_STR, .flags = FIELD_KEEP),
	F(entrypoint, "Entrypoint", FIELD_STRV, .flags = FIELD_NULL),
	F(on_build, "OnBuild", FIELD_STRV, .flags = FIELD_NULL),
	F(labels, "Labels", FIELD_KVS, .flags = FIELD_KEEP),
	F(stop_signal, "StopSignal", FIELD_STR),
	F(stop_timeout, "StopTimeout", FIELD_OPT_I64),
	F(shell, "Shell", FIELD_STRV),
};
#undef F
const struct shape docker_config_shape = SHAPE(struct docker_config, config_fields);

#define F(member, name, type) FIELD(struct docker_healthcheck, member, name, type)
static const struct field healthcheck_fields[] = {
	F(test, "Test", FIELD_STRV),
	F(interval, "Interval", FIELD_I64),
	F(timeout, "Timeout", FIELD_I64),
	F(start_period, "StartPeriod", FIELD_I64),
	F(start_interval, "StartInterval", FIELD_I64),
	F(retries, "Retries", FIELD_I64),
};
#undef F
const struct shape docker_healthcheck_shape = SHAPE(struct docker_healthcheck, healthcheck_fields);

static const struct field log_config_fields[] = {
	FIELD(struct docker_log_config, type, "Type", FIELD_STR, .flags = FIELD_KEEP),
	FIELD(struct docker_log_config, config, "Config", FIELD_KVS, .flags = FIELD_KEEP),
};
static const struct shape log_config_shape = SHAPE(struct docker_log_config, log_config_fields);

static const struct field restart_fields[] = {
	FIELD(struct docker_restart_policy, name, "Name", FIELD_STR, .flags = FIELD_KEEP),
	FIELD(struct docker_restart_policy, maximum_retry_count, "MaximumRetryCount", FIELD_I64,
	      .flags = FIELD_KEEP),
};
static const struct shape restart_shape = SHAPE(struct docker_restart_policy, restart_fields);

static const struct field device_fields[] = {
	FIELD(struct docker_device, path_on_host, "PathOnHost", FIELD_STR, .flags = FIELD_KEEP),
	FIELD(struct docker_device, path_in_container, "PathInContainer", FIELD_STR,
	      .flags = FIELD_KEEP),
	FIELD(struct docker_device, cgroup_permissions, "CgroupPermissions", FIELD_STR,
	      .flags = FIELD_KEEP),
};
static const struct shape device_shape = SHAPE(struct docker_device, device_fields);

#define BLKIO_SHAPE(of, name)                                                                      \
	static const struct field of##_fields[] = {                                                \
		FIELD(struct docker_blkio_device, path, "Path", FIELD_STR, .flags = FIELD_KEEP),   \
		FIELD(struct docker_blkio_device, value, name, FIELD_I64, .flags = FIELD_KEEP),    \
	};                                                                                         \
	static const struct shape of##_shape = SHAPE(struct docker_blkio_device, of##_fields)
BLKIO_SHAPE(weight, "Weight");
BLKIO_SHAPE(rate, "Rate");

static const struct field ulimit_fields[] = {
	FIELD(struct docker_ulimit, name, "Name", FIELD_STR, .flags = FIELD_KEEP),
	FIELD(struct docker_ulimit, hard, "Hard", FIELD_I64, .flags = FIELD_KEEP),
	FIELD(struct docker_ulimit, soft, "Soft", FIELD_I64, .flags = FIELD_KEEP),
};
static const struct shape ulimit_shape = SHAPE(struct docker_ulimit, ulimit_fields);

static const struct field bind_fields[] = {
	FIELD(struct docker_bind_options, propagation, "Propagation", FIELD_STR),
	FIELD(struct docker_bind_options, non_recursive, "NonRecursive", FIELD_BOOL),
	FIELD(struct docker_bind_options, create_mountpoint, "CreateMountpoint", FIELD_BOOL),
	FIELD(struct docker_bind_options, read_only_non_recursive, "ReadOnlyNonRecursive",
	      FIELD_BOOL),
	FIELD(struct docker_bind_options, read_only_force_recursive, "ReadOnlyForceRecursive",
	      FIELD_BOOL),
};
static const struct shape bind_shape = SHAPE(struct docker_bind_options, bind_fields);

static const struct field driver_fields[] = {
	FIELD(struct docker_driver, name, "Name", FIELD_STR),
	FIELD(struct docker_driver, options, "Options", FIELD_KVS),
};
static const struct shape driver_shape = SHAPE(struct docker_driver, driver_fields);

static const struct field volume_fields[] = {
	FIELD(struct docker_volume_options, no_copy, "NoCopy", FIELD_BOOL),
	FIELD(struct docker_volume_options, labels, "Labels", FIELD_KVS),
	FIELD(struct docker_volume_options, driver, "DriverConfig", FIELD_PTR,
	      .shape = &driver_shape),
	FIELD(struct docker_volume_options, subpath, "Subpath", FIELD_STR),
};
static const struct shape volume_shape = SHAPE(struct docker_volume_options, volume_fields);

static const struct field tmpfs_fields[] = {
	FIELD(struct docker_tmpfs_options, size_bytes, "SizeBytes", FIELD_I64),
	FIELD(struct docker_tmpfs_options, mode, "Mode", FIELD_I64),
	FIELD(struct docker_tmpfs_options, options, "Options", FIELD_RAW),
};
static const struct shape tmpfs_shape = SHAPE(struct docker_tmpfs_options, tmpfs_fields);

static const struct field image_fields[] = {
	FIELD(struct docker_image_options, subpath, "Subpath", FIELD_STR),
};
static const struct shape image_shape = SHAPE(struct docker_image_options, image_fields);

static const struct field mount_fields[] = {
	FIELD(struct docker_mount, type, "Type", FIELD_STR),
	FIELD(struct docker_mount, source, "Source", FIELD_STR),
	FIELD(struct docker_mount, target, "Target", FIELD_STR),
	FIELD(struct docker_mount, read_only, "ReadOnly", FIELD_BOOL),
	FIELD(struct docker_mount, consistency, "Consistency", FIELD_STR),
	FIELD(struct docker_mount, bind_options, "BindOptions", FIELD_PTR, .shape = &bind_shape),
	FIELD(struct docker_mount, volume_options, "VolumeOptions", FIELD_PTR,
	      .shape = &volume_shape),
	FIELD(struct docker_mount, tmpfs_options, "TmpfsOptions", FIELD_PTR, .shape = &tmpfs_shape),
	FIELD(struct docker_mount, image_options, "ImageOptions", FIELD_PTR, .shape = &image_shape),
	FIELD(struct docker_mount, image_id, "ImageID", FIELD_STR),
	FIELD(struct docker_mount, idmap, "Idmap", FIELD_STR),
};
static const struct shape mount_shape = SHAPE(struct docker_mount, mount_fields);

#define F(member, name, type, ...)                                                                 \
	FIELD(struct docker_host_config, member, name, type, ##__VA_ARGS__)
static const struct field host_fields[] = {
	F(binds, "Binds", FIELD_STRV, .flags = FIELD_NULL),
	F(container_id_file, "ContainerIDFile", FIELD_STR, .flags = FIELD_KEEP),
	F(console_size, "ConsoleSize", FIELD_NUMBERS),
	F(log_config, "LogConfig", FIELD_STRUCT, .shape = &log_config_shape),
	F(network_mode, "NetworkMode", FIELD_STR, .flags = FIELD_KEEP),
	F(port_bindings, "PortBindings", FIELD_RAW),
	F(restart_policy, "RestartPolicy", FIELD_STRUCT, .shape = &restart_shape),
	F(auto_remove, "AutoRemove", FIELD_BOOL, .flags = FIELD_KEEP),
	F(volumes_from, "VolumesFrom", FIELD_STRV, .flags = FIELD_NULL),
	F(annotations, "Annotations", FIELD_KVS),
	F(cap_add, "CapAdd", FIELD_STRV, .flags = FIELD_NULL),
	F(cap_drop, "CapDrop", FIELD_STRV, .flags = FIELD_NULL),
	F(cgroupns_mode, "CgroupnsMode", FIELD_STR, .flags = FIELD_KEEP),
	F(dns, "Dns", FIELD_STRV, .flags = FIELD_KEEP),
	F(dns_options, "DnsOptions", FIELD_STRV, .flags = FIELD_KEEP),
	F(dns_search, "DnsSearch", FIELD_STRV, .flags = FIELD_KEEP),
	F(extra_hosts, "ExtraHosts", FIELD_STRV, .flags = FIELD_NULL),
	F(group_add, "GroupAdd", FIELD_STRV, .flags = FIELD_NULL),
	F(ipc_mode, "IpcMode", FIELD_STR, .flags = FIELD_KEEP),
	F(links, "Links", FIELD_STRV, .flags = FIELD_NULL),
	F(oom_score_adj, "OomScoreAdj", FIELD_I64, .flags = FIELD_KEEP),
	F(pid_mode, "PidMode", FIELD_STR, .flags = FIELD_KEEP),
	F(privileged, "Privileged", FIELD_BOOL, .flags = FIELD_KEEP),
	F(publish_all_ports, "PublishAllPorts", FIELD_BOOL, .flags = FIELD_KEEP),
	F(readonly_rootfs, "ReadonlyRootfs", FIELD_BOOL, .flags = FIELD_KEEP),
	F(security_opt, "SecurityOpt", FIELD_STRV, .flags = FIELD_NULL),
	F(storage_opt, "StorageOpt", FIELD_KVS),
	F(tmpfs, "Tmpfs", FIELD_KVS),
	F(uts_mode, "UTSMode", FIELD_STR, .flags = FIELD_KEEP),
	F(userns_mode, "UsernsMode", FIELD_STR, .flags = FIELD_KEEP),
	F(shm_size, "ShmSize", FIELD_I64, .flags = FIELD_KEEP),
	F(sysctls, "Sysctls", FIELD_KVS),
	F(runtime, "Runtime", FIELD_STR, .flags = FIELD_KEEP),
	F(cpu_shares, "CpuShares", FIELD_I64, .flags = FIELD_KEEP),
	F(memory, "Memory", FIELD_I64, .flags = FIELD_KEEP),
	F(nano_cpus, "NanoCpus", FIELD_I64, .flags = FIELD_KEEP),
	F(cgroup_parent, "CgroupParent", FIELD_STR, .flags = FIELD_KEEP),
	F(blkio_weight, "BlkioWeight", FIELD_I64),
	F(blkio_weights, "BlkioWeightDevice", FIELD_ARRAY, .shape = &weight_shape),
	F(blkio_rates[RATE_READ_BPS], "BlkioDeviceReadBps", FIELD_ARRAY, .shape = &rate_shape),
	F(blkio_rates[RATE_WRITE_BPS], "BlkioDeviceWriteBps", FIELD_ARRAY, .shape = &rate_shape),
	F(blkio_rates[RATE_READ_IOPS], "BlkioDeviceReadIOps", FIELD_ARRAY, .shape = &rate_shape),
	F(blkio_rates[RATE_WRITE_IOPS], "BlkioDeviceWriteIOps", FIELD_ARRAY, .shape = &rate_shape),
	F(cpu_period, "CpuPeriod", FIELD_I64, .flags = FIELD_KEEP),
	F(cpu_quota, "CpuQuota", FIELD_I64, .flags = FIELD_KEEP),
	F(cpu_rt_period, "CpuRealtimePeriod", FIELD_I64),
	F(cpu_rt_runtime, "CpuRealtimeRuntime", FIELD_I64),
	F(cpuset_cpus, "CpusetCpus", FIELD_STR, .flags = FIELD_KEEP),
	F(cpuset_mems, "CpusetMems", FIELD_STR, .flags = FIELD_KEEP),
	F(devices, "Devices", FIELD_ARRAY, .flags = FIELD_KEEP, .shape = &device_shape),
	F(device_cgroup_rules, "DeviceCgroupRules", FIELD_STRV, .flags = FIELD_NULL),
	F(memory_reservation, "MemoryReservation", FIELD_I64, .flags = FIELD_KEEP),
	F(memory_swap, "MemorySwap", FIELD_I64, .flags = FIELD_KEEP),
	F(memory_swappiness, "MemorySwappiness", FIELD_OPT_I64, .flags = FIELD_NULL),
	F(oom_kill_disable, "OomKillDisable", FIELD_OPT_BOOL, .flags = FIELD_NULL),
	F(pids_limit, "PidsLimit", FIELD_OPT_I64, .flags = FIELD_NULL),
	F(ulimits, "Ulimits", FIELD_ARRAY, .flags = FIELD_KEEP, .shape = &ulimit_shape),
	F(mounts, "Mounts", FIELD_ARRAY, .shape = &mount_shape),
	F(init, "Init", FIELD_OPT_BOOL),
	F(masked_paths, "MaskedPaths", FIELD_STRV, .flags = FIELD_KEEP),
	F(readonly_paths, "ReadonlyPaths", FIELD_STRV, .flags = FIELD_KEEP),
	F(system_paths_unconfined, "SystemPathsUnconfined", FIELD_BOOL),
};
#undef F
const struct shape docker_host_config_shape = SHAPE(struct docker_host_config, host_fields);

#define F(member, name, type, ...) FIELD(struct hull_secret, member, name, type, ##__VA_ARGS__)
static const struct field secret_fields[] = {
	F(name, "Name", FIELD_STR),
	F(id, "ID", FIELD_STR),
	F(target, "Target", FIELD_STR),
	F(variable, "Variable", FIELD_STR),
	F(uid, "UID", FIELD_I64, .flags = FIELD_KEEP),
	F(gid, "GID", FIELD_I64, .flags = FIELD_KEEP),
	F(mode, "Mode", FIELD_I64, .flags = FIELD_KEEP),
};
#undef F
static const struct shape secret_shape = SHAPE(struct hull_secret, secret_fields);

static const struct field hull_fields[] = {
	FIELD(struct hull_config, rootfs, "Rootfs", FIELD_STR),
	FIELD(struct hull_config, publish_on, "PublishOn", FIELD_STR),
	FIELD(struct hull_config, rootfs_overlay, "RootfsOverlay", FIELD_BOOL),
	FIELD(struct hull_config, health_on_failure, "HealthOnFailure", FIELD_STR),
	FIELD(struct hull_config, init_mode, "InitMode", FIELD_STR),
	FIELD(struct hull_config, init_path, "InitPath", FIELD_STR),
	FIELD(struct hull_config, cpu_burst, "CpuBurst", FIELD_OPT_I64),
	FIELD(struct hull_config, oom_group, "OomGroup", FIELD_OPT_BOOL),
	FIELD(struct hull_config, systemd, "Systemd", FIELD_BOOL),
	FIELD(struct hull_config, proc_view, "ProcView", FIELD_BOOL),
	FIELD(struct hull_config, hugepages, "Hugepages", FIELD_KVS),
	FIELD(struct hull_config, cgroup_conf, "CgroupConf", FIELD_KVS),
	FIELD(struct hull_config, secrets, "Secrets", FIELD_ARRAY, .shape = &secret_shape),
	FIELD(struct hull_config, storage_quota, "StorageQuota", FIELD_STR),
	FIELD(struct hull_config, volume_quota, "VolumeQuota", FIELD_BOOL),
	FIELD(struct hull_config, layer, "Layer", FIELD_STR),
	FIELD(struct hull_config, lowers, "Lowers", FIELD_STRV),
};
const struct shape hull_config_shape = SHAPE(struct hull_config, hull_fields);

static const struct field container_fields[] = {
	FIELD(struct container_config, config, "Config", FIELD_STRUCT,
	      .shape = &docker_config_shape),
	FIELD(struct container_config, host, "HostConfig", FIELD_STRUCT,
	      .shape = &docker_host_config_shape),
	FIELD(struct container_config, hull, "Hull", FIELD_STRUCT, .shape = &hull_config_shape),
};
const struct shape container_config_shape = SHAPE(struct container_config, container_fields);

const char *docker_mode_container(const char *mode)
{
	static const char of[] = "container:";
	return mode && !strncmp(mode, of, strlen(of)) ? mode + strlen(of) : NULL;
}

bool docker_mode_is_own(const char *mode)
{
	return !mode || (strcmp(mode, "host") != 0 && !docker_mode_container(mode));
}
