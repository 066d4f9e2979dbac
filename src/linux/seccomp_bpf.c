/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the BPF of a system call filter: the numbers as sorted ranges, searched as a balanced
 * binary tree, with tests of arguments at its leaves. See seccomp(2); filter.rst of the kernel.
 *
 * The program is written from its end to its start. All jumps of classic BPF go forward, so every
 * target is known when a jump to it is written. Conditional jumps reach 255 instructions; where
 * that is too short, a BPF_JA (or a copy of the return) is put right behind the jump. Invariant: a
 * position counts from the program's end and never changes. Read seccomp_bpf.h first.
 */
#include "linux/seccomp_bpf.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

static const uint32_t archs[] = {
	[SECCOMP_NATIVE] = SECCOMP_NATIVE_ARCH,
	[SECCOMP_I386] = AUDIT_ARCH_I386,
	[SECCOMP_ARM] = AUDIT_ARCH_ARM,
};

enum { REACH = 255, RETURNS_MAX = 64, RANGES_MAX = SECCOMP_CALLS + SECCOMP_APART_CALLS + 3 };

/** Where a jump goes: to a return of @action, or to the code at @position. */
struct target {
	bool is_return;
	uint32_t value;
};

struct writer {
	struct sock_filter *code; /* the last instruction first */
	uint32_t count, room;
	bool overflow;
	bool narrow; /* arguments have 32 bits */
	struct {
		uint32_t action, position;
	} returns[RETURNS_MAX]; /* the most recent return of each action */
	uint32_t return_count;
};

struct range {
	uint32_t start;
	struct target leaf;
};

static struct target to_return(uint32_t action)
{
	return (struct target){.is_return = true, .value = action};
}

static struct target to_code(uint32_t position)
{
	return (struct target){.value = position};
}

static uint32_t put(struct writer *w, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	if (w->count == w->room) {
		w->overflow = true;
		return 0;
	}
	w->code[w->count] = (struct sock_filter){.code = code, .jt = jt, .jf = jf, .k = k};
	return w->count++;
}

static uint32_t put_return(struct writer *w, uint32_t action)
{
	uint32_t i = 0;
	while (i < w->return_count && w->returns[i].action != action)
		i++;
	uint32_t position = put(w, BPF_RET | BPF_K, 0, 0, action);
	if (i < RETURNS_MAX) {
		w->returns[i].action = action;
		w->returns[i].position = position;
		w->return_count += i == w->return_count;
	}
	return position;
}

/* The position of @t, at most @reach before what is written next; copies are made where needed. */
static uint32_t reachable(struct writer *w, struct target t, uint32_t reach)
{
	if (!t.is_return) {
		if (w->count - t.value <= reach)
			return t.value;
		return put(w, BPF_JMP | BPF_JA, 0, 0, w->count - t.value - 1);
	}
	for (uint32_t i = 0; i < w->return_count; i++) {
		if (w->returns[i].action == t.value && w->count - w->returns[i].position <= reach)
			return w->returns[i].position;
	}
	return put_return(w, t.value);
}

/* A conditional jump. Making the second target reachable moves the first by one at most. */
static struct target put_jump(struct writer *w, uint16_t test, uint32_t k, struct target yes,
			      struct target no)
{
	uint32_t y = reachable(w, yes, REACH - 1);
	uint32_t n = reachable(w, no, REACH);
	return to_code(put(w, BPF_JMP | test | BPF_K, (uint8_t)(w->count - y - 1),
			   (uint8_t)(w->count - n - 1), k));
}

static struct target put_load(struct writer *w, uint32_t offset)
{
	return to_code(put(w, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset));
}

/* Both architectures are little-endian: the low half of an argument comes first. */
static struct target put_load_half(struct writer *w, uint32_t index, bool high)
{
	return put_load(w, (uint32_t)offsetof(struct seccomp_data, args) + index * 8 + 4 * high);
}

