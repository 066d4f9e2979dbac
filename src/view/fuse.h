/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system that is one file, which can be read and nothing else: its root is that file. See
 * fuse(4), linux/fuse.h.
 */
#pragma once

#include "base/strbuf.h"

struct fuse_file {
	int fd; /* /dev/fuse; -1: its mount is gone */
	void (*print)(void *ctx, size_t number, struct strbuf *out);
	void *ctx;
	size_t number;
	struct strbuf text; /* as it was when somebody last read its beginning */
};

/** Take one request and answer it. When the mount is gone, @f->fd is closed. */
void fuse_serve(struct fuse_file *f);
