/* SPDX-License-Identifier: Apache-2.0 */
/* See bpf_run.h. Written to be obviously right rather than fast. */
#include "tests/helpers/bpf_run.h"

#include <linux/audit.h>
#include "tests/helpers/libseccomp.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEWEST_KNOWN = 471 }; /* of the table in seccomp_calls.c: Linux 7.0 */

static void must(bool good, const char *what, uint32_t at)
{
	if (good)
		return;
	fprintf(stderr, "invalid BPF at instruction %u: %s\n", at, what);
	abort();
}

static uint32_t jump(const struct sock_filter *i, uint32_t a)
{
	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return i->k;
	case BPF_JEQ:
		return a == i->k ? i->jt : i->jf;
	case BPF_JGT:
		return a > i->k ? i->jt : i->jf;
	case BPF_JGE:
		return a >= i->k ? i->jt : i->jf;
	case BPF_JSET:
		return a & i->k ? i->jt : i->jf;
	}
	abort();
}

uint32_t bpf_run(const struct sock_filter *code, uint32_t count, const struct seccomp_data *data)
{
	uint32_t a = 0;
	must(count > 0 && count <= BPF_MAXINSNS, "length", count);
	must(BPF_CLASS(code[count - 1].code) == BPF_RET, "no return at the end", count);
	for (uint32_t pc = 0; pc < count; pc++) {
		const struct sock_filter *i = &code[pc];
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			must(i->code == (BPF_LD | BPF_W | BPF_ABS) && i->k % 4 == 0 &&
				     i->k < sizeof(*data),
			     "load", pc);
			memcpy(&a, (const char *)data + i->k, 4);
			break;
		case BPF_ALU:
			must(i->code == (BPF_ALU | BPF_AND | BPF_K), "arithmetic", pc);
			a &= i->k;
			break;
		case BPF_JMP:
			pc += jump(i, a);
			must(pc + 1 < count, "jump", pc);
			break;
		case BPF_RET:
			must(i->code == (BPF_RET | BPF_K), "return", pc);
			return i->k;
		default:
			must(false, "class", pc);
		}
	}
	must(false, "fell off the end", count);
	return 0;
}

static bool condition_holds(const struct seccomp_arg *c, uint64_t arg)
{
	switch (c->op) {
	case SC_NE:
		return arg != c->value;
	case SC_LT:
		return arg < c->value;
	case SC_LE:
		return arg <= c->value;
	case SC_EQ:
		return arg == c->value;
	case SC_GE:
		return arg >= c->value;
	case SC_GT:
		return arg > c->value;
	case SC_MASKED_EQ:
		return (arg & c->value) == c->value_two;
	}
	abort();
}

int conditions_hold(const struct seccomp_arg *args, uint32_t count, const struct seccomp_data *data)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!condition_holds(&args[i], data->args[args[i].index]))
			return 0;
	}
	return 1;
}

static bool names_call(const struct seccomp_rule *rule, int number, int *newest)
{
	bool named = false;
	for (const char *const *name = rule->names; *name; name++) {
		int n = seccomp_syscall_resolve_name(*name);
		if (n >= 0 && n > *newest)
			*newest = n;
		named |= n >= 0 && n == number;
	}
	return named;
}

uint32_t policy_run(const struct seccomp_policy *p, const struct seccomp_data *data)
{
	const struct seccomp_rule *plain = NULL, *matching = NULL;
	int newest = -1;
	for (uint32_t i = 0; i < p->rule_count; i++) {
		const struct seccomp_rule *rule = &p->rules[i];
		if (!names_call(rule, data->nr, &newest))
			continue;
		if (rule->arg_count == 0 && !plain)
			plain = rule;
		if (rule->arg_count > 0 && !matching &&
		    conditions_hold(rule->args, rule->arg_count, data))
			matching = rule;
	}
	if (newest < 0)
		newest = NEWEST_KNOWN;
	uint32_t kind = p->default_action & SECCOMP_RET_ACTION_FULL;
	bool permissive =
		kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG || kind == SECCOMP_RET_TRACE;
	if (data->arch != seccomp_arch_native())
		return p->unknown_action;
	if ((uint32_t)data->nr >= 0x40000000 || (!permissive && data->nr > newest))
		return p->unknown_action;
	return plain ? plain->action : matching ? matching->action : p->default_action;
}
