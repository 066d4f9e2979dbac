/* SPDX-License-Identifier: Apache-2.0 */
/* Images out of the state store; what find.c, list.c and remove.c share. */
#pragma once

#include "image/image.h"

/** Read the image with this id, whole. -ENOENT when there is none. */
int image_read(struct image_store *s, const char *id, struct arena *a, struct image *ret,
	       struct err *e);
/**
 * What a user's name stands for: @ret_id, and in @ret_name the full reference it went by (NULL: by
 * id). Errors as image_find.
 */
int image_resolve(struct image_store *s, const char *name, struct arena *a,
		  char ret_id[static ID_LEN + 1], char **ret_name, struct err *e);
/** Within a transaction: delete the rows of layers that nobody has, neither an image nor the cache
 * of builds; their diff ids. Their trees go with the next sweep. */
int image_drop_layers(struct image_store *s, struct arena *a, struct strv *ret, struct err *e);
