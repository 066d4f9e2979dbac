/* SPDX-License-Identifier: Apache-2.0 */
/* hull-runtime features: what the runtime can do, as features.md of the specification has it. */
#include <stdio.h>

#include "base/cleanup.h"
#include "linux/capability.h"
#include "linux/mempolicy.h"
#include "linux/mount.h"
#include "linux/namespaces.h"
#include "oci/commands.h"

static const char *const hooks[] = {"prestart",       "createRuntime", "createContainer",
				    "startContainer", "poststart",     "poststop"};
static const char *const actions[] = {
	"SCMP_ACT_ALLOW",        "SCMP_ACT_ERRNO",       "SCMP_ACT_KILL",
	"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
	"SCMP_ACT_NOTIFY",       "SCMP_ACT_TRACE",       "SCMP_ACT_TRAP"};
static const char *const operators[] = {"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT",
					"SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ",
					"SCMP_CMP_NE"};
static const char *const filter_flags[] = {
	"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG",
	"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"};
#if defined(__x86_64__)
static const char *const archs[] = {"SCMP_ARCH_X86", "SCMP_ARCH_X86_64"};
#else
static const char *const archs[] = {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"};
#endif

struct features {
	char *version_min, *version_max;
	struct strv hooks, mount_options, unsafe;
	struct {
		struct strv namespaces, capabilities;
		bool v1, v2, systemd, systemd_user, rdma;
		bool seccomp;
		struct strv actions, operators, archs, known_flags, supported_flags, modes, flags;
		bool apparmor, selinux, idmap, rdt, net_devices;
	} linux_;
};
#define F(member_, name_, type_, ...)                                                              \
	FIELD(struct features, member_, name_, type_, .flags = FIELD_KEEP, ##__VA_ARGS__)
/* Offsets count from the outermost struct, in which all of them lie. */
#define PART(name_, fields_) static const struct shape name_ = SHAPE(struct features, fields_)
#define INSIDE(name_, shape_)                                                                      \
	{                                                                                          \
		.name = (name_), .type = FIELD_STRUCT, .flags = FIELD_KEEP, .shape = &(shape_)     \
	}

static const struct field cgroup_fields[] = {
	F(linux_.v1, "v1", FIELD_BOOL),           F(linux_.v2, "v2", FIELD_BOOL),
	F(linux_.systemd, "systemd", FIELD_BOOL), F(linux_.systemd_user, "systemdUser", FIELD_BOOL),
	F(linux_.rdma, "rdma", FIELD_BOOL),
};
PART(cgroup_shape, cgroup_fields);
static const struct field seccomp_fields[] = {
	F(linux_.seccomp, "enabled", FIELD_BOOL),
	F(linux_.actions, "actions", FIELD_STRV),
	F(linux_.operators, "operators", FIELD_STRV),
	F(linux_.archs, "archs", FIELD_STRV),
	F(linux_.known_flags, "knownFlags", FIELD_STRV),
	F(linux_.supported_flags, "supportedFlags", FIELD_STRV),
};
PART(seccomp_shape, seccomp_fields);
static const struct field apparmor_fields[] = {F(linux_.apparmor, "enabled", FIELD_BOOL)};
PART(apparmor_shape, apparmor_fields);
static const struct field selinux_fields[] = {F(linux_.selinux, "enabled", FIELD_BOOL)};
PART(selinux_shape, selinux_fields);
static const struct field rdt_fields[] = {
	F(linux_.rdt, "enabled", FIELD_BOOL),
	F(linux_.rdt, "schemata", FIELD_BOOL),
	F(linux_.rdt, "monitoring", FIELD_BOOL),
};
PART(rdt_shape, rdt_fields);
static const struct field idmap_fields[] = {F(linux_.idmap, "enabled", FIELD_BOOL)};
PART(idmap_shape, idmap_fields);
static const struct field policy_fields[] = {F(linux_.modes, "modes", FIELD_STRV),
					     F(linux_.flags, "flags", FIELD_STRV)};
PART(policy_shape, policy_fields);
static const struct field net_fields[] = {F(linux_.net_devices, "enabled", FIELD_BOOL)};
PART(net_shape, net_fields);
static const struct field extension_fields[] = {INSIDE("idmap", idmap_shape)};
PART(extension_shape, extension_fields);
static const struct field linux_fields[] = {
	F(linux_.namespaces, "namespaces", FIELD_STRV),
	F(linux_.capabilities, "capabilities", FIELD_STRV),
	INSIDE("cgroup", cgroup_shape),
	INSIDE("seccomp", seccomp_shape),
	INSIDE("apparmor", apparmor_shape),
	INSIDE("selinux", selinux_shape),
	INSIDE("memoryPolicy", policy_shape),
	INSIDE("intelRdt", rdt_shape),
	INSIDE("mountExtensions", extension_shape),
	INSIDE("netDevices", net_shape),
};
PART(linux_shape, linux_fields);
static const struct field features_fields[] = {
	F(version_min, "ociVersionMin", FIELD_STR),
	F(version_max, "ociVersionMax", FIELD_STR),
	F(hooks, "hooks", FIELD_STRV),
	F(mount_options, "mountOptions", FIELD_STRV),
	INSIDE("linux", linux_shape),
	F(unsafe, "potentiallyUnsafeConfigAnnotations", FIELD_STRV),
};
PART(features_shape, features_fields);

static struct strv list(const char *const *words, size_t count, struct arena *a)
{
	struct strv v = {0};
	for (size_t i = 0; i < count; i++)
		strv_push(a, &v, words[i]);
	return v;
}
#define LIST(table_, a_) list((table_), ARRAY_LEN(table_), (a_))

static int features(struct oci *oci, void *values, const struct strv *args, struct err *e)
{
	struct arena *a = &oci->arena;
	struct features f = {
		.version_min = "1.0.0",
		.version_max = OCI_VERSION,
		.hooks = LIST(hooks, a),
		.linux_ = {.net_devices = true,
			   .rdt = true,
			   .systemd = true,
			   .systemd_user = true,
			   .v1 = true,
			   .v2 = true,
			   .rdma = true,
			   .seccomp = true,
			   .actions = LIST(actions, a),
			   .operators = LIST(operators, a),
			   .archs = LIST(archs, a),
			   .known_flags = LIST(filter_flags, a),
			   .supported_flags = LIST(filter_flags, a),
			   .apparmor = true,
			   .selinux = true,
			   .idmap = true},
	};
	const struct namespace_kind *kind;
	const char *name;
	for (size_t i = 0; (kind = namespace_at(i)); i++)
		strv_push(a, &f.linux_.namespaces, kind->name);
	for (int i = 0; (name = capability_name(i)); i++)
		strv_push(a, &f.linux_.capabilities, name);
	for (size_t i = 0; (name = mount_option_name(i)); i++)
		strv_push(a, &f.mount_options, name);
	for (size_t i = 0; (name = mempolicy_mode_name(i)); i++)
		strv_push(a, &f.linux_.modes, name);
	for (size_t i = 0; (name = mempolicy_flag_name(i)); i++)
		strv_push(a, &f.linux_.flags, name);
	strv_push(a, &f.unsafe, "org.systemd.property.");
	puts(shape_print(&features_shape, &f, true, a));
	return 0;
}

const struct oci_command oci_features = {
	.name = "features",
	.synopsis = "",
	.summary = "Print what the runtime can do, as JSON",
	.run = features,
};
