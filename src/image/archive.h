/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an image comes in, seen as names with bytes: a plain tar that can be seeked (listed by
 * hull-unpack, read in place), any other stream (passed once through hull-unpack, its layers
 * unpacked already), or a folder.
 */
#pragma once

#include "image/stage.h"

enum archive_form { ARCHIVE_TAR, ARCHIVE_STREAM, ARCHIVE_FOLDER };

enum { ARCHIVE_MANIFEST_MAX = 4 << 20, ARCHIVE_CONFIG_MAX = 8 << 20 };

struct archive_member {
	char *name, *link;
	uint32_t kind; /* enum unpack_member_kind */
	uint32_t number;
	uint64_t offset, size;
	struct unpack_layer layer;
};

struct archive {
	enum archive_form form;
	int fd;       /* the caller's */
	uint64_t end; /* bytes of the file, ARCHIVE_TAR */
	struct stage *stage;
	struct archive_member *members; /* ordered by name */
	size_t count, room;
	struct arena *arena;
	const struct image_load *req;
};

/** Look at @fd and list what is in it. The members live in @a. */
int archive_open(struct archive *ar, struct image_store *s, int fd, struct stage *st,
		 const struct image_load *req, struct arena *a, struct err *e);
bool archive_has(struct archive *ar, const char *name);
/** The text of a document of at most @max bytes, NUL-terminated. -ENOENT names it. */
int archive_read_text(struct archive *ar, const char *name, size_t max, char **ret, size_t *ret_len,
		      struct err *e);

/** Where a layer's bytes are. */
struct archive_layer {
	struct archive_member *member; /* NULL in a folder */
	int fd;                        /* to read from; the caller's to close in a folder only */
	uint64_t offset, size;
};
int archive_find_layer(struct archive *ar, const char *name, struct archive_layer *ret,
		       struct err *e);
