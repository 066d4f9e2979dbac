/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an archive says is in it: images, and the layers they need. The two formats (plan_docker.c,
 * plan_oci.c) fill the same plan; load.c carries it out.
 *
 * Everything that can be checked without reading a layer is checked here: digests are digests, a
 * config's sha256 is the image's id, there are as many layers as diff ids.
 */
#pragma once

#include "image/archive.h"

enum { PLAN_IMAGES_MAX = 256 };

struct plan_layer {
	char diff_id[ID_LEN + 1];
	char digest[ID_LEN + 1]; /* of the bytes as stored; "" where the format does not say */
	const char *media_type;  /* of those; NULL: the same */
	struct archive_layer source;
	bool ready;         /* in the store, or unpacked in the staging folder */
	const char *folder; /* there; NULL: in the store */
	int64_t size;
};

struct plan_image {
	char id[ID_LEN + 1];
	char *config_text;
	struct oci_image config;
	struct plan_layer **layers;     /* the lowest first */
	struct array names;             /* of struct stage_name */
	struct stage_manifest manifest; /* text NULL: it came without one */
};

struct plan {
	struct archive *archive;
	const char *platform; /* wanted: "linux/arm64", or NULL */
	struct arena *arena;
	struct plan_image *images;
	size_t count;
	struct plan_layer **layers; /* each diff id once */
	size_t layer_count, layer_room;
	struct strv others; /* platforms that were passed over */
	/* Where documents come from that are not in an archive (`archive` is NULL then). */
	int (*fetch)(struct plan *p, const struct oci_descriptor *d, bool manifest, size_t max,
		     char **ret, size_t *ret_len, struct err *e);
	void *ctx; /* of it */
};

/** Read manifest.json, or index.json. */
int plan_make(struct plan *p, struct err *e);
int plan_docker(struct plan *p, struct err *e);
int plan_oci(struct plan *p, struct err *e);
/** Take the image that a descriptor leads to, of an index the one of the wanted platform. -ENOENT
 * when there is none. */
int plan_oci_image(struct plan *p, const struct oci_descriptor *d, struct plan_image **ret,
		   struct err *e);

/* Shared by the formats. */

/** Refuse a document with more values than any image has, before it becomes a thousand times as
 * much memory. */
int plan_check_document(const char *name, const char *text, size_t len, struct err *e);
/** Parse and check the config, and begin a new image. */
int plan_add_image(struct plan *p, const char *name, char *config_text, size_t len,
		   struct plan_image **ret, struct err *e);
/** Layer number @i of @im is the member @name; @digest: 64 hex digits, or NULL. */
int plan_set_layer(struct plan *p, struct plan_image *im, size_t i, const char *name,
		   const char *digest, struct err *e);
void plan_add_name(struct plan *p, struct plan_image *im, const char *name, const char *digest);
/** Does the platform (either part may be NULL) fit what is wanted? */
bool plan_platform_fits(const struct plan *p, const char *os, const char *architecture,
			const char *variant);
