/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's bytes on their way in: read, hashed as stored, unpacked (gzip, zstd, xz, bzip2, or
 * plain), hashed as plain tar. The format is told by its first bytes, never by a name or a media
 * type.
 *
 * Invariant: the two digests cover every byte that was read, and are whole only after stream_read
 * has returned 0. Memory is limited: windows of zstd and xz.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct source;
/** Up to @len more bytes; 0 at the end, negative errno with @e filled. */
typedef ssize_t (*source_read_fn)(struct source *s, void *buf, size_t len, struct err *e);

/** Where stored bytes come from: a descriptor (source_open) or a member of an outer archive. */
struct source {
	source_read_fn read;
	int fd;
	bool seekable;
	uint64_t at;   /* next offset when seekable */
	uint64_t left; /* bytes that may still be read; UINT64_MAX: to the end */
	uint64_t done; /* bytes read */
	void *ctx;     /* of another kind of source */
};
void source_open(struct source *s, int fd, bool seekable, uint64_t offset, uint64_t size);

enum { STREAM_BLOCK = 256 << 10 };

/** Do these first bytes begin a packed stream, of a format that we know or one that we refuse? */
bool stream_is_packed(const uint8_t *head, size_t len);

struct stream;
struct stream_limits {
	uint64_t bytes;    /* plain bytes in all */
	uint64_t ratio;    /* plain to stored, once more than a GiB came out */
	bool hash;         /* the digests are wanted */
	bool small_window; /* of zstd */
};
/** 0 or negative errno. Whoever opens it closes it. */
int stream_open(struct stream **ret, struct source *source, const struct stream_limits *limits,
		struct err *e);
void stream_close(struct stream **s);
/** Plain bytes: fills @buf as far as one block of input allows; 0 at the end. */
ssize_t stream_read(struct stream *s, void *buf, size_t len, struct err *e);
/** Nothing more is wanted of it: what is packed has to end all the same, with its checksum. 0, or
 * negative errno with @e filled where it is cut short. */
int stream_finish(struct stream *s, struct err *e);
/** Add plain bytes to the diff id; split from stream_read so that another thread can do it. */
void stream_hash(struct stream *s, const void *buf, size_t len);
/** The two digests as 64 hex digits, and the bytes read; at the end only. */
void stream_digests(struct stream *s, char diff_id[static 65], char digest[static 65]);
