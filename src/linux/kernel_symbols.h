/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the kernel by their addresses: /proc/kallsyms, of which only the entries of system
 * calls and a few that are asked for are kept. See proc(5), "kptr_restrict". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct kernel_symbols {
	struct kernel_symbol {
		uint64_t from, to;
		const char *call; /* "mount", of a system call; NULL: one that was asked for */
	} * items;
	size_t count, room;
};

/** @wanted: names, ended by NULL. None where addresses are hidden. */
void kernel_symbols_read(const char *const *wanted, struct arena *a, struct kernel_symbols *ret);
/** The system call that a stack came through, or NULL. @ret_wanted: it came through one of those.
 */
const char *kernel_symbols_call(const struct kernel_symbols *s, const uint64_t *stack, size_t depth,
				bool *ret_wanted);
