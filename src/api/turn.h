/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns: of the requests that are there at the same time, a few are worked on, the others wait in
 * the order in which they came. A hundred at once would not be done sooner: they would be in each
 * other's way, at the kernel's locks of folders and at the store's, whose holder waits for a
 * processor, and one of them would wait for seconds while others come and go.
 *
 * A turn begins when all of a request is there and ends before the first byte of its answer, so no
 * client can hold one. It is a courtesy: nothing depends on it, and who has waited for too long
 * goes on without.
 *
 * The listener makes the table, which the processes that serve connections share; each has a place
 * in it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct turns {
	int lock;         /* of the table */
	uint32_t *places; /* what each does: 0 is none of this; see turn.c */
	size_t count;
};
/** A table of @count places; negative errno. */
int turns_open(struct turns *t, size_t count);
/** Wait for a turn; in vain where it takes too long. */
void turn_begin(const struct turns *t, size_t place);
/** Harmless without one; also of a process that has ended. */
void turn_end(const struct turns *t, size_t place);
