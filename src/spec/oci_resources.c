/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of what the kernel enforces on a container: config-linux.md, "Control groups" and
 * "Seccomp". Read oci.c first: the conventions are the same.
 */
#include "spec/oci.h"

#define F(member, name, kind, ...) FIELD(struct TYPE, member, name, kind, ##__VA_ARGS__)

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
	F(check_before_update, "checkBeforeUpdate", FIELD_BOOL),
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
	F(limit, "limit", FIELD_OPT_I64),
};
static const struct shape pids_shape = SHAPE(struct oci_pids, pids_fields);
#undef TYPE

#define TYPE oci_weight_device
static const struct field weight_device_fields[] = {
	F(major, "major", FIELD_I64, .flags = FIELD_REQUIRED | FIELD_KEEP),
	F(minor, "minor", FIELD_I64, .flags = FIELD_REQUIRED | FIELD_KEEP),
	F(weight, "weight", FIELD_OPT_I64),
	F(leaf_weight, "leafWeight", FIELD_OPT_I64),
};
static const struct shape weight_device_shape =
	SHAPE(struct oci_weight_device, weight_device_fields);
#undef TYPE

#define TYPE oci_throttle_device
static const struct field throttle_device_fields[] = {
	F(major, "major", FIELD_I64, .flags = FIELD_REQUIRED | FIELD_KEEP),
	F(minor, "minor", FIELD_I64, .flags = FIELD_REQUIRED | FIELD_KEEP),
	F(rate, "rate", FIELD_U64, .flags = FIELD_REQUIRED | FIELD_KEEP),
};
static const struct shape throttle_device_shape =
	SHAPE(struct oci_throttle_device, throttle_device_fields);
#undef TYPE

#define TYPE oci_block_io
static const struct field block_io_fields[] = {
	F(weight, "weight", FIELD_OPT_I64),
	F(leaf_weight, "leafWeight", FIELD_OPT_I64),
	F(weight_device, "weightDevice", FIELD_ARRAY, .shape = &weight_device_shape),
	F(read_bps, "throttleReadBpsDevice", FIELD_ARRAY, .shape = &throttle_device_shape),
	F(write_bps, "throttleWriteBpsDevice", FIELD_ARRAY, .shape = &throttle_device_shape),
	F(read_iops, "throttleReadIOPSDevice", FIELD_ARRAY, .shape = &throttle_device_shape),
	F(write_iops, "throttleWriteIOPSDevice", FIELD_ARRAY, .shape = &throttle_device_shape),
};
static const struct shape block_io_shape = SHAPE(struct oci_block_io, block_io_fields);
#undef TYPE

#define TYPE oci_hugepage_limit
static const struct field hugepage_limit_fields[] = {
	F(page_size, "pageSize", FIELD_STR, .flags = FIELD_REQUIRED),
	F(limit, "limit", FIELD_U64, .flags = FIELD_REQUIRED | FIELD_KEEP),
};
static const struct shape hugepage_limit_shape =
	SHAPE(struct oci_hugepage_limit, hugepage_limit_fields);
#undef TYPE

#define TYPE oci_interface_priority
static const struct field interface_priority_fields[] = {
	F(name, "name", FIELD_STR, .flags = FIELD_REQUIRED),
	F(priority, "priority", FIELD_I64, .flags = FIELD_REQUIRED | FIELD_KEEP),
};
static const struct shape interface_priority_shape =
	SHAPE(struct oci_interface_priority, interface_priority_fields);
#undef TYPE

#define TYPE oci_network
static const struct field network_fields[] = {
	F(class_id, "classID", FIELD_OPT_I64),
	F(priorities, "priorities", FIELD_ARRAY, .shape = &interface_priority_shape),
};
static const struct shape network_shape = SHAPE(struct oci_network, network_fields);
#undef TYPE

#define TYPE oci_rdma
static const struct field rdma_fields[] = {
	F(hca_handles, "hcaHandles", FIELD_OPT_I64),
	F(hca_objects, "hcaObjects", FIELD_OPT_I64),
};
static const struct shape rdma_shape = SHAPE(struct oci_rdma, rdma_fields);
#undef TYPE

#define TYPE oci_resources
static const struct field resources_fields[] = {
	F(devices, "devices", FIELD_ARRAY, .shape = &device_rule_shape),
	F(memory, "memory", FIELD_STRUCT, .shape = &memory_shape),
	F(cpu, "cpu", FIELD_STRUCT, .shape = &cpu_shape),
	F(pids, "pids", FIELD_PTR, .shape = &pids_shape),
	F(block_io, "blockIO", FIELD_PTR, .shape = &block_io_shape),
	F(hugepage_limits, "hugepageLimits", FIELD_ARRAY, .shape = &hugepage_limit_shape),
	F(network, "network", FIELD_PTR, .shape = &network_shape),
	F(rdma, "rdma", FIELD_MAP, .shape = &rdma_shape),
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
const struct shape oci_seccomp_arg_shape = SHAPE(struct oci_seccomp_arg, seccomp_arg_fields);
#undef TYPE

#define TYPE oci_seccomp_rule
static const struct field seccomp_rule_fields[] = {
	F(names, "names", FIELD_STRV, .flags = FIELD_REQUIRED),
	F(action, "action", FIELD_STR, .flags = FIELD_REQUIRED),
	F(errno_ret, "errnoRet", FIELD_OPT_I64),
	F(args, "args", FIELD_ARRAY, .shape = &oci_seccomp_arg_shape),
};
static const struct shape seccomp_rule_shape = SHAPE(struct oci_seccomp_rule, seccomp_rule_fields);
#undef TYPE

#define TYPE oci_seccomp
static const struct field seccomp_fields[] = {
	F(default_action, "defaultAction", FIELD_STR, .flags = FIELD_REQUIRED),
	F(default_errno_ret, "defaultErrnoRet", FIELD_OPT_I64),
	F(architectures, "architectures", FIELD_STRV),
	F(flags, "flags", FIELD_STRV),
	F(listener_path, "listenerPath", FIELD_STR),
	F(listener_metadata, "listenerMetadata", FIELD_STR),
	F(syscalls, "syscalls", FIELD_ARRAY, .shape = &seccomp_rule_shape),
};
const struct shape oci_seccomp_shape = SHAPE(struct oci_seccomp, seccomp_fields);
#undef TYPE
