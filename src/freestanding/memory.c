// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes, and the functions a compiler may call on its own even in free-standing code.
 *
 * GCC and clang require memcpy, memset, memmove and memcmp of every environment (GCC manual,
 * "Language Standards"): struct copies and zeroed variables become calls. Sixteen bytes at once
 * (a GNU vector: SSE2, NEON) is what keeps a log moving; nothing beyond that was worth its lines.
 *
 * Invariant: built with -fno-builtin and -fno-tree-loop-distribute-patterns, or the compiler
 * would see memset in the loop of memset and call it for ever.
 */
#include <stddef.h>
#include <stdint.h>

typedef uint8_t block __attribute__((vector_size(16), aligned(1), may_alias));

void *memset(void *to, int byte, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
int memcmp(const void *left, const void *right, size_t size);
void *memchr(const void *from, int byte, size_t size);
void *memrchr(const void *from, int byte, size_t size);

void *memset(void *to, int byte, size_t size)
{
	uint8_t *at = to, *end = at + size;
	const block many = (block){0} + (uint8_t)byte;

	for (; (size_t)(end - at) >= sizeof(block); at += sizeof(block))
		*(block *)at = many;
	while (at < end)
		*at++ = (uint8_t)byte;
	return to;
}

/* The two may overlap if @to lies before @from: a block is read before anything behind it is
 * written. */
static void *forward(void *to, const void *from, size_t size)
{
	uint8_t *target = to;
	const uint8_t *source = from, *end = source + size;

	for (; (size_t)(end - source) >= sizeof(block); source += sizeof(block)) {
		*(block *)target = *(const block *)source;
		target += sizeof(block);
	}
	while (source < end)
		*target++ = *source++;
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	return forward(to, from, size);
}

void *memmove(void *to, const void *from, size_t size)
{
	uint8_t *target = to;
	const uint8_t *source = from;

	if (target <= source)
		return forward(to, from, size);
	for (; size >= sizeof(block); size -= sizeof(block))
		*(block *)(target + size - sizeof(block)) =
			*(const block *)(source + size - sizeof(block));
	while (size-- > 0)
		target[size] = source[size];
	return to;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const uint8_t *a = left, *b = right;

	for (; size > 0; size--, a++, b++)
		if (*a != *b)
			return *a - *b;
	return 0;
}

static int holds(const uint8_t *at, uint8_t byte)
{
	union {
		block bytes;
		uint64_t halves[2];
	} equal = {(block)(*(const block *)at == (block){0} + byte)};

	return (equal.halves[0] | equal.halves[1]) != 0;
}

void *memchr(const void *from, int byte, size_t size)
{
	const uint8_t *at = from, *end = at + size;

	while ((size_t)(end - at) >= sizeof(block) && !holds(at, (uint8_t)byte))
		at += sizeof(block);
	for (; at < end; at++)
		if (*at == (uint8_t)byte)
			return (void *)at;
	return NULL;
}

void *memrchr(const void *from, int byte, size_t size)
{
	const uint8_t *start = from;

	while (size-- > 0)
		if (start[size] == (uint8_t)byte)
			return (void *)(start + size);
	return NULL;
}
