/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker's stream frames: 8 bytes of header (stream 1 or 2, three zeros, length big-endian), then
 * that many bytes. Taken apart as they come, in pieces of any size; nothing is held back.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { FRAME_HEADER = 8 };

struct frames {
	unsigned char header[FRAME_HEADER];
	size_t header_len;
	uint32_t left; /* of the frame's payload */
};

/** Takes payload of @stream (1 stdout, 2 stderr). 0 or negative errno, @e filled. */
typedef int (*frames_write_fn)(void *ctx, int stream, const unsigned char *data, size_t len,
			       struct err *e);

/** Feed @len bytes. -EPROTO for a header that is none. */
int frames_feed(struct frames *f, const unsigned char *data, size_t len, frames_write_fn write,
		void *ctx, struct err *e);
/** The header of @len bytes of @stream. */
void frame_head(unsigned char head[FRAME_HEADER], int stream, size_t len);
