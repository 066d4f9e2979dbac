/* SPDX-License-Identifier: Apache-2.0 */
/* Random policies: the compiled program, interpreted, must say what the policy says. The input is
 * read as a stream of small choices; whatever is missing counts as zero. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "linux/seccomp_calls.h"
#include "tests/helpers/bpf_run.h"
#include "tests/helpers/libseccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RULES_MAX = 64 };

struct input {
	const uint8_t *data;
	size_t size;
};

static uint64_t take(struct input *in, size_t bytes)
{
	uint64_t value = 0;
	for (; bytes > 0; bytes--) {
		value = value << 8 | (in->size ? *in->data : 0);
		in->data += in->size > 0;
		in->size -= in->size > 0;
	}
	return value;
}

/* Small and large numbers, and all ones, are the interesting ones. */
static uint64_t take_value(struct input *in)
{
	switch (take(in, 1) % 4) {
	case 0:
		return take(in, 1);
	case 1:
		return take(in, 8);
	case 2:
		return (uint64_t)(int64_t)(int8_t)take(in, 1);
	default:
		return take(in, 4) << (take(in, 1) % 33);
	}
}

static uint32_t take_action(struct input *in)
{
	static const uint32_t actions[] = {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM,
					   SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_LOG};
	uint32_t choice = (uint32_t)take(in, 1);
	return choice < 4 ? actions[choice] : SECCOMP_RET_ERRNO | choice;
}

/* Names that both tables know. */
static const char *take_name(struct input *in)
{
	const char *name = seccomp_calls[take(in, 2) % seccomp_call_count].name;
	return seccomp_syscall_resolve_name(name) >= 0 ? name : "no_such_call";
}

static struct seccomp_rule take_rule(struct input *in, struct arena *a)
{
	size_t names = take(in, 1) % 8;
	const char **list = arena_array(a, names + 1, sizeof(*list));
	for (size_t i = 0; i < names; i++)
		list[i] = take_name(in);
	uint32_t count = (uint32_t)take(in, 1) % 4;
	struct seccomp_arg *args = arena_array(a, count + 1, sizeof(*args));
	for (uint32_t i = 0; i < count; i++) {
		args[i].index = (uint32_t)take(in, 1) % 6;
		args[i].op = (enum seccomp_op)(take(in, 1) % (SC_MASKED_EQ + 1));
		args[i].value = take_value(in);
		args[i].value_two = take_value(in);
	}
	return (struct seccomp_rule){list, take_action(in), args, count};
}

static void check(const struct seccomp_policy *p, const struct seccomp_program *made,
		  const struct seccomp_data *d)
{
	uint32_t got = bpf_run(made->code, made->count, d), wanted = policy_run(p, d);
	if (got == wanted)
		return;
	fprintf(stderr, "call %d: %#x instead of %#x\n", d->nr, got, wanted);
	abort();
}

/* Arguments at, just below and just above what the rules compare with. */
static void check_around(const struct seccomp_policy *p, const struct seccomp_program *made,
			 const struct seccomp_rule *rule)
{
	for (const char *const *name = rule->names; *name; name++) {
		struct seccomp_data d = {.nr = seccomp_syscall_resolve_name(*name),
					 .arch = seccomp_arch_native()};
		struct seccomp_data before = d, after = d;
		before.nr--;
		after.nr++;
		check(p, made, &before);
		check(p, made, &after);
		for (int delta = -1; delta <= 1 && d.nr >= 0; delta++) {
			for (uint32_t i = 0; i < rule->arg_count; i++)
				d.args[rule->args[i].index] =
					(rule->args[i].op == SC_MASKED_EQ ? rule->args[i].value_two
									  : rule->args[i].value) +
					(uint64_t)(int64_t)delta;
			check(p, made, &d);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	CLEANUP_ARENA struct arena a = {0};
	struct seccomp_rule rules[RULES_MAX];
	struct seccomp_policy p = {.rules = rules};
	struct seccomp_program made;
	struct err e;
	p.default_action = take_action(&in);
	p.unknown_action = take_action(&in);
	while (in.size > 0 && p.rule_count < RULES_MAX)
		rules[p.rule_count++] = take_rule(&in, &a);
	if (seccomp_compile(&p, &a, &made, &e) < 0)
		return 0;
	for (int nr = -1; nr < 512; nr += 19)
		check(&p, &made, &(struct seccomp_data){.nr = nr, .arch = seccomp_arch_native()});
	check(&p, &made, &(struct seccomp_data){.nr = 1, .arch = 1});
	for (uint32_t i = 0; i < p.rule_count; i++)
		check_around(&p, &made, &rules[i]);
	return 0;
}
