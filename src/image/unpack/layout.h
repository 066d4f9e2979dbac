/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a layer's tar is not in its tree. A layer is kept as a tree only; the file "layout"
 * beside it has, packed with gzip, all the bytes of the tar but the content of its files, and where
 * that belongs. So the very same tar can be made again, with the digest that images and registries
 * know it by, whoever made it.
 *
 * The file is a list of records: struct layout_record, @literal bytes of the tar, then the path of
 * the file whose first @size bytes follow in the tar ("" when none does). It never leaves the
 * machine, so numbers are as the machine has them.
 *
 * Invariant: what was replayed counts only if its digest is the layer's. A layer that names a file
 * twice cannot be replayed, and a layout that would be absurdly large is not kept: such layers are
 * packed anew from their tree.
 */
#pragma once

#include <isa-l.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/unpack/layer.h"
#include "image/unpack/sink.h"

#define LAYOUT_FILE "layout"
enum { LAYOUT_LITERAL_MAX = 32 << 10, LAYOUT_PACKED_BLOCK = 32 << 10 };

struct layout_record {
	uint32_t literal, path_len;
	uint64_t size;
};

/** Takes notes while a layer is unpacked. Memory is fixed. */
struct layout {
	int stage, fd;
	bool spoilt; /* it is not kept */
	uint64_t at; /* so much of the tar is noted */
	const uint8_t *block;
	uint64_t begin, end; /* of the tar's bytes in @block */
	uint64_t kept;       /* bytes noted so far, unpacked */
	struct isal_zstream gzip;
	uint8_t *gzip_buf;
	uint32_t used;
	uint8_t literal[LAYOUT_LITERAL_MAX], packed[LAYOUT_PACKED_BLOCK];
};

/** Make <stage>/layout. */
int layout_open(struct layout **ret, int stage, struct err *e);
/** The next bytes of the tar, which stay where they are until layout_leave. */
void layout_block(struct layout *l, const void *data, size_t len);
/** All contents that begin in the last block are named: note the rest, before it is overwritten. */
int layout_leave(struct layout *l);
/** The tar's bytes from @from on are the content of the file @path of the tree. */
int layout_content(struct layout *l, uint64_t from, uint64_t size, const char *path);
/** Write the last of it, after the last block was left. A failure is one of the layer. */
int layout_finish(struct layout *l);
void layout_close(struct layout **l);

/** Write the tar of <stage>/fs as <stage>/layout has it; @ret: its digests, and the bytes of its
 *  files. -ENOENT without a layout; -EILSEQ: the tree is not what it was. */
int layout_replay(int stage, struct sink *sink, layer_progress_fn progress, void *ctx,
		  struct unpack_layer *ret, struct err *e);
