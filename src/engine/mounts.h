/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is mounted into a container besides its root: binds, volumes, tmpfs, gathered from -v,
 * --mount,
 * --tmpfs, --volumes-from and the image's VOLUMEs, one per destination.
 */
#pragma once

#include <sys/stat.h>

#include "engine/internal.h"
#include "spec/oci.h"

enum mount_kind { MOUNT_BIND, MOUNT_VOLUME, MOUNT_TMPFS, MOUNT_IMAGE };

struct mount_point {
	enum mount_kind kind;
	char *source;        /* path on the host; of the volume's data; the image as it was named */
	char *name;          /* of the volume, id of the image, else NULL */
	char *destination;   /* clean and absolute */
	char *mode;          /* the third part of -v as given, "" if none: inspect shows it */
	char *propagation;   /* "rprivate" by default */
	char *subpath;       /* of a volume or an image, or NULL */
	char *tmpfs_options; /* "size=64m,mode=1777", or "" */
	const struct kvs *labels, *options; /* for a volume that is made for this mount, or NULL */
	const char *idmap;      /* NULL: none; "": see mount_idmap_plan(); or its maps */
	bool shallow_read_only; /* what is mounted below a read-only bind stays writable */
	bool read_only, no_copy, non_recursive, create_source, anonymous;
	bool asked_for; /* by -v, --mount or --tmpfs: no other may lie upon it */
};

/**
 * All mount points of @c, ordered so that parents come before what is mounted below them. Anonymous
 * volumes get the name that they have for this container already, or a new one.
 */
int container_mounts(struct engine *en, const struct container *c, struct arena *a,
		     struct mount_point **ret, size_t *ret_count, struct err *e);

/** The descriptors of each tmpfs that a container has whose first process runs its command, for its
 * monitor, with their numbers; how many. */
size_t end_hold_tmpfs(const struct engine *en, const struct container *c, pid_t pid,
		      const struct mount_point *mounts, size_t count, int fds[TMPFS_MAX],
		      uint8_t numbers[TMPFS_MAX]);

/** Note in @config which images its mounts name now: they keep these. */
int mounts_find_images(struct engine *en, const struct container_config *config, struct arena *a,
		       struct err *e);
/** What @m, an image, mounts: its tree or a part of it, detached and read-only. */
int image_mount(struct engine *en, const struct mount_point *m, struct err *e);

/** The maps of m->idmap into @ret. "uids=0-1000-1#1-5-10;gids=...", podman's form: each range as it
 * is stored, as it is shown, and how many; gids as uids where they are not said. "": what belongs
 * to the @owner of the source is shown as the @user's, and what he writes is the owner's; nobody
 * else is shown as one of the two, and all others are as they are. */
int mount_idmap_plan(const struct mount_point *m, const struct oci_user *user,
		     const struct stat *owner, struct oci_mount *ret, struct arena *a,
		     struct err *e);

/** Are they options of docker's local driver? Docker's texts. */
int volume_options_check(const char *name, const struct kvs *options, struct err *e);
/** What @m, a volume, mounts: a detached mount, or negative errno. With options it is mounted for
 *  this. But a tmpfs is taken from a container that has it; until @container, which gets it, runs,
 *  *@lock is held, so that there is one only (NULL: for a look, by nobody). */
int volume_mount(struct engine *en, const struct mount_point *m, const char *container, int *lock,
		 struct err *e);

/** What new or empty volumes are to hold: copies of what the image has at their destinations, below
 * @root_fd (the mounted image), in folders of the container @id, mount_staged() each. Owner and
 * mode of the folder are taken over too, as docker does. */
int mounts_stage(struct engine *en, const char *id, const struct mount_point *mounts, size_t count,
		 int root_fd, struct err *e);
/** The folder below --root where the contents for mount number @i wait for volume_place(). */
char *mount_staged(const char *id, size_t i, struct arena *a);
