/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A layer's tar stream to a tree: libarchive tells the entries, tree.h writes them. What an entry
 * may be is decided here: whiteouts, extended attributes, devices, limits.
 */
#pragma once

#include <archive.h>
#include <archive_entry.h>

#include "image/unpack.h"
#include "image/unpack/stream.h"
#include "image/unpack/tree.h"

struct layer_limits {
	uint64_t bytes, entries, ratio;
	bool small_window;
};

/** Called with the stored bytes read so far, from the calling thread. */
typedef void (*layer_progress_fn)(void *ctx, uint64_t done);

/** Whose everything is, whatever the archive says. */
struct layer_owner {
	uid_t uid;
	gid_t gid;
};

struct layer_target {
	int stage;         /* folder in which "fs" is made, and "layout" beside it */
	bool into;         /* no: into which it goes, among other files, and without whiteouts */
	const char *below; /* then: it goes there, below @stage; see struct tree */
	const struct layer_owner *owner; /* or NULL */
	int times;                       /* unlinked file */
	int socket;
	layer_progress_fn progress;
	void *ctx;
};

/** Unpack the whole of @source to <stage>/fs, or <stage> itself. On failure the text names the
 * entry. */
int layer_unpack(struct source *source, const struct layer_target *target,
		 const struct layer_limits *limits, struct unpack_layer *ret, struct err *e);
struct layout;
/** One entry, its data read from @a: the part of layer_unpack that decides. */
struct layer_writer {
	struct tree tree;
	const struct layer_owner *owner; /* or NULL */
	struct layer_limits limits;
	struct layout *layout;   /* or NULL */
	uint64_t bytes, entries; /* of regular files; so far */
	bool whole; /* the data of the entry was read, and only its padding is still to come */
};
int layer_write_entry(struct layer_writer *w, struct archive *a, struct archive_entry *entry,
		      struct err *e);
/** A libarchive reader for tar and nothing else; NULL without memory. */
struct archive *layer_reader(void);
/** What a failed libarchive call means; -ENOMEM when a limit of memory stopped it. */
int layer_reader_error(struct archive *a, struct err *e);
/** True when @r, from archive_read_next_header, gave an entry that can be used. */
bool layer_header_ok(struct archive *a, int r);
/** A name out of an archive for messages: printable, at most 200 bytes. */
const char *layer_show_name(const char *name, char buf[static 208]);
