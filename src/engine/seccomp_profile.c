/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading docker's seccomp profiles. Source: docker's profile documentation and the OCI
 * runtime-spec, config-linux.md "Seccomp". Read linux/seccomp.h first.
 */
#include "engine/seccomp_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/shape.h"
#include "runtime/seccomp.h"

enum { PROFILE_MAX = 1 << 20 };

struct profile_condition {
	struct strv caps, arches;
	char *min_kernel;
};
struct profile_rule {
	struct oci_seccomp_rule rule; /* its names may be missing: then there is @name */
	char *name;
	struct profile_condition includes, excludes;
};
/* For whom the rules are, besides: where this is the native one. */
struct profile_arch {
	char *architecture;
	struct strv others;
};
struct profile {
	char *default_action;
	struct opt_i64 default_errno_ret;
	struct strv architectures;
	struct array arch_map, syscalls; /* the former of struct profile_arch */
};

static const struct field condition_fields[] = {
	FIELD(struct profile_condition, caps, "caps", FIELD_STRV),
	FIELD(struct profile_condition, arches, "arches", FIELD_STRV),
	FIELD(struct profile_condition, min_kernel, "minKernel", FIELD_STR),
};
static const struct shape condition_shape = SHAPE(struct profile_condition, condition_fields);
static const struct field rule_fields[] = {
	FIELD(struct profile_rule, rule.names, "names", FIELD_STRV),
	FIELD(struct profile_rule, name, "name", FIELD_STR),
	FIELD(struct profile_rule, rule.action, "action", FIELD_STR, .flags = FIELD_REQUIRED),
	FIELD(struct profile_rule, rule.errno_ret, "errnoRet", FIELD_OPT_I64),
	FIELD(struct profile_rule, rule.args, "args", FIELD_ARRAY, .shape = &oci_seccomp_arg_shape),
	FIELD(struct profile_rule, includes, "includes", FIELD_STRUCT, .shape = &condition_shape),
	FIELD(struct profile_rule, excludes, "excludes", FIELD_STRUCT, .shape = &condition_shape),
};
static const struct shape rule_shape = SHAPE(struct profile_rule, rule_fields);
static const struct field arch_fields[] = {
	FIELD(struct profile_arch, architecture, "architecture", FIELD_STR),
	FIELD(struct profile_arch, others, "subArchitectures", FIELD_STRV),
};
static const struct shape arch_shape = SHAPE(struct profile_arch, arch_fields);
static const struct field profile_fields[] = {
	FIELD(struct profile, architectures, "architectures", FIELD_STRV),
	FIELD(struct profile, arch_map, "archMap", FIELD_ARRAY, .shape = &arch_shape),
	FIELD(struct profile, default_action, "defaultAction", FIELD_STR, .flags = FIELD_REQUIRED),
	FIELD(struct profile, default_errno_ret, "defaultErrnoRet", FIELD_OPT_I64),
	FIELD(struct profile, syscalls, "syscalls", FIELD_ARRAY, .shape = &rule_shape),
};
static const struct shape profile_shape = SHAPE(struct profile, profile_fields);

static bool any_cap(const struct strv *names, capset caps)
{
	for (size_t i = 0; i < names->count; i++) {
		int n = capability_number(names->items[i]);
		if (n >= 0 && caps & ((capset)1 << n))
			return true;
	}
	return false;
}

static bool all_caps(const struct strv *names, capset caps)
{
	for (size_t i = 0; i < names->count; i++) {
		int n = capability_number(names->items[i]);
		if (n < 0 || !(caps & ((capset)1 << n)))
			return false;
	}
	return true;
}

static bool has_arch(const struct strv *arches)
{
#if defined(__x86_64__)
	static const char *const native[] = {"amd64", "x86_64"};
#else
	static const char *const native[] = {"arm64", "aarch64"};
#endif
	for (size_t i = 0; i < arches->count; i++)
		if (!strcmp(arches->items[i], native[0]) || !strcmp(arches->items[i], native[1]))
			return true;
	return false;
}

/* minKernel names kernels older than any that hull runs on (5.12): always fulfilled. */
static bool rule_applies(const struct profile_rule *r, capset caps)
{
	if (any_cap(&r->excludes.caps, caps) || has_arch(&r->excludes.arches))
		return false;
	if (r->includes.arches.count && !has_arch(&r->includes.arches))
		return false;
	return all_caps(&r->includes.caps, caps);
}

static int choose_arches(const struct profile *p, struct oci_seccomp *ret, struct err *e)
{
#if defined(__x86_64__)
	static const char native[] = "SCMP_ARCH_X86_64";
#else
	static const char native[] = "SCMP_ARCH_AARCH64";
#endif
	const struct profile_arch *map = p->arch_map.items;
	if (p->architectures.count && p->arch_map.count)
		return err_set(e, EINVAL, ERR_INVALID,
			       "both 'architectures' and 'archMap' are specified in the seccomp "
			       "profile, use either 'architectures' or 'archMap'");
	ret->architectures = p->architectures;
	for (size_t i = 0; i < p->arch_map.count; i++)
		if (map[i].architecture && !strcmp(map[i].architecture, native))
			ret->architectures = map[i].others;
	return 0;
}

/* What is left of docker's form is the runtime's. */
static void choose_rules(const struct profile *p, capset caps, struct oci_seccomp *ret,
			 struct arena *a)
{
	struct profile_rule *in = p->syscalls.items;
	struct oci_seccomp_rule *out = arena_array(a, p->syscalls.count, sizeof(*out));
	size_t n = 0;
	for (size_t i = 0; i < p->syscalls.count; i++) {
		if (!rule_applies(&in[i], caps))
			continue;
		if (in[i].name)
			strv_push(a, &in[i].rule.names, in[i].name);
		out[n++] = in[i].rule;
	}
	ret->syscalls = (struct array){out, n};
}

int seccomp_profile_compile(const char *text, capset caps, struct arena *a,
			    struct seccomp_program *ret, struct err *e)
{
	struct profile p = {0};
	char *json = (char *)text;
	const char *where = *text == '{' ? "seccomp profile" : text;
	int r = 0;
	if (*text != '{')
		r = file_read(AT_FDCWD, text, PROFILE_MAX, a, &json, NULL, e);
	if (r < 0)
		return err_context(e, "--security-opt seccomp");
	r = shape_parse(&profile_shape, json, strlen(json), &p, a, e);
	if (r == 0) {
		struct oci_seccomp chosen = {.default_action = p.default_action,
					     .default_errno_ret = p.default_errno_ret};
		choose_rules(&p, caps, &chosen, a);
		r = choose_arches(&p, &chosen, e);
		if (r == 0)
			r = runtime_seccomp_compile(&chosen, a, ret, e);
	}
	return r < 0 ? err_context(e, "%s", where) : 0;
}
