/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine and hull-unpack say to each other: one request, then messages until UNPACK_DONE
 * or UNPACK_FAILED, over a SOCK_SEQPACKET pair. Fixed-size structs of one machine.
 *
 * hull-unpack is the only process that parses archives, and that makes them. It gets three
 * descriptors and nothing else: the bytes (0), the socket (3) and a folder (4), in which it writes
 * or reads, but not both (of UNPACK_BYTES a file). The engine trusts its messages no further than
 * their form: the worst a taken-over hull-unpack can do is to fill that folder.
 */
#pragma once

#include <errno.h>
#include <stdint.h>

#include "base/err.h"

enum { UNPACK_VERSION = 2, UNPACK_NAME_MAX = 512, UNPACK_MEMBERS_MAX = 100000 };
enum unpack_fd { UNPACK_SOURCE_FD = 0, UNPACK_SOCKET_FD = 3, UNPACK_STAGE_FD = 4 };

/** The number of the error of what is no tar, of which nothing was unpacked. */
enum { UNPACK_NO_TAR = EMEDIUMTYPE };
/** JSON documents and other small members of an archive; larger ones are layers or unused. */
#define UNPACK_SMALL_MAX ((uint64_t)8 << 20)
#define UNPACK_WHOLE UINT64_MAX

enum unpack_mode {
	UNPACK_LAYER = 1, /* the source is a layer: unpack it to <stage>/fs, and what of it is
			   * not in there to <stage>/layout */
	UNPACK_INDEX,     /* the source is a plain seekable tar: list its members */
	UNPACK_ARCHIVE,   /* the source is a tar in any packing, read once: keep small members as
			   * <stage>/<number>.small, unpack the layers in it to <stage>/<number>/fs */
	UNPACK_INTO,      /* the source is a tar in any packing: unpack it into the folder itself,
			   * where other files may be */
	UNPACK_PACK,      /* the other way: write the tree <stage>/<name> as a tar, by the name
			   * <as>, to descriptor 0 */
	UNPACK_DIGEST,    /* the same, but only its digest is wanted: the layer's diff id */
	UNPACK_REPLAY,    /* the tar that <stage>/fs and <stage>/layout came from, byte for byte */
	UNPACK_BYTES, /* no archive: the source is packed with gzip (UNPACK_GZIP), or unpacked, to
		       * the file on descriptor 4 */
};

enum unpack_flag {
	UNPACK_OWNER = 1,     /* UNPACK_INTO: everything belongs to uid and gid */
	UNPACK_WHITEOUTS = 2, /* UNPACK_PACK: the tree is the upper folder of an overlay, the tar a
			       * layer of an image */
	UNPACK_SUMS =
		4, /* UNPACK_PACK, or _REPLAY: UNPACK_DONE has the layer's digests and sizes */
	UNPACK_GZIP = 8,          /* the same, and the tar is packed with gzip; _BYTES */
	UNPACK_SMALL_WINDOW = 16, /* UNPACK_LAYER: who gave it memory knows of no zstd */
};

struct unpack_request {
	uint32_t version;
	uint32_t mode;     /* enum unpack_mode */
	uint32_t seekable; /* read by pread(2) from @offset, never moving the shared position */
	uint32_t flags;    /* enum unpack_flag */
	uint64_t offset;
	uint64_t size; /* bytes of the source; UNPACK_WHOLE: to its end */
	uint64_t max_bytes, max_entries, max_ratio; /* struct image_limits, none 0 */
	uint32_t uid, gid;
	char name[UNPACK_NAME_MAX], as[UNPACK_NAME_MAX]; /* "": the folder itself; its content */
};

/** What became of a layer. */
struct unpack_layer {
	char diff_id[65]; /* sha256 of the plain tar, 64 hex digits */
	char digest[65];  /* sha256 of the bytes as stored */
	char reserved[6];
	uint64_t size;   /* bytes of its regular files */
	uint64_t packed; /* bytes as stored */
	uint64_t entries;
};

enum unpack_op {
	UNPACK_PROGRESS = 1, /* done */
	UNPACK_OPAQUE, /* + 1 descriptor: a folder of the layer that hides what is below it. The
			* engine marks it, as only CAP_SYS_ADMIN can (trusted.overlay.opaque) */
	UNPACK_MEMBER, /* kind, number, name, link, offset, size, layer */
	UNPACK_DONE,   /* layer, in the modes of one */
	UNPACK_FAILED, /* err */
};

enum unpack_member_kind {
	MEMBER_FILE = 1, /* at offset, size (UNPACK_INDEX) */
	MEMBER_SMALL,    /* kept as <number>.small; layer.digest is set */
	MEMBER_LAYER,    /* unpacked to <number>/fs; layer is set */
	MEMBER_UNUSED,   /* neither small nor a layer; layer.digest is set */
	MEMBER_LINK,     /* symbolic: link */
	MEMBER_HARDLINK, /* link: name of an earlier member */
};

struct unpack_message {
	uint32_t version;
	uint32_t op;   /* enum unpack_op */
	uint32_t kind; /* enum unpack_member_kind */
	uint32_t number;
	uint64_t done; /* bytes of the source read so far */
	uint64_t offset, size;
	struct unpack_layer layer;
	char name[UNPACK_NAME_MAX], link[UNPACK_NAME_MAX];
	struct err err;
};