/* (half & mask) == value; halves that cannot differ are not looked at. */
static struct target put_masked(struct writer *w, const struct seccomp_arg *a, bool high,
				struct target yes, struct target no)
{
	uint32_t mask = (uint32_t)(a->value >> (high ? 32 : 0));
	uint32_t value = (uint32_t)(a->value_two >> (high ? 32 : 0));
	if (high && w->narrow)
		return yes;
	if (mask == 0)
		return value == 0 ? yes : no;
	put_jump(w, BPF_JEQ, value, yes, no);
	if (mask != UINT32_MAX)
		put(w, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
	return put_load_half(w, a->index, high);
}

/* high > or == with the rest decided by @low_test on the low half. */
static struct target put_order(struct writer *w, const struct seccomp_arg *a, uint16_t low_test,
			       struct target yes, struct target no)
{
	uint32_t high = (uint32_t)(a->value >> 32);
	put_jump(w, low_test, (uint32_t)a->value, yes, no);
	struct target low = put_load_half(w, a->index, false);
	if (w->narrow)
		return low;
	struct target equal = put_jump(w, BPF_JEQ, high, low, no);
	put_jump(w, BPF_JGT, high, yes, equal);
	return put_load_half(w, a->index, true);
}

static struct target put_arg(struct writer *w, const struct seccomp_arg *a, struct target yes,
			     struct target no)
{
	struct seccomp_arg all = {.index = a->index, .value = UINT64_MAX, .value_two = a->value};
	const struct seccomp_arg *masked = a->op == SC_MASKED_EQ ? a : &all;
	switch (a->op) {
	case SC_GT:
		return put_order(w, a, BPF_JGT, yes, no);
	case SC_GE:
		return put_order(w, a, BPF_JGE, yes, no);
	case SC_LE:
		return put_order(w, a, BPF_JGT, no, yes);
	case SC_LT:
		return put_order(w, a, BPF_JGE, no, yes);
	case SC_NE:
		return put_masked(w, masked, true, put_masked(w, masked, false, no, yes), yes);
	case SC_EQ:
	case SC_MASKED_EQ:
		break;
	}
	return put_masked(w, masked, true, put_masked(w, masked, false, yes, no), no);
}

enum { BRANCHES_MAX = 256 };

static struct target put_branch(struct writer *w, const struct seccomp_branch *b, struct target no)
{
	struct target yes = to_return(b->action);
	for (uint32_t i = b->arg_count; i-- > 0;)
		yes = put_arg(w, &b->args[i], yes, no);
	return yes;
}

/* The first branch that matches wins, so the last one is written first. */
static struct target put_branches(struct writer *w, const struct seccomp_decision *d)
{
	const struct seccomp_branch *list[BRANCHES_MAX];
	uint32_t count = 0;
	for (const struct seccomp_branch *b = d->first; b; b = b->next) {
		if (count == BRANCHES_MAX) {
			w->overflow = true;
			break;
		}
		list[count++] = b;
	}
	struct target next = to_return(d->action);
	while (count-- > 0)
		next = put_branch(w, list[count], next);
	return next;
}

/* The same rule often names many calls: their branches are written once. */
static bool decisions_equal(const struct seccomp_decision *a, const struct seccomp_decision *b)
{
	const struct seccomp_branch *x = a->first, *y = b->first;
	for (; x && y; x = x->next, y = y->next) {
		if (x->args != y->args || x->arg_count != y->arg_count || x->action != y->action)
			return false;
	}
	return !x && !y && a->action == b->action;
}

static bool targets_equal(struct target a, struct target b)
{
	return a.is_return == b.is_return && a.value == b.value;
}

static uint32_t range_add(struct range *ranges, uint32_t count, uint32_t start, struct target leaf)
{
	if (count > 0 && targets_equal(ranges[count - 1].leaf, leaf))
		return count;
	ranges[count] = (struct range){.start = start, .leaf = leaf};
	return count + 1;
}

static uint32_t slot_of(uint32_t number)
{
	return number < SECCOMP_APART ? number : SECCOMP_CALLS + number % SECCOMP_APART_CALLS;
}

struct seccomp_decision *seccomp_decision_of(struct seccomp_decisions *d, int number)
{
	return &d->calls[slot_of((uint32_t)number)];
}

static struct target leaf_of(struct writer *w, const struct seccomp_decisions *d, uint32_t slot,
			     const struct range *ranges, uint32_t count)
{
	const struct seccomp_decision *own = &d->calls[slot];
	if (!own->first)
		return to_return(own->action);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t other = slot_of(ranges[i].start);
		if (!ranges[i].leaf.is_return && decisions_equal(&d->calls[other], own))
			return ranges[i].leaf;
	}
	return put_branches(w, own);
}

