/* SPDX-License-Identifier: Apache-2.0 */
/*
 * COPY and ADD: files of a context, of an image or of another stage into a tree. Sources are found
 * below a root descriptor that no link leaves (base/path.h); the destination is resolved in the
 * mounted tree, as a container would. Owners and modes are given; the rules for destinations are
 * docker's.
 */
#pragma once

#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/shape.h"
#include "build/ignore.h"
#include "image/image.h"

enum { COPY_DEPTH_MAX = 512, COPY_SOURCES_MAX = 100000 };

struct copy_source {
	int fd;           /* O_PATH; of a here-document, its memory */
	const char *path; /* below the root, clean and without links: "a/b", "" is the root */
	const char *name; /* how a copy of it is called */
	const char *keep; /* --parents: folders of the destination that it brings, or "" */
	const char *top;  /* of a folder: patterns of --exclude are of paths below this one */
	struct stat st;
	bool archive; /* ADD: it is unpacked */
};

struct copy {
	int root;                    /* the sources lie below it */
	const struct ignore *ignore; /* of a context, or NULL */
	struct ignore exclude;       /* --exclude */
	bool keep_owner;             /* else it is uid and gid's */
	bool parents, unpack;        /* --parents; ADD */
	uid_t uid, gid;
	bool chown;        /* uid and gid were asked for: new folders and archives get them, too */
	const char *chmod; /* octal, or symbolic as chmod(1), or NULL */
	const char *to;    /* absolute; with a slash at its end it is a folder */
	const char *libexec; /* of hull-unpack */
	int64_t epoch;       /* seconds: times that are later become this; -1: none */
	struct arena *a;
	struct array sources; /* of struct copy_source */
	const char *top;      /* of the source that is looked at */
};

/** Find what @pattern stands for, which may have wildcards; -ENOENT when nothing does. The folder
 * of a context itself is 0755, whatever it is on disk. */
int copy_find(struct copy *c, const char *pattern, struct err *e);
/** A here-document as a source. */
int copy_add_text(struct copy *c, const char *name, const char *text, struct err *e);
/** sha256 of all that the sources come to: names, types, modes, owners, contents; no times. */
int copy_digest(struct copy *c, char ret[static ID_LEN + 1], struct err *e);
/** The same of inodes, sizes and times instead of contents: where this is as it was, so is the
 * digest, unless something was changed at the time when that was computed: @ret_newest, ns since
 * 1970. */
int copy_signature(struct copy *c, char ret[static ID_LEN + 1], int64_t *ret_newest, struct err *e);
/** Write them below @to, a mounted tree. */
int copy_write(struct copy *c, int to, struct err *e);
void copy_close(struct copy *c);
#define CLEANUP_COPY __attribute__((cleanup(copy_close)))
/** Is this a mode for --chmod? */
int copy_check_mode(const char *mode, struct err *e);
