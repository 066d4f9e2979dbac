/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bringing layers into the store so that no kill and no power cut leaves half of one.
 *
 *   1. <root>/layers/.stage-<boot><random>/ is made and locked (flock(2)) as long as its maker
 *      lives;
 *   2. layers are unpacked below it: .stage-.../<folder>/fs;
 *   3. one syncfs(2) makes all of it durable;
 *   4. under the state store's lock: each folder is renamed to layers/<diff id>, the folder layers
 * is synced, the rows are written, and the transaction committed durably.
 *
 * Killed before 4 ends, the image does not exist; what is left is a staging folder that nobody has
 * locked, or a whole layer without a row. stage_sweep removes both. Names below layers/ that are
 * diff ids always stand for whole layers.
 */
#pragma once

#include <dirent.h>

#include "image/image.h"
#include "image/unpack.h"

struct stage {
	int layers_fd; /* <root>/layers */
	int fd;        /* the staging folder, locked */
	char name[32];
	/* Called within the transaction of stage_commit, for the rows of others; or NULL. */
	int (*also)(void *ctx, struct err *e);
	void *also_ctx;
};

#define STAGE_NONE                                                                                 \
	{                                                                                          \
		.layers_fd = -1, .fd = -1                                                          \
	}

int stage_open(struct stage *st, struct image_store *s, struct err *e);
/** Remove what is still in it, and the folder. */
void stage_close(struct stage *st);

/** A folder below the staging folder, for one layer; a descriptor. */
int stage_make_dir(struct stage *st, const char *folder, struct err *e);

/** A layer whose folder is @folder is whole: it is called so that stage_adopt() finds it. Its new
 *  name lives in @a. */
char *stage_keep(struct stage *st, const char *folder, const char *diff_id, int64_t size,
		 struct arena *a);
/** Take over what a killed command kept of this layer, since this boot: as what it has written may
 * not be on the disk, it is worth nothing after another. Its folder here, in @a, or NULL. Before
 * stage_sweep(), which removes all of that. */
char *stage_adopt(struct stage *st, const char *diff_id, int64_t *ret_size, struct arena *a);

/** The next in @d, of layers/, of the staging folders that killed commands left since this boot,
 *  but for @own: locked, so that nobody else takes it, or -1. */
int stage_next_orphan(int layers_fd, const char *own, DIR *d);

/** Is the layer in the store, row and tree? 1, 0, or negative errno. */
int stage_has_layer(struct stage *st, struct image_store *s, const char *diff_id, int64_t *ret_size,
		    struct err *e);

struct stage_layer {
	const char *diff_id;
	const char *folder; /* below the staging folder; NULL: the store has it */
	int64_t size;
};
/* What an image came by, kept byte for byte so that it can go elsewhere as it came. */
struct stage_manifest {
	const char *digest, *media_type; /* "sha256:<hex>" */
	const char *text;                /* NULL: there is none */
	const char *repository; /* "docker.io/library/busybox", which has its blobs; or NULL */
};
struct stage_name {
	const char *name;   /* full reference */
	const char *digest; /* of the manifest, "sha256:<hex>", or NULL */
};
struct stage_image {
	const char *id;    /* NULL: only layers, without an image; also() sees to who has them */
	const char *event; /* "load", "import"; NULL: none but those of its names */
	const char *config_text;
	int64_t created;
	struct stage_layer *layers; /* the lowest first */
	size_t layer_count;
	struct stage_name *names;
	size_t name_count;
	struct stage_manifest manifest;
};
/** Steps 3 and 4. -EAGAIN when a layer that was in the store has gone meanwhile. */
int stage_commit(struct stage *st, struct image_store *s, const struct stage_image *images,
		 size_t count, struct err *e);
/** Remove layers without a row, and staging folders without an owner. */
int stage_sweep(struct image_store *s, struct err *e);
/** <root>/layers, made if missing (0700). */
int stage_open_layers(struct image_store *s, struct err *e);
