/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two threads beside the one that writes the tree: one reads and unpacks, one hashes the plain
 * bytes. A layer is bound by sha256 on machines without SHA instructions; so its cost hides behind
 * the rest.
 *
 * Invariant: a block is filled again only after both the hasher and the caller are done with it.
 */
#pragma once

#include "image/unpack/stream.h"

struct pump;
/** @stream stays the caller's and is used by the threads until pump_close. */
int pump_open(struct pump **ret, struct stream *stream, struct err *e);
/** The next block, valid until the next call; 0 at the end, negative errno with @e filled. */
ssize_t pump_next(struct pump *p, const void **ret, struct err *e);
/** Wait until all blocks are hashed (at the end), or stop the threads early. */
void pump_close(struct pump **p);
