// SPDX-License-Identifier: Apache-2.0
/*
 * The functions a compiler may call on its own even in free-standing code.
 *
 * GCC and clang require memcpy, memset, memmove and memcmp of every environment (GCC manual,
 * "Language Standards"): struct copies and zeroed variables become calls. Byte loops are enough,
 * nothing here is hot.
 *
 * Invariant: built with -fno-builtin and -fno-tree-loop-distribute-patterns, or the compiler
 * would see memset in the loop of memset and call it for ever.
 */
#include "text.h"

void *memset(void *to, int byte, size_t size)
{
	unsigned char *bytes = to;

	while (size-- > 0)
		*bytes++ = (unsigned char)byte;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	unsigned char *target = to;
	const unsigned char *source = from;

	while (size-- > 0)
		*target++ = *source++;
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	unsigned char *target = to;
	const unsigned char *source = from;

	if (target <= source)
		return memcpy(to, from, size);
	while (size-- > 0)
		target[size] = source[size];
	return to;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const unsigned char *a = left;
	const unsigned char *b = right;

	for (; size > 0; size--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}
