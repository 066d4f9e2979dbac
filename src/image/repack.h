/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images out of the store as bytes again, for archives and registries. The tars that layers came in
 * are not kept, only their trees; so each layer is packed anew, in a fixed order, and where its
 * digest is not the old one the config names the new one: the image gets another id. What came out
 * so comes out the same the next time.
 */
#pragma once

#include <json-c/json.h>

#include "image/image.h"

#define OCI_TYPE(what) "application/vnd.oci.image." what

struct blob {
	char digest[ID_LEN + 1];
	uint64_t size;
};

/** The layer as a tar, in a file without a name below --root: @ret_fd, the caller's. */
int repack_layer(struct image_store *s, const char *diff_id, int *ret_fd, struct blob *ret,
		 struct err *e);
/** The config for these layers, the lowest first: byte for byte as it came if they are what it
 *  names. */
int repack_config(const struct image *image, const struct blob *layers, struct arena *a, char **ret,
		  struct err *e);
/** An OCI manifest of plain tars. */
char *repack_manifest(const struct blob *config, const struct blob *layers, size_t count,
		      struct arena *a);
struct json_object *repack_descriptor(const char *type, const struct blob *b, struct arena *a);
