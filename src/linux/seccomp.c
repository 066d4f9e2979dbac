/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy of named system calls, turned into one decision for each number, then into BPF; and the
 * installation of a program. See seccomp(2); OCI runtime spec, config-linux.md "Seccomp".
 *
 * When several rules name one call: a rule without conditions outweighs those with conditions (the
 * first such one counts), else the first one whose conditions match wins. Numbers that are newer
 * than everything the rules name get the unknown action: a profile cannot mean to forbid what its
 * author had not heard of, and programs fall back when they see ENOSYS. Invariant: a number that no
 * rule names never gets more than the default or the unknown action. Read seccomp.h first.
 */
#include "linux/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "linux/seccomp_bpf.h"
#include "linux/seccomp_calls.h"

enum {
	RULES_MAX = 4096,
	X32_BIT = 0x40000000, /* numbers from here on are of the x32 ABI */
};

/* Profiles that forbid by name let everything else through, new calls too. */
static bool is_permissive(uint32_t action)
{
	action &= SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG ||
	       action == SECCOMP_RET_TRACE;
}

static void name_call(struct seccomp_decisions *d, int number)
{
	d->named = true;
	if (number < SECCOMP_CALLS && (uint32_t)number > d->last)
		d->last = (uint32_t)number;
}

/* What i386 has behind another call as well. The conditions cannot be looked at there: what they
 * would allow is not, and what they would forbid is forbidden altogether. */
static void apply_behind(struct seccomp_decisions *d, const struct seccomp_rule *rule,
			 const char *name, struct arena *a)
{
	enum { CALL_MASK = 0xffff }; /* a version above it, in ipc(2) */
	uint64_t argument;
	int number = seccomp_call_behind(name, &argument);
	if (number < 0 || (rule->arg_count > 0 && is_permissive(rule->action)))
		return;
	struct seccomp_arg *arg = arena_new(a, struct seccomp_arg);
	*arg = (struct seccomp_arg){0, SC_MASKED_EQ, CALL_MASK, argument};
	name_call(d, number);
	seccomp_branch_add(d, number, arg, 1, rule->action, a);
}

static void apply_to(struct seccomp_decisions *d, const struct seccomp_rule *rule, int number,
		     struct arena *a)
{
	struct seccomp_decision *own = seccomp_decision_of(d, number);
	name_call(d, number);
	if (rule->arg_count > 0) {
		seccomp_branch_add(d, number, rule->args, rule->arg_count, rule->action, a);
	} else if (!own->fixed) {
		own->fixed = true;
		own->action = rule->action;
	}
}

static void rule_apply(struct seccomp_decisions *all, const struct seccomp_rule *rule,
		       struct arena *a)
{
	for (const char *const *name = rule->names; *name; name++) {
		const struct seccomp_call *call = seccomp_call_find(*name);
		for (struct seccomp_decisions *d = call ? all : NULL; d; d = d->next) {
			if (d->abi == SECCOMP_I386)
				apply_behind(d, rule, *name, a);
			if (call->numbers[d->abi] >= 0)
				apply_to(d, rule, call->numbers[d->abi], a);
		}
	}
}

static int policy_check(const struct seccomp_policy *p, struct err *e)
{
	if (p->rule_count > RULES_MAX)
		return err_set(e, E2BIG, ERR_INVALID,
			       "seccomp profile: %u rules, at most %d are possible", p->rule_count,
			       RULES_MAX);
	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct seccomp_rule *rule = &p->rules[i];
		bool bad = rule->arg_count > 6;
		for (uint32_t k = 0; !bad && k < rule->arg_count; k++)
			bad = rule->args[k].index > 5 || rule->args[k].op > SC_MASKED_EQ;
		if (bad)
			return err_set(
				e, EINVAL, ERR_INVALID,
				"seccomp profile: rule %u: a system call has arguments 0 to 5, and "
				"a rule at most 6 conditions",
				i);
	}
	return 0;
}

static uint32_t newest_known(enum seccomp_abi abi)
{
	int newest = 0;
	for (size_t i = 0; i < seccomp_call_count; i++) {
		int number = seccomp_calls[i].numbers[abi];
		newest = number > newest && number < SECCOMP_CALLS ? number : newest;
	}
	return (uint32_t)newest;
}

/* Decisions of one more ABI, before those of @next. */
static struct seccomp_decisions *begin(enum seccomp_abi abi, const struct seccomp_policy *p,
				       struct seccomp_decisions *next, struct arena *a)
{
	struct seccomp_decisions *d = arena_new(a, struct seccomp_decisions);
	d->abi = abi;
	d->next = next;
	d->beyond = p->unknown_action;
	d->between = p->default_action;
	for (size_t n = 0; n < ARRAY_LEN(d->calls); n++)
		d->calls[n].action = p->default_action;
	return d;
}

static void conclude(struct seccomp_decisions *d, const struct seccomp_policy *p)
{
	for (size_t n = 0; n < ARRAY_LEN(d->calls); n++)
		if (d->calls[n].fixed)
			d->calls[n].first = d->calls[n].last = NULL;
	if (is_permissive(p->default_action))
		d->last = X32_BIT - 1;
	else if (!d->named)
		d->last = newest_known(d->abi);
}

int seccomp_compile(const struct seccomp_policy *p, struct arena *a, struct seccomp_program *ret,
		    struct err *e)
{
	int r = policy_check(p, e);
	if (r < 0)
		return r;
	struct seccomp_decisions *all = p->arm ? begin(SECCOMP_ARM, p, NULL, a) : NULL;
	all = p->i386 ? begin(SECCOMP_I386, p, all, a) : all;
	all = begin(SECCOMP_NATIVE, p, all, a);
	for (uint32_t i = 0; i < p->rule_count; i++)
		rule_apply(all, &p->rules[i], a);
	for (struct seccomp_decisions *d = all; d; d = d->next)
		conclude(d, p);
	struct seccomp_program program = {.flags = p->flags};
	r = seccomp_bpf_generate(all, a, &program);
	if (r < 0)
		return err_set(
			e, E2BIG, ERR_INVALID,
			"seccomp profile: it needs more than the %d instructions that the kernel "
			"allows; use fewer conditions on arguments",
			BPF_MAXINSNS);
	*ret = program;
	return 0;
}

void seccomp_load_none(void)
{
	const uint32_t action = SECCOMP_RET_ALLOW;
	syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

int seccomp_load(const struct seccomp_program *p)
{
	struct sock_fprog program = {.len = p->count, .filter = p->code};
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, p->flags, &program);
	if (r < 0)
		return -errno;
	return (int)r;
}
