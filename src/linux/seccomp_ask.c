/* SPDX-License-Identifier: Apache-2.0 */
/* What a filter says of one call: see seccomp_ask.h. Rests on networking/filter.rst. */
#include "linux/seccomp_ask.h"

#include <linux/seccomp.h>
#include <stddef.h>

#include "linux/seccomp_calls.h"

static uint32_t jump(const struct sock_filter *i, uint32_t value)
{
	bool taken = false;
	switch (BPF_OP(i->code)) {
	case BPF_JA:
		return i->k;
	case BPF_JEQ:
		taken = value == i->k;
		break;
	case BPF_JGT:
		taken = value > i->k;
		break;
	case BPF_JGE:
		taken = value >= i->k;
		break;
	case BPF_JSET:
		taken = value & i->k;
		break;
	default:
		break;
	}
	return taken ? i->jt : i->jf;
}

enum seccomp_answer seccomp_ask(const struct seccomp_program *p, bool is_32bit, int number)
{
	uint32_t value = 0;
	if (!p->count)
		return SECCOMP_ALLOWS;
	for (size_t at = 0; at < p->count; at++) {
		const struct sock_filter *i = &p->code[at];
		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			if (i->k == offsetof(struct seccomp_data, nr))
				value = (uint32_t)number;
			else if (i->k == offsetof(struct seccomp_data, arch))
				value = is_32bit ? SECCOMP_32BIT_ARCH : SECCOMP_NATIVE_ARCH;
			else
				return SECCOMP_DEPENDS;
			break;
		case BPF_JMP:
			at += jump(i, value);
			break;
		case BPF_RET:
			return i->k == SECCOMP_RET_ALLOW || i->k == SECCOMP_RET_LOG
				       ? SECCOMP_ALLOWS
				       : SECCOMP_REFUSES;
		default:
			return SECCOMP_DEPENDS;
		}
	}
	return SECCOMP_DEPENDS;
}
