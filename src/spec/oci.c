/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables between the OCI runtime specification's JSON and struct oci_spec. Names and types are
 * those of config.md, config-linux.md and the schema beside them.
 * Invariant: field order is the specification's, so that a written config.json reads like others'.
 * Read oci.h and base/shape.h first.
 */
#include "spec/oci.h"

#include <assert.h>

/* Tables read by one macro each: struct, member and JSON name in a row. */
#define F(member, name, kind, ...) FIELD(struct TYPE, member, name, kind, ##__VA_ARGS__)

static_assert(sizeof(struct oci_number) == sizeof(int64_t), "FIELD_NUMBERS fills these");

#define TYPE oci_user
static const struct field user_fields[] = {
	F(uid, "uid", FIELD_I64, .flags = FIELD_KEEP),
	F(gid, "gid", FIELD_I64, .flags = FIELD_KEEP),
	F(umask, "umask", FIELD_OPT_I64),
	F(additional_gids, "additionalGids", FIELD_NUMBERS),
};
static const struct shape user_shape = SHAPE(struct oci_user, user_fields);
#undef TYPE

#define TYPE oci_rlimit
static const struct field rlimit_fields[] = {
	F(type, "type", FIELD_STR, .flags = FIELD_REQUIRED),
	F(hard, "hard", FIELD_U64, .flags = FIELD_REQUIRED | FIELD_KEEP),
	F(soft, "soft", FIELD_U64, .flags = FIELD_REQUIRED | FIELD_KEEP),
};
static const struct shape rlimit_shape = SHAPE(struct oci_rlimit, rlimit_fields);
#undef TYPE

#define TYPE oci_capabilities
static const struct field capabilities_fields[] = {
	F(bounding, "bounding", FIELD_STRV),       F(effective, "effective", FIELD_STRV),
	F(inheritable, "inheritable", FIELD_STRV), F(permitted, "permitted", FIELD_STRV),
	F(ambient, "ambient", FIELD_STRV),
};
static const struct shape capabilities_shape = SHAPE(struct oci_capabilities, capabilities_fields);
#undef TYPE

#define TYPE oci_box
static const struct field box_fields[] = {
	F(height, "height", FIELD_I64, .flags = FIELD_KEEP),
	F(width, "width", FIELD_I64, .flags = FIELD_KEEP),
};
static const struct shape box_shape = SHAPE(struct oci_box, box_fields);
#undef TYPE

#define TYPE oci_scheduler
static const struct field scheduler_fields[] = {
	F(policy, "policy", FIELD_STR, .flags = FIELD_REQUIRED),
	F(nice, "nice", FIELD_OPT_I64),
	F(priority, "priority", FIELD_OPT_I64),
	F(flags, "flags", FIELD_STRV),
	F(runtime, "runtime", FIELD_U64),
	F(deadline, "deadline", FIELD_U64),
	F(period, "period", FIELD_U64),
};
static const struct shape scheduler_shape = SHAPE(struct oci_scheduler, scheduler_fields);
#undef TYPE

#define TYPE oci_io_priority
static const struct field io_priority_fields[] = {
	F(class, "class", FIELD_STR, .flags = FIELD_REQUIRED),
	F(priority, "priority", FIELD_I64, .flags = FIELD_KEEP),
};
static const struct shape io_priority_shape = SHAPE(struct oci_io_priority, io_priority_fields);
#undef TYPE

#define TYPE oci_cpu_affinity
static const struct field cpu_affinity_fields[] = {
	F(initial, "initial", FIELD_STR),
	F(final, "final", FIELD_STR),
};
static const struct shape cpu_affinity_shape = SHAPE(struct oci_cpu_affinity, cpu_affinity_fields);
#undef TYPE

#define TYPE oci_process
static const struct field process_fields[] = {
	F(terminal, "terminal", FIELD_BOOL),
	F(console_size, "consoleSize", FIELD_PTR, .shape = &box_shape),
	F(user, "user", FIELD_STRUCT, .shape = &user_shape),
	F(args, "args", FIELD_STRV),
	F(env, "env", FIELD_STRV),
	F(cwd, "cwd", FIELD_STR, .flags = FIELD_KEEP),
	F(capabilities, "capabilities", FIELD_PTR, .shape = &capabilities_shape),
	F(rlimits, "rlimits", FIELD_ARRAY, .shape = &rlimit_shape),
	F(no_new_privileges, "noNewPrivileges", FIELD_BOOL),
	F(apparmor_profile, "apparmorProfile", FIELD_STR),
	F(selinux_label, "selinuxLabel", FIELD_STR),
	F(oom_score_adj, "oomScoreAdj", FIELD_OPT_I64),
	F(scheduler, "scheduler", FIELD_PTR, .shape = &scheduler_shape),
	F(io_priority, "ioPriority", FIELD_PTR, .shape = &io_priority_shape),
	F(exec_cpu_affinity, "execCPUAffinity", FIELD_PTR, .shape = &cpu_affinity_shape),
};
const struct shape oci_process_shape = SHAPE(struct oci_process, process_fields);
#undef TYPE

