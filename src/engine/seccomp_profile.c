/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading docker's seccomp profiles. Source: docker's profile documentation and the OCI
 * runtime-spec, config-linux.md "Seccomp". Read linux/seccomp.h first.
 */
#include "engine/seccomp_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>

#include "base/file.h"
#include "base/shape.h"
#include "base/units.h"

enum { PROFILE_MAX = 1 << 20, RULES_MAX = 4096 };

struct profile_arg {
	int64_t index;
	char *value, *value_two, *op; /* numbers up to 2^64 - 1: kept as text */
};
struct profile_condition {
	struct strv caps, arches;
	char *min_kernel;
};
struct profile_rule {
	struct strv names;
	char *name;
	char *action;
	struct opt_i64 errno_ret;
	struct array args;
	struct profile_condition includes, excludes;
};
struct profile {
	char *default_action;
	struct opt_i64 default_errno_ret;
	struct array syscalls;
};

static const struct field arg_fields[] = {
	FIELD(struct profile_arg, index, "index", FIELD_I64),
	FIELD(struct profile_arg, value, "value", FIELD_RAW),
	FIELD(struct profile_arg, value_two, "valueTwo", FIELD_RAW),
	FIELD(struct profile_arg, op, "op", FIELD_STR, .flags = FIELD_REQUIRED),
};
static const struct shape arg_shape = SHAPE(struct profile_arg, arg_fields);
static const struct field condition_fields[] = {
	FIELD(struct profile_condition, caps, "caps", FIELD_STRV),
	FIELD(struct profile_condition, arches, "arches", FIELD_STRV),
	FIELD(struct profile_condition, min_kernel, "minKernel", FIELD_STR),
};
static const struct shape condition_shape = SHAPE(struct profile_condition, condition_fields);
static const struct field rule_fields[] = {
	FIELD(struct profile_rule, names, "names", FIELD_STRV),
	FIELD(struct profile_rule, name, "name", FIELD_STR),
	FIELD(struct profile_rule, action, "action", FIELD_STR, .flags = FIELD_REQUIRED),
	FIELD(struct profile_rule, errno_ret, "errnoRet", FIELD_OPT_I64),
	FIELD(struct profile_rule, args, "args", FIELD_ARRAY, .shape = &arg_shape),
	FIELD(struct profile_rule, includes, "includes", FIELD_STRUCT, .shape = &condition_shape),
	FIELD(struct profile_rule, excludes, "excludes", FIELD_STRUCT, .shape = &condition_shape),
};
static const struct shape rule_shape = SHAPE(struct profile_rule, rule_fields);
static const struct field profile_fields[] = {
	FIELD(struct profile, default_action, "defaultAction", FIELD_STR, .flags = FIELD_REQUIRED),
	FIELD(struct profile, default_errno_ret, "defaultErrnoRet", FIELD_OPT_I64),
	FIELD(struct profile, syscalls, "syscalls", FIELD_ARRAY, .shape = &rule_shape),
};
static const struct shape profile_shape = SHAPE(struct profile, profile_fields);

static const struct {
	const char *name;
	uint32_t action;
	bool has_errno;
} actions[] = {
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true},
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false},
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG, false},
};
static const struct {
	const char *name;
	enum seccomp_op op;
} operators[] = {
	{"SCMP_CMP_NE", SC_NE},
	{"SCMP_CMP_LT", SC_LT},
	{"SCMP_CMP_LE", SC_LE},
	{"SCMP_CMP_EQ", SC_EQ},
	{"SCMP_CMP_GE", SC_GE},
	{"SCMP_CMP_GT", SC_GT},
	{"SCMP_CMP_MASKED_EQ", SC_MASKED_EQ},
};

