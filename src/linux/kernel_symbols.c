/* SPDX-License-Identifier: Apache-2.0 */
/* See kernel_symbols.h. The kernel's own functions stand in the order of their addresses: one ends
 * where the next begins. */
#include "linux/kernel_symbols.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* The last ones are called by some of the first with a jump, so that these are not on the stack. */
static const char *const entries[] = {"__x64_sys_", "__arm64_sys_", "__se_sys_",
				      "__do_sys_",  "__sys_",       "ksys_"};

static const char *call_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		if (!strncmp(name, entries[i], strlen(entries[i])))
			return name + strlen(entries[i]);
	return NULL;
}

static bool is_wanted(const char *name, const char *const *wanted)
{
	for (; *wanted; wanted++)
		if (!strcmp(name, *wanted))
			return true;
	return false;
}

void kernel_symbols_read(const char *const *wanted, struct arena *a, struct kernel_symbols *ret)
{
	char line[512], name[256], type;
	unsigned long long at;
	bool open = false;
	FILE *f = fopen("/proc/kallsyms", "re");
	*ret = (struct kernel_symbols){0};
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llx %c %255s", &at, &type, name) != 3 || !at)
			continue;
		if (open && at > ret->items[ret->count - 1].from) {
			ret->items[ret->count - 1].to = at;
			open = false;
		}
		const char *call = call_of(name);
		if (open || (!call && !is_wanted(name, wanted)))
			continue;
		ret->items = arena_grow(a, ret->items, ret->count, &ret->room, sizeof(*ret->items));
		ret->items[ret->count++] =
			(struct kernel_symbol){at, 0, call ? arena_strdup(a, call) : NULL};
		open = true;
	}
	if (f)
		fclose(f);
}

const char *kernel_symbols_call(const struct kernel_symbols *s, const uint64_t *stack, size_t depth,
				bool *ret_wanted)
{
	const char *call = NULL;
	*ret_wanted = false;
	for (size_t d = 0; d < depth; d++)
		for (size_t i = 0; i < s->count; i++) {
			const struct kernel_symbol *at = &s->items[i];
			if (stack[d] < at->from || stack[d] >= at->to)
				continue;
			*ret_wanted |= !at->call;
			call = at->call && !call ? at->call : call;
		}
	return call;
}