#define TYPE oci_root
static const struct field root_fields[] = {
	F(path, "path", FIELD_STR, .flags = FIELD_KEEP),
	F(readonly, "readonly", FIELD_BOOL),
};
static const struct shape root_shape = SHAPE(struct oci_root, root_fields);
#undef TYPE

#define TYPE oci_id_mapping
static const struct field id_mapping_fields[] = {
	F(container_id, "containerID", FIELD_I64, .flags = FIELD_KEEP),
	F(host_id, "hostID", FIELD_I64, .flags = FIELD_KEEP),
	F(size, "size", FIELD_I64, .flags = FIELD_KEEP),
};
static const struct shape id_mapping_shape = SHAPE(struct oci_id_mapping, id_mapping_fields);
#undef TYPE

#define TYPE oci_mount
static const struct field mount_fields[] = {
	F(destination, "destination", FIELD_STR, .flags = FIELD_REQUIRED),
	F(type, "type", FIELD_STR),
	F(source, "source", FIELD_STR),
	F(options, "options", FIELD_STRV),
	F(uid_mappings, "uidMappings", FIELD_ARRAY, .shape = &id_mapping_shape),
	F(gid_mappings, "gidMappings", FIELD_ARRAY, .shape = &id_mapping_shape),
};
static const struct shape mount_shape = SHAPE(struct oci_mount, mount_fields);
#undef TYPE

#define TYPE oci_hook
static const struct field hook_fields[] = {
	F(path, "path", FIELD_STR, .flags = FIELD_REQUIRED),
	F(args, "args", FIELD_STRV),
	F(env, "env", FIELD_STRV),
	F(timeout, "timeout", FIELD_OPT_I64),
};
static const struct shape hook_shape = SHAPE(struct oci_hook, hook_fields);
#undef TYPE

#define TYPE oci_hooks
static const struct field hooks_fields[] = {
	F(prestart, "prestart", FIELD_ARRAY, .shape = &hook_shape),
	F(create_runtime, "createRuntime", FIELD_ARRAY, .shape = &hook_shape),
	F(create_container, "createContainer", FIELD_ARRAY, .shape = &hook_shape),
	F(start_container, "startContainer", FIELD_ARRAY, .shape = &hook_shape),
	F(poststart, "poststart", FIELD_ARRAY, .shape = &hook_shape),
	F(poststop, "poststop", FIELD_ARRAY, .shape = &hook_shape),
};
static const struct shape hooks_shape = SHAPE(struct oci_hooks, hooks_fields);
#undef TYPE

#define TYPE oci_namespace
static const struct field namespace_fields[] = {
	F(type, "type", FIELD_STR, .flags = FIELD_REQUIRED),
	F(path, "path", FIELD_STR),
};
static const struct shape namespace_shape = SHAPE(struct oci_namespace, namespace_fields);
#undef TYPE

#define TYPE oci_device
static const struct field device_fields[] = {
	F(path, "path", FIELD_STR, .flags = FIELD_REQUIRED),
	F(type, "type", FIELD_STR, .flags = FIELD_REQUIRED),
	F(major, "major", FIELD_I64, .flags = FIELD_KEEP),
	F(minor, "minor", FIELD_I64, .flags = FIELD_KEEP),
	F(file_mode, "fileMode", FIELD_OPT_I64),
	F(uid, "uid", FIELD_OPT_I64),
	F(gid, "gid", FIELD_OPT_I64),
};
static const struct shape device_shape = SHAPE(struct oci_device, device_fields);
#undef TYPE

#define TYPE oci_time_offset
static const struct field time_offset_fields[] = {
	F(secs, "secs", FIELD_I64),
	F(nanosecs, "nanosecs", FIELD_I64),
};
static const struct shape time_offset_shape = SHAPE(struct oci_time_offset, time_offset_fields);
#undef TYPE

#define TYPE oci_personality
static const struct field personality_fields[] = {
	F(domain, "domain", FIELD_STR, .flags = FIELD_REQUIRED),
	F(flags, "flags", FIELD_STRV),
};
static const struct shape personality_shape = SHAPE(struct oci_personality, personality_fields);
#undef TYPE

