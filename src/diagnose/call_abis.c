/* SPDX-License-Identifier: Apache-2.0 */
/* Rests on the tracepoint raw_syscalls:sys_exit and on what the kernel names its entries of 32-bit
 * calls (arch/x86/entry, arch/arm64/kernel/entry-common.c). Read call_abis.h first. */
#include "diagnose/call_abis.h"

static int see(const struct trace_record *r, void *ctx)
{
	struct call_abis *abis = ctx;
	bool is_32bit;
	const int64_t number = trace_number(r, "id"), result = trace_number(r, "ret");
	const bool failed = result < 0 && result > -4096;
	kernel_symbols_call(&abis->entries, r->stack, r->depth, &is_32bit);
	abis->any_32bit |= is_32bit;
	if (number >= 0 && number < USAGE_CALLS)
		abis->seen[number] |= is_32bit ? ABI_32BIT | (failed ? ABI_32BIT_FAILED : 0)
					       : ABI_NATIVE | (failed ? ABI_NATIVE_FAILED : 0);
	return 0;
}

void call_abis_open(struct call_abis *abis, struct trace *t, int scope, bool only_failed,
		    struct arena *a)
{
	static const char *const entries[] = {"do_int80_syscall_32",  "do_int80_emulation",
					      "int80_emulation",      "do_fast_syscall_32",
					      "__do_fast_syscall_32", "do_SYSENTER_32",
					      "el0_svc_compat",       NULL};
	struct err ignored;
	kernel_symbols_read(entries, a, &abis->entries);
	t->stacks = t->lazy = true;
	t->filter = only_failed ? "ret < 0 && ret > -4096" : NULL;
	if (trace_open(t, a, &ignored) == 0)
		trace_add(t, "raw_syscalls:sys_exit", scope, NULL, &ignored);
}

void call_abis_take(struct call_abis *abis, struct trace *t)
{
	trace_drain(t, INT64_MAX, see, abis);
}
