/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the spec's names to the kernel's numbers. Source: config-linux.md, "Seccomp".
 * Invariant: what the rules do not speak of, foreign ABIs too, never gets more than the default
 * action, and nothing at all where the default allows. Read seccomp.h first.
 */
#include "runtime/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

enum { RULES_MAX = 4096, ARGS_MAX = 6, ERRNO_MAX = 4095 };

struct name {
	const char *name;
	uint32_t value;
};

#if defined(__x86_64__)
enum { X86 = true };
#else
enum { X86 = false };
#endif

#define HAS_DATA 1U /* takes an errnoRet: no action has this bit */
static const struct name actions[] = {
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO | HAS_DATA},
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG},
	{"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF},
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE | HAS_DATA},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
};
static const struct name operators[] = {
	{"SCMP_CMP_NE", SC_NE},
	{"SCMP_CMP_LT", SC_LT},
	{"SCMP_CMP_LE", SC_LE},
	{"SCMP_CMP_EQ", SC_EQ},
	{"SCMP_CMP_GE", SC_GE},
	{"SCMP_CMP_GT", SC_GT},
	{"SCMP_CMP_MASKED_EQ", SC_MASKED_EQ},
};
static const struct name flags[] = {
	{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
	{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
	/* The process that loads it has one thread. */
	{"SECCOMP_FILTER_FLAG_TSYNC", 0},
	{"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};
/* Known; those that this machine cannot execute, or that are not listed, get no system calls. */
static const struct name architectures[] = {
	{"SCMP_ARCH_X86"},      {"SCMP_ARCH_X86_64"},      {"SCMP_ARCH_X32"},
	{"SCMP_ARCH_ARM"},      {"SCMP_ARCH_AARCH64"},     {"SCMP_ARCH_MIPS"},
	{"SCMP_ARCH_MIPS64"},   {"SCMP_ARCH_MIPS64N32"},   {"SCMP_ARCH_MIPSEL"},
	{"SCMP_ARCH_MIPSEL64"}, {"SCMP_ARCH_MIPSEL64N32"}, {"SCMP_ARCH_PPC"},
	{"SCMP_ARCH_PPC64"},    {"SCMP_ARCH_PPC64LE"},     {"SCMP_ARCH_S390"},
	{"SCMP_ARCH_S390X"},    {"SCMP_ARCH_PARISC"},      {"SCMP_ARCH_PARISC64"},
	{"SCMP_ARCH_RISCV64"},  {"SCMP_ARCH_LOONGARCH64"}, {"SCMP_ARCH_M68K"},
	{"SCMP_ARCH_SH"},       {"SCMP_ARCH_SHEB"},
};

static int find(const struct name *names, size_t count, const char *name, const char *what,
		uint32_t *ret, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i].name, name))
			continue;
		*ret = names[i].value;
		return 0;
	}
	return err_set(e, EINVAL, ERR_INVALID, "%s %.100s is not known", what, name);
}

static int action_parse(const char *name, struct opt_i64 errno_ret, uint32_t *ret, struct err *e)
{
	uint32_t action;
	int r = find(actions, ARRAY_LEN(actions), name, "action", &action, e);
	if (r < 0)
		return r;
	bool has_data = action & HAS_DATA;
	if (errno_ret.set && !has_data)
		return err_set(e, EINVAL, ERR_INVALID, "%s takes no errnoRet", name);
	if (errno_ret.set && (errno_ret.value < 0 || errno_ret.value > ERRNO_MAX))
		return err_set(e, EINVAL, ERR_INVALID, "errnoRet %lld is out of range",
			       (long long)errno_ret.value);
	action &= ~HAS_DATA;
	*ret = action | (has_data ? errno_ret.set ? (uint32_t)errno_ret.value : EPERM : 0);
	return 0;
}

static int arg_parse(const struct oci_seccomp_arg *in, struct seccomp_arg *out, struct err *e)
{
	uint32_t op;
	int r = find(operators, ARRAY_LEN(operators), in->op, "operator", &op, e);
	if (r < 0)
		return r;
	if (in->index < 0 || in->index >= ARGS_MAX)
		return err_set(e, EINVAL, ERR_INVALID, "argument index %lld: must be 0 to 5",
			       (long long)in->index);
	*out = (struct seccomp_arg){.index = (uint32_t)in->index, .op = (enum seccomp_op)op};
	if (uint_parse(in->value ? in->value : "0", UINT64_MAX, &out->value) < 0 ||
	    uint_parse(in->value_two ? in->value_two : "0", UINT64_MAX, &out->value_two) < 0)
		return err_set(e, EINVAL, ERR_INVALID, "argument %lld: not a number",
			       (long long)in->index);
	return 0;
}

static bool repeats_index(const struct seccomp_arg *args, size_t count)
{
	unsigned seen = 0;
	for (size_t i = 0; i < count; i++) {
		if (seen & 1U << args[i].index)
			return true;
		seen |= 1U << args[i].index;
	}
	return false;
}

struct rules {
	struct seccomp_rule *items;
	uint32_t count;
};

