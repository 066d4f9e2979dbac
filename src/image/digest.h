/* SPDX-License-Identifier: Apache-2.0 */
/* sha256 of documents: manifests, configs. Layers are hashed by hull-unpack. */
#pragma once

#include <stddef.h>

/** 64 lower-case hex digits. */
void digest_sha256(const void *data, size_t len, char ret[static 65]);
