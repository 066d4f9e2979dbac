/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bytes of a tar go that is made here: into a file or a pipe, perhaps through gzip (the
 * same bytes each time: no name, no time), with the digests before and after.
 */
#pragma once

#include <isa-l.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/unpack.h"

struct sink {
	int to;                     /* the caller's; -1: nowhere */
	EVP_MD_CTX *plain, *stored; /* sums of the tar, and of what is written; or NULL */
	struct isal_zstream *gzip;
	uint64_t stored_size;
};

/** @sums: the digests are wanted. -ENOMEM. Whoever opens it frees it. */
int sink_open(struct sink *s, int to, bool gzip, bool sums);
int sink_write(struct sink *s, const void *data, size_t len);
/** All is written. */
int sink_end(struct sink *s);
/** After the end, where sums were wanted: @ret's digests, and the size as stored. */
void sink_tell(struct sink *s, struct unpack_layer *ret);
void sink_free(struct sink *s);