/* Conditions on one argument are alternatives, as in runc: each becomes a rule of its own. */
static int rule_convert(const struct oci_seccomp_rule *in, struct rules *out, struct arena *a,
			struct err *e)
{
	size_t count = in->args.count;
	struct seccomp_arg *args = arena_array(a, count, sizeof(*args));
	struct seccomp_rule rule = {.names = (const char *const *)in->names.items, .args = args};
	if (in->names.count == 0)
		return err_set(e, EINVAL, ERR_INVALID, "no names");
	int r = action_parse(in->action, in->errno_ret, &rule.action, e);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = arg_parse((struct oci_seccomp_arg *)in->args.items + i, &args[i], e);
	if (r < 0)
		return r;
	if (!repeats_index(args, count)) {
		rule.arg_count = (uint32_t)count;
		out->items[out->count++] = rule;
		return 0;
	}
	rule.arg_count = 1;
	for (size_t i = 0; i < count; i++, rule.args++)
		out->items[out->count++] = rule;
	return 0;
}

static bool notifies(const struct seccomp_policy *p)
{
	bool any = p->default_action == SECCOMP_RET_USER_NOTIF;
	for (uint32_t i = 0; i < p->rule_count; i++)
		any |= p->rules[i].action == SECCOMP_RET_USER_NOTIF;
	return any;
}

static int parse_lists(const struct oci_seccomp *s, struct seccomp_policy *p, struct err *e)
{
	uint32_t value;
	int r = 0;
	for (size_t i = 0; r == 0 && i < s->flags.count; i++) {
		r = find(flags, ARRAY_LEN(flags), s->flags.items[i], "flag", &value, e);
		p->flags |= r == 0 ? value : 0;
	}
	for (size_t i = 0; r == 0 && i < s->architectures.count; i++)
		r = find(architectures, ARRAY_LEN(architectures), s->architectures.items[i],
			 "architecture", &value, e);
	for (size_t i = 0; r == 0 && i < s->architectures.count; i++) {
		p->i386 |= X86 && !strcmp(s->architectures.items[i], "SCMP_ARCH_X86");
		p->arm |= !X86 && !strcmp(s->architectures.items[i], "SCMP_ARCH_ARM");
	}
	return r;
}

static int compile(const struct oci_seccomp *s, struct arena *a, struct seccomp_program *ret,
		   struct err *e)
{
	const struct oci_seccomp_rule *in = s->syscalls.items;
	struct seccomp_policy policy = {.unknown_action = SECCOMP_RET_ERRNO | ENOSYS};
	size_t room = s->syscalls.count;
	if (room > RULES_MAX)
		return err_set(e, E2BIG, ERR_INVALID, "more than %d rules", RULES_MAX);
	int r = action_parse(s->default_action, s->default_errno_ret, &policy.default_action, e);
	if (r == 0)
		r = parse_lists(s, &policy, e);
	for (size_t i = 0; i < s->syscalls.count; i++)
		room += in[i].args.count;
	struct rules rules = {.items = arena_array(a, room, sizeof(*rules.items))};
	for (size_t i = 0; r == 0 && i < s->syscalls.count; i++) {
		r = rule_convert(&in[i], &rules, a, e);
		if (r < 0)
			err_context(e, "syscalls[%zu]", i);
	}
	policy.rules = rules.items;
	policy.rule_count = rules.count;
	policy.flags |= notifies(&policy) ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
	return r < 0 ? r : seccomp_compile(&policy, a, ret, e);
}

int runtime_seccomp_compile(const struct oci_seccomp *s, struct arena *a,
			    struct seccomp_program *ret, struct err *e)
{
	return compile(s, a, ret, e) < 0 ? err_context(e, "seccomp") : 0;
}

int seccomp_listener_connect(const struct oci_seccomp *s, const struct seccomp_program *program,
			     int *ret_socket, struct err *e)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	*ret_socket = -1;
	if (!program || !(program->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		return 0;
	const char *path = s ? s->listener_path : NULL;
	if (!path || !*path)
		return err_set(e, EINVAL, ERR_INVALID,
			       "seccomp: SCMP_ACT_NOTIFY needs a listenerPath");
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(e, ENAMETOOLONG, ERR_INVALID, "seccomp: listenerPath is too long");
	memcpy(address.sun_path, path, strlen(path) + 1);
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return err_errno(e, errno, "seccomp: cannot connect to the listenerPath %s", path);
	/* Out of the way of the command's own. */
	*ret_socket = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return *ret_socket < 0 ? err_errno(e, errno, "seccomp: cannot keep the listener") : 0;
}

/* /proc/self of a procfs says who we are to those who mounted it. */
static pid_t pid_outside(int procfd)
{
	char text[16];
	uint64_t pid = 0;
	ssize_t n = readlinkat(procfd, "self", text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	uint_parse(text, INT32_MAX, &pid);
	return (pid_t)pid;
}

const char *seccomp_listener_state(const struct hooks *of, int procfd, struct arena *a)
{
	const struct oci_spec *s = of->spec;
	pid_t pid = pid_outside(procfd);
	struct oci_process_state state = {
		.oci_version = s->oci_version,
		.pid = pid,
		.metadata = s->linux_.seccomp->listener_metadata,
		.state = hooks_state(of, "creating", pid),
	};
	strv_push(a, &state.fds, "seccompFd");
	return shape_print(&oci_process_state_shape, &state, false, a);
}
