/* SPDX-License-Identifier: Apache-2.0 */
/* sha256 of documents: manifests, configs. Layers are hashed by hull-unpack. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** 64 lower-case hex digits. */
void digest_sha256(const void *data, size_t len, char ret[static 65]);
/** The same of @size bytes of @fd from @offset. 0, or -EIO and the like when they cannot be read.
 */
int digest_sha256_file(int fd, uint64_t offset, uint64_t size, char ret[static 65]);
