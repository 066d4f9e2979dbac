/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images out of the store as bytes again, for archives and registries. The tars that layers came in
 * are not kept, only their trees, and what of a tar no tree has (unpack/layout.h): with both the
 * layer is made again byte for byte. A layer that was built here is packed in the fixed order that
 * its digest was computed in. So an image keeps its id, and shares its layers, wherever it goes.
 *
 * Only where that fails (a tar that names a file twice; a layer of an older hull, without a layout)
 * a layer comes out with another digest: then the config names that, and the image gets another id.
 */
#pragma once

#include <json-c/json.h>

#include "image/image.h"
#include "image/unpack_job.h"

#define OCI_TYPE(what) "application/vnd.oci.image." what

struct blob {
	char digest[ID_LEN + 1];
	uint64_t size;
	const char *type;         /* of a layer, as OCI names it */
	char diff_id[ID_LEN + 1]; /* of a layer */
};

/** A layer that is being packed. */
struct repack {
	char diff_id[ID_LEN + 1], path[ID_LEN + 16];
	int folder, file;
	bool gzip, replay;
	struct unpack_job job;
};
#define REPACK_NONE                                                                                \
	{                                                                                          \
		.folder = -1, .file = -1, .job = UNPACK_JOB_NONE                                   \
	}

/** Begin to pack the layer, as a tar or (@gzip) a packed one, into a file without a name below
 *  --root. */
int repack_begin(struct image_store *s, const char *diff_id, bool gzip, struct repack *r,
		 struct err *e);
/** Wait for its end: @ret_fd, the caller's. */
int repack_end(struct image_store *s, struct repack *r, int *ret_fd, struct blob *ret,
	       struct err *e);
void repack_stop(struct repack *r);
#define CLEANUP_REPACK __attribute__((cleanup(repack_stop)))
/** The config for these layers, the lowest first: byte for byte as it came if they are what it
 *  names. */
int repack_config(const struct image *image, const struct blob *layers, struct arena *a, char **ret,
		  struct err *e);
/** An OCI manifest. */
char *repack_manifest(const struct blob *config, const struct blob *layers, size_t count,
		      struct arena *a);
struct json_object *repack_descriptor(const char *type, const struct blob *b, struct arena *a);