#define TYPE oci_memory_policy
static const struct field memory_policy_fields[] = {
	F(mode, "mode", FIELD_STR, .flags = FIELD_REQUIRED),
	F(nodes, "nodes", FIELD_STR),
	F(flags, "flags", FIELD_STRV),
};
static const struct shape memory_policy_shape =
	SHAPE(struct oci_memory_policy, memory_policy_fields);
#undef TYPE

#define TYPE oci_net_device
static const struct field net_device_fields[] = {
	F(name, "name", FIELD_STR),
};
static const struct shape net_device_shape = SHAPE(struct oci_net_device, net_device_fields);
#undef TYPE

#define TYPE oci_intel_rdt
static const struct field intel_rdt_fields[] = {
	F(clos_id, "closID", FIELD_STR),
	F(l3_cache_schema, "l3CacheSchema", FIELD_STR),
	F(mem_bw_schema, "memBwSchema", FIELD_STR),
	F(schemata, "schemata", FIELD_STRV),
	F(enable_monitoring, "enableMonitoring", FIELD_BOOL),
};
static const struct shape intel_rdt_shape = SHAPE(struct oci_intel_rdt, intel_rdt_fields);
#undef TYPE

#define TYPE oci_linux
static const struct field linux_fields[] = {
	F(uid_mappings, "uidMappings", FIELD_ARRAY, .shape = &id_mapping_shape),
	F(gid_mappings, "gidMappings", FIELD_ARRAY, .shape = &id_mapping_shape),
	F(sysctl, "sysctl", FIELD_KVS),
	F(resources, "resources", FIELD_STRUCT, .shape = &oci_resources_shape),
	F(cgroups_path, "cgroupsPath", FIELD_STR),
	F(namespaces, "namespaces", FIELD_ARRAY, .shape = &namespace_shape),
	F(devices, "devices", FIELD_ARRAY, .shape = &device_shape),
	F(seccomp, "seccomp", FIELD_PTR, .shape = &oci_seccomp_shape),
	F(rootfs_propagation, "rootfsPropagation", FIELD_STR),
	F(masked_paths, "maskedPaths", FIELD_STRV),
	F(readonly_paths, "readonlyPaths", FIELD_STRV),
	F(mount_label, "mountLabel", FIELD_STR),
	F(time_offsets, "timeOffsets", FIELD_MAP, .shape = &time_offset_shape),
	F(personality, "personality", FIELD_PTR, .shape = &personality_shape),
	F(memory_policy, "memoryPolicy", FIELD_PTR, .shape = &memory_policy_shape),
	F(net_devices, "netDevices", FIELD_MAP, .shape = &net_device_shape),
	F(intel_rdt, "intelRdt", FIELD_PTR, .shape = &intel_rdt_shape),
};
static const struct shape linux_shape = SHAPE(struct oci_linux, linux_fields);
#undef TYPE

#define TYPE oci_spec
static const struct field spec_fields[] = {
	F(oci_version, "ociVersion", FIELD_STR, .flags = FIELD_KEEP),
	F(process, "process", FIELD_STRUCT, .shape = &oci_process_shape),
	F(root, "root", FIELD_STRUCT, .shape = &root_shape),
	F(hostname, "hostname", FIELD_STR),
	F(domainname, "domainname", FIELD_STR),
	F(mounts, "mounts", FIELD_ARRAY, .shape = &mount_shape),
	F(hooks, "hooks", FIELD_PTR, .shape = &hooks_shape),
	F(annotations, "annotations", FIELD_KVS),
	F(linux_, "linux", FIELD_STRUCT, .shape = &linux_shape),
};
const struct shape oci_spec_shape = SHAPE(struct oci_spec, spec_fields);
#undef TYPE

#define TYPE oci_state
static const struct field state_fields[] = {
	F(oci_version, "ociVersion", FIELD_STR, .flags = FIELD_KEEP),
	F(id, "id", FIELD_STR, .flags = FIELD_KEEP),
	F(status, "status", FIELD_STR, .flags = FIELD_KEEP),
	F(pid, "pid", FIELD_I64),
	F(bundle, "bundle", FIELD_STR, .flags = FIELD_KEEP),
	F(annotations, "annotations", FIELD_KVS),
};
const struct shape oci_state_shape = SHAPE(struct oci_state, state_fields);
#undef TYPE

#define TYPE oci_process_state
static const struct field process_state_fields[] = {
	F(oci_version, "ociVersion", FIELD_STR, .flags = FIELD_KEEP),
	F(fds, "fds", FIELD_STRV),
	F(pid, "pid", FIELD_I64, .flags = FIELD_KEEP),
	F(metadata, "metadata", FIELD_STR),
	F(state, "state", FIELD_STRUCT, .shape = &oci_state_shape),
};
const struct shape oci_process_state_shape = SHAPE(struct oci_process_state, process_state_fields);
#undef TYPE