static uint32_t ranges_make(struct writer *w, const struct seccomp_decisions *d,
			    struct range ranges[static RANGES_MAX])
{
	uint32_t count = 0, number = 0;
	bool all = d->last >= SECCOMP_CALLS; /* up to numbers that no profile has heard of */
	for (; number <= d->last && number < SECCOMP_CALLS; number++)
		count = range_add(ranges, count, number, leaf_of(w, d, number, ranges, count));
	struct target rest = to_return(all ? d->between : d->beyond);
	count = range_add(ranges, count, number, rest);
	for (uint32_t i = 0; d->abi == SECCOMP_ARM && i < SECCOMP_APART_CALLS; i++)
		count = range_add(ranges, count, SECCOMP_APART + i,
				  leaf_of(w, d, SECCOMP_CALLS + i, ranges, count));
	if (d->abi == SECCOMP_ARM)
		count = range_add(ranges, count, SECCOMP_APART + SECCOMP_APART_CALLS, rest);
	return all ? range_add(ranges, count, d->last + 1, to_return(d->beyond)) : count;
}

static struct target put_tree(struct writer *w, const struct range *ranges, uint32_t count)
{
	if (count == 1)
		return ranges[0].leaf;
	uint32_t half = count / 2;
	struct target high = put_tree(w, ranges + half, count - half);
	struct target low = put_tree(w, ranges, half);
	return put_jump(w, BPF_JGE, ranges[half].start, high, low);
}

/* What is written next falls into what was written last: make that lead to @t. */
static void put_first(struct writer *w, struct target t)
{
	reachable(w, t, 1);
}

void seccomp_branch_add(struct seccomp_decisions *d, int number, const struct seccomp_arg *args,
			uint32_t arg_count, uint32_t action, struct arena *a)
{
	struct seccomp_decision *own = seccomp_decision_of(d, number);
	struct seccomp_branch *b = arena_new(a, struct seccomp_branch);
	*b = (struct seccomp_branch){.args = args, .arg_count = arg_count, .action = action};
	if (own->last)
		own->last->next = b;
	else
		own->first = b;
	own->last = b;
}

/* From the load of the number on. */
static struct target put_abi(struct writer *w, const struct seccomp_decisions *d)
{
	struct range ranges[RANGES_MAX];
	w->narrow = d->abi != SECCOMP_NATIVE;
	uint32_t count = ranges_make(w, d, ranges);
	put_first(w, put_tree(w, ranges, count));
	return put_load(w, offsetof(struct seccomp_data, nr));
}

static void put_program(struct writer *w, const struct seccomp_decisions *d)
{
	struct target entry[SECCOMP_ABIS], next = to_return(d->beyond);
	for (const struct seccomp_decisions *i = d; i; i = i->next)
		entry[i->abi] = put_abi(w, i);
	for (const struct seccomp_decisions *i = d->next; i; i = i->next)
		next = put_jump(w, BPF_JEQ, archs[i->abi], entry[i->abi], next);
	put_jump(w, BPF_JEQ, archs[d->abi], entry[d->abi], next);
	put_load(w, offsetof(struct seccomp_data, arch));
}

/* Most programs are small: memory that is not touched costs no page fault. */
static const uint32_t rooms[] = {256, BPF_MAXINSNS};

int seccomp_bpf_generate(const struct seccomp_decisions *d, struct arena *a,
			 struct seccomp_program *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(rooms); i++) {
		struct writer w = {.room = rooms[i]};
		w.code = arena_array(a, w.room, sizeof(*w.code));
		put_program(&w, d);
		if (w.overflow)
			continue;
		for (uint32_t low = 0, high = w.count - 1; low < high; low++, high--) {
			struct sock_filter moved = w.code[low];
			w.code[low] = w.code[high];
			w.code[high] = moved;
		}
		ret->code = w.code;
		ret->count = (uint16_t)w.count;
		return 0;
	}
	return -E2BIG;
}
