/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite's memory. Rests on sqlite3_mem_methods (sqlite.org/c3ref/mem_methods.html).
 *
 * Pieces are cut off one block after the other, and what is given back is kept by its size for the
 * next who asks for that size: no search, no merging, and as few pages as can be, for each page
 * that is touched first costs more than what is done with it. A block is never given back: a
 * process keeps what it needed at its peak, some 100 KiB. What is large is malloc's affair.
 *
 * Not under AddressSanitizer, which would not see what SQLite was told to free. One thread
 * (db.c configures that).
 */
#include "base/db_memory.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	STEP = 16,
	LARGE = 8192, /* from here it is malloc's */
	BLOCK = 16 * 1024,
	CLASSES = LARGE / STEP
};

/* Before each piece; 8 bytes, so that the piece is aligned as SQLite asks (8). */
struct head {
	uint64_t size; /* of the piece, a multiple of STEP less the head */
};

struct spare {
	struct spare *next;
};

static struct {
	unsigned char *next;
	size_t left;
	struct spare *spares[CLASSES];
} pool;

static struct head *head_of(void *piece)
{
	return (struct head *)((unsigned char *)piece - sizeof(struct head));
}

static int round_up(int size)
{
	return (int)(((unsigned)size + sizeof(struct head) + STEP - 1) & ~(STEP - 1u)) -
	       (int)sizeof(struct head);
}

static size_t class_of(size_t size)
{
	return (size + sizeof(struct head)) / STEP;
}

static void *piece_of(void *memory, int size)
{
	struct head *h = memory;
	if (!h)
		return NULL;
	h->size = (uint64_t)size;
	return h + 1;
}

/* What is left of the block before goes to the spares. */
static bool block_new(void)
{
	unsigned char *block = malloc(BLOCK);
	if (!block)
		return false;
	if (pool.left >= 2 * STEP) {
		struct spare *rest = piece_of(pool.next, (int)(pool.left - sizeof(struct head)));
		size_t class = class_of(head_of(rest)->size);
		rest->next = pool.spares[class];
		pool.spares[class] = rest;
	}
	pool.next = block;
	pool.left = BLOCK;
	return true;
}

static void *take(int asked)
{
	int size = round_up(asked);
	size_t whole = (size_t)size + sizeof(struct head);
	if (whole >= LARGE)
		return piece_of(malloc(whole), size);
	struct spare *spare = pool.spares[class_of((size_t)size)];
	if (spare) {
		pool.spares[class_of((size_t)size)] = spare->next;
		return spare;
	}
	if (pool.left < whole && !block_new())
		return NULL;
	void *memory = pool.next;
	pool.next += whole;
	pool.left -= whole;
	return piece_of(memory, size);
}

static void give_back(void *piece)
{
	struct head *h = piece ? head_of(piece) : NULL;
	if (!h)
		return;
	size_t class = class_of(h->size);
	if (class >= CLASSES) {
		free(h);
		return;
	}
	struct spare *spare = piece;
	spare->next = pool.spares[class];
	pool.spares[class] = spare;
}

static int size_of(void *piece)
{
	return piece ? (int)head_of(piece)->size : 0;
}

static void *resize(void *piece, int asked)
{
	if (asked <= size_of(piece))
		return piece;
	void *larger = take(asked);
	if (!larger)
		return NULL;
	memcpy(larger, piece, (size_t)size_of(piece));
	give_back(piece);
	return larger;
}

static int begin(void *ctx)
{
	return SQLITE_OK;
}

static void end(void *ctx)
{
}

void db_memory_configure(void)
{
	static const sqlite3_mem_methods methods = {take,     give_back, resize, size_of,
						    round_up, begin,     end,    NULL};
#ifndef __SANITIZE_ADDRESS__
	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
#endif
	/* Pages of the cache one by one, and the journal of a statement as long as it is, instead
	 * of 20 pages and 64 KiB at once. */
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
}
