/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a container from outside: for cp and export. All paths are resolved below its root,
 * by openat2(2), as its own processes would; archives are written and read by hull-unpack. No
 * program of the container runs, and no link in it leads out of it.
 */
#pragma once

#include "engine/engine.h"

/** Whose files: a container's, or this machine's. */
struct file_space {
	int root;         /* O_PATH */
	int lock;         /* of a container that does not run, or -1 */
	const char *name; /* of the container, NULL: this machine */
	char id[65];      /* the same */
};
#define FILE_SPACE_NONE                                                                            \
	{                                                                                          \
		.root = -1, .lock = -1                                                             \
	}

/** What its processes see while it runs; else its root with its volumes and binds, as they will see
 *  it: then it cannot be started until file_space_close(), and where it has any, this process is in
 *  a mount namespace of its own afterwards. */
int file_space_container(struct engine *en, const char *ref, struct arena *a,
			 struct file_space *ret, struct err *e);
int file_space_host(struct file_space *ret, struct err *e);
void file_space_close(struct file_space *s);
#define CLEANUP_FILE_SPACE __attribute__((cleanup(file_space_close)))

/** One name in a folder, symbolic links of the path before it followed. */
struct file_place {
	int folder; /* O_PATH */
	int root;   /* of a container, where links may lead, and its owner's; else -1 */
	char *path; /* of the folder, below that */
	char *name; /* "" for the folder itself */
	char *base; /* how a copy of it is called */
	bool exists, is_folder;
	bool content; /* the path ended with "/.": what is in the folder, without it */
};
/** A source: with @follow a symbolic link at its end is followed too. -ENOENT if it is not there.
 */
int file_find_source(const struct file_space *s, const char *path, bool follow, struct arena *a,
		     struct file_place *ret, struct err *e);
/** A destination: links are followed; it may be missing, but not the folder it lies in. */
int file_find_target(const struct file_space *s, const char *path, struct arena *a,
		     struct file_place *ret, struct err *e);

typedef void (*file_progress_fn)(void *ctx, uint64_t bytes);
struct file_copy {
	bool keep_owner; /* else all belongs to @uid:@gid */
	uid_t uid, gid;
	file_progress_fn progress; /* or NULL */
	void *ctx;
};
/** docker's rules for what a copy of @from is called at @to, and whether it can be. */
int file_copy(struct engine *en, const struct file_place *from, const struct file_place *to,
	      const struct file_copy *copy, struct err *e);
/** The tar at @fd, packed or not, into the folder @to. */
int file_unpack(struct engine *en, int fd, const struct file_place *to,
		const struct file_copy *copy, struct err *e);
/** A tar of @from to @fd. */
int file_pack(struct engine *en, const struct file_place *from, int fd,
	      const struct file_copy *copy, struct err *e);

/** NAME[:GROUP] by the files in the tree @root: its two numbers. */
int file_owner(int root, const char *owner, struct arena *a, uint32_t ret[2], struct err *e);
/** The root file system of a container without what is mounted into it, as a tar to @fd. */
int container_export(struct engine *en, const char *ref, int fd, const struct file_copy *copy,
		     struct err *e);

/** What is in a volume as a tar to @fd. */
int volume_export(struct engine *en, const char *name, int fd, struct err *e);
/** The tar at @fd, packed or not, into a volume, among what is there; owners are kept. */
int volume_import(struct engine *en, const char *name, int fd, struct err *e);

/* --- what a container has changed --- */

enum change_kind { CHANGE_MODIFIED, CHANGE_ADDED, CHANGE_DELETED }; /* as docker's API */
struct file_change {
	enum change_kind kind;
	char *path;
};
/** What is in the container's own layer, against its image; ordered by path. -ENOTSUP for one that
 *  has no layer of its own (--rootfs). */
int container_changes(struct engine *en, const char *ref, struct arena *a, struct file_change **ret,
		      size_t *ret_count, struct err *e);

/** The same of the files of image @ref against those of image @base; NULL: those below its topmost
 *  layer. */
int image_changes(struct engine *en, const char *ref, const char *base, struct arena *a,
		  struct file_change **ret, size_t *ret_count, struct err *e);

struct container_commit {
	const char *reference, *author, *message; /* or NULL */
	struct strv changes;                      /* Dockerfile instructions */
	bool pause;                               /* while its files are read */
	const struct docker_config *config; /* what it has wins over the container's; or NULL */
};
/** A new image from the container's image, its layer and its config. */
int container_commit(struct engine *en, const char *ref, const struct container_commit *commit,
		     char ret_id[ID_LEN + 1], struct err *e);