static int action_parse(const char *name, struct opt_i64 errno_ret, uint32_t *ret, struct err *e)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name))
			continue;
		int64_t data = errno_ret.set ? errno_ret.value : EPERM;
		if (data < 0 || data > 4095)
			return err_set(e, EINVAL, ERR_INVALID, "errnoRet %lld is out of range",
				       (long long)data);
		*ret = actions[i].action | (actions[i].has_errno ? (uint32_t)data : 0);
		return 0;
	}
	return err_set(e, EINVAL, ERR_INVALID, "action %s is not known", name);
}

static int args_convert(const struct profile_rule *from, struct seccomp_rule *to, struct arena *a,
			struct err *e)
{
	const struct profile_arg *in = from->args.items;
	struct seccomp_arg *out = arena_array(a, from->args.count, sizeof(*out));
	for (size_t i = 0; i < from->args.count; i++) {
		size_t op = 0;
		while (op < sizeof(operators) / sizeof(operators[0]) &&
		       strcmp(operators[op].name, in[i].op))
			op++;
		if (op == sizeof(operators) / sizeof(operators[0]))
			return err_set(e, EINVAL, ERR_INVALID, "operator %s is not known",
				       in[i].op);
		if (in[i].index < 0 || in[i].index > 5)
			return err_set(e, EINVAL, ERR_INVALID,
				       "argument index %lld: must be 0 to 5",
				       (long long)in[i].index);
		out[i] = (struct seccomp_arg){.index = (uint32_t)in[i].index,
					      .op = operators[op].op};
		if (uint_parse(in[i].value ? in[i].value : "0", UINT64_MAX, &out[i].value) < 0 ||
		    uint_parse(in[i].value_two ? in[i].value_two : "0", UINT64_MAX,
			       &out[i].value_two) < 0)
			return err_set(e, EINVAL, ERR_INVALID, "argument %lld: not a number",
				       (long long)in[i].index);
	}
	to->args = out;
	to->arg_count = (uint32_t)from->args.count;
	return 0;
}

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

static int rules_convert(const struct profile *p, capset caps, struct seccomp_policy *policy,
			 struct arena *a, struct err *e)
{
	struct profile_rule *in = p->syscalls.items;
	struct seccomp_rule *out = arena_array(a, p->syscalls.count, sizeof(*out));
	uint32_t n = 0;
	for (size_t i = 0; i < p->syscalls.count; i++) {
		if (!rule_applies(&in[i], caps))
			continue;
		if (in[i].name)
			strv_push(a, &in[i].names, in[i].name);
		if (!in[i].names.count)
			return err_set(e, EINVAL, ERR_INVALID, "syscalls[%zu]: no names", i);
		out[n].names = (const char *const *)in[i].names.items;
		int r = action_parse(in[i].action, in[i].errno_ret, &out[n].action, e);
		if (r == 0)
			r = args_convert(&in[i], &out[n], a, e);
		if (r < 0)
			return err_context(e, "syscalls[%zu]", i);
		n++;
	}
	policy->rules = out;
	policy->rule_count = n;
	return 0;
}

int seccomp_profile_compile(const char *text, capset caps, struct arena *a,
			    struct seccomp_program *ret, struct err *e)
{
	struct profile p = {0};
	struct seccomp_policy policy = {0};
	char *json = (char *)text;
	const char *where = *text == '{' ? "seccomp profile" : text;
	int r = 0;
	if (*text != '{')
		r = file_read(AT_FDCWD, text, PROFILE_MAX, a, &json, NULL, e);
	if (r < 0)
		return err_context(e, "--security-opt seccomp");
	r = shape_parse(&profile_shape, json, strlen(json), &p, a, e);
	if (r == 0 && p.syscalls.count > RULES_MAX)
		r = err_set(e, E2BIG, ERR_INVALID, "more than %d rules", RULES_MAX);
	if (r == 0)
		r = action_parse(p.default_action, p.default_errno_ret, &policy.default_action, e);
	policy.unknown_action = policy.default_action;
	if (r == 0)
		r = rules_convert(&p, caps, &policy, a, e);
	if (r == 0)
		r = seccomp_compile(&policy, a, ret, e);
	return r < 0 ? err_context(e, "%s", where) : 0;
}
