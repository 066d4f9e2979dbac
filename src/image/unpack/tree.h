/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a layer's tree beneath a folder descriptor.
 *
 * Invariants: no symbolic link of a layer is ever followed (openat2(2) RESOLVE_BENEATH |
 * RESOLVE_NO_SYMLINKS): one that stands where a folder is needed is replaced by a folder, or
 * refused when it leads out of the layer. Whatever has the name of a new entry is removed before;
 * nothing that exists is opened for writing, nor changed but a folder that the archive names again.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"

enum { TREE_PATH_MAX = 4096, TREE_DEPTH_MAX = 512 };
/* A path goes through a symbolic link whose target is absolute or above the root. */
enum { TREE_LEADS_OUT = -EXDEV };

struct tree {
	int root;   /* O_PATH or readable folder */
	int times;  /* unlinked file of the folders' times, set when all entries are written */
	int socket; /* to the engine: opaque folders */
	bool into;  /* among files of others: mounts may be crossed, and neither a folder takes the
		     * place of something else nor the other way round */
	const char *below; /* then: paths begin there, below @root, and links that are there on the
			    * way to an entry are followed as in a root directory. NULL: none is */
	int parent;        /* O_PATH of the folder used last, or -1 */
	char parent_path[TREE_PATH_MAX];
	char *pending; /* buffer in front of @times */
	size_t pending_len;
};

struct tree_meta {
	mode_t mode; /* permission bits, setuid, setgid, sticky */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
};

/** @root, @times and @socket stay the caller's; @t->into is set by the caller afterwards. */
int tree_open(struct tree *t, int root, int times, int socket, struct err *e);
void tree_close(struct tree *t);

/**
 * Bring a name out of an archive into the one form that is used: no leading "/" (docker drops it,
 * too), no "." and no empty component, no "/" at the end. "" is the root. -EINVAL for ".."
 * anywhere, -ENAMETOOLONG beyond TREE_PATH_MAX, TREE_DEPTH_MAX or 255 bytes a component.
 */
int tree_normalise(const char *name, char path[static TREE_PATH_MAX], struct err *e);

/** Make (or take over) a folder; its time is set at the end. */
int tree_make_dir(struct tree *t, const char *path, const struct tree_meta *m, struct err *e);
/** Make a regular file and return its descriptor for writing; tree_finish_file when it is written.
 */
int tree_make_file(struct tree *t, const char *path, struct err *e);
int tree_finish_file(int fd, const struct tree_meta *m, struct err *e);
/** A device, FIFO or socket: @type as S_IFMT. */
int tree_make_node(struct tree *t, const char *path, mode_t type, dev_t device,
		   const struct tree_meta *m, struct err *e);
int tree_make_symlink(struct tree *t, const char *path, const char *target,
		      const struct tree_meta *m, struct err *e);
/** @target is a normalised path of an entry of this layer. */
int tree_make_link(struct tree *t, const char *path, const char *target, struct err *e);
/** Hide @path of the layers below; what this layer itself has there stays. */
int tree_whiteout(struct tree *t, const char *path, struct err *e);
/** Hide everything in the folder @path of the layers below. */
int tree_opaque(struct tree *t, const char *path, struct err *e);
/** Open an entry of the layer for fsetxattr: a folder or a regular file. */
int tree_open_for_xattr(struct tree *t, const char *path);
/** Set the folders' times. */
int tree_finish(struct tree *t, struct err *e);
