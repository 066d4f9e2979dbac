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
	F(bounding, "bounding", FIELD_STRV),
	F(effective, "effective", FIELD_STRV),
	F(inheritable, "inheritable", FIELD_STRV),
	F(permitted, "permitted", FIELD_STRV),
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

#define TYPE oci_mount
static const struct field mount_fields[] = {
	F(destination, "destination", FIELD_STR, .flags = FIELD_REQUIRED),
	F(type, "type", FIELD_STR),
	F(source, "source", FIELD_STR),
	F(options, "options", FIELD_STRV),
};
static const struct shape mount_shape = SHAPE(struct oci_mount, mount_fields);
#undef TYPE

#define TYPE oci_namespace
static const struct field namespace_fields[] = {
	F(type, "type", FIELD_STR, .flags = FIELD_REQUIRED),
	F(path, "path", FIELD_STR),
};
static const struct shape namespace_shape = SHAPE(struct oci_namespace, namespace_fields);
#undef TYPE

#define TYPE oci_id_mapping
static const struct field id_mapping_fields[] = {
	F(container_id, "containerID", FIELD_I64, .flags = FIELD_KEEP),
	F(host_id, "hostID", FIELD_I64, .flags = FIELD_KEEP),
	F(size, "size", FIELD_I64, .flags = FIELD_KEEP),
};
static const struct shape id_mapping_shape = SHAPE(struct oci_id_mapping, id_mapping_fields);
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

#define TYPE oci_device_rule
static const struct field device_rule_fields[] = {
	F(allow, "allow", FIELD_BOOL, .flags = FIELD_KEEP),
	F(type, "type", FIELD_STR),
	F(major, "major", FIELD_OPT_I64),
	F(minor, "minor", FIELD_OPT_I64),
	F(access, "access", FIELD_STR),
};
static const struct shape device_rule_shape = SHAPE(struct oci_device_rule, device_rule_fields);
#undef TYPE

#define TYPE oci_memory
static const struct field memory_fields[] = {
	F(limit, "limit", FIELD_OPT_I64),
	F(reservation, "reservation", FIELD_OPT_I64),
	F(swap, "swap", FIELD_OPT_I64),
	F(swappiness, "swappiness", FIELD_OPT_I64),
	F(disable_oom_killer, "disableOOMKiller", FIELD_OPT_BOOL),
};
static const struct shape memory_shape = SHAPE(struct oci_memory, memory_fields);
#undef TYPE

#define TYPE oci_cpu
static const struct field cpu_fields[] = {
	F(shares, "shares", FIELD_OPT_I64),
	F(quota, "quota", FIELD_OPT_I64),
	F(burst, "burst", FIELD_OPT_I64),
	F(period, "period", FIELD_OPT_I64),
	F(realtime_runtime, "realtimeRuntime", FIELD_OPT_I64),
	F(realtime_period, "realtimePeriod", FIELD_OPT_I64),
	F(cpus, "cpus", FIELD_STR),
	F(mems, "mems", FIELD_STR),
	F(idle, "idle", FIELD_OPT_I64),
};
static const struct shape cpu_shape = SHAPE(struct oci_cpu, cpu_fields);
#undef TYPE

#define TYPE oci_pids
static const struct field pids_fields[] = {
	F(limit, "limit", FIELD_I64, .flags = FIELD_KEEP),
};
static const struct shape pids_shape = SHAPE(struct oci_pids, pids_fields);
#undef TYPE

#define TYPE oci_resources
static const struct field resources_fields[] = {
	F(devices, "devices", FIELD_ARRAY, .shape = &device_rule_shape),
	F(memory, "memory", FIELD_STRUCT, .shape = &memory_shape),
	F(cpu, "cpu", FIELD_STRUCT, .shape = &cpu_shape),
	F(pids, "pids", FIELD_PTR, .shape = &pids_shape),
	F(unified, "unified", FIELD_KVS),
};
const struct shape oci_resources_shape = SHAPE(struct oci_resources, resources_fields);
#undef TYPE

#define TYPE oci_seccomp_arg
static const struct field seccomp_arg_fields[] = {
	F(index, "index", FIELD_I64, .flags = FIELD_KEEP),
	F(value, "value", FIELD_RAW),
	F(value_two, "valueTwo", FIELD_RAW),
	F(op, "op", FIELD_STR, .flags = FIELD_REQUIRED),
};
static const struct shape seccomp_arg_shape = SHAPE(struct oci_seccomp_arg, seccomp_arg_fields);
#undef TYPE

#define TYPE oci_seccomp_rule
static const struct field seccomp_rule_fields[] = {
	F(names, "names", FIELD_STRV, .flags = FIELD_REQUIRED),
	F(action, "action", FIELD_STR, .flags = FIELD_REQUIRED),
	F(errno_ret, "errnoRet", FIELD_OPT_I64),
	F(args, "args", FIELD_ARRAY, .shape = &seccomp_arg_shape),
};
static const struct shape seccomp_rule_shape = SHAPE(struct oci_seccomp_rule, seccomp_rule_fields);
#undef TYPE

#define TYPE oci_seccomp
static const struct field seccomp_fields[] = {
	F(default_action, "defaultAction", FIELD_STR, .flags = FIELD_REQUIRED),
	F(default_errno_ret, "defaultErrnoRet", FIELD_OPT_I64),
	F(architectures, "architectures", FIELD_STRV),
	F(flags, "flags", FIELD_STRV),
	F(syscalls, "syscalls", FIELD_ARRAY, .shape = &seccomp_rule_shape),
};
const struct shape oci_seccomp_shape = SHAPE(struct oci_seccomp, seccomp_fields);
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
	F(annotations, "annotations", FIELD_KVS),
	F(linux_, "linux", FIELD_STRUCT, .shape = &linux_shape),
};
const struct shape oci_spec_shape = SHAPE(struct oci_spec, spec_fields);
#undef TYPE
