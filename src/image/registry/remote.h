/* SPDX-License-Identifier: Apache-2.0 */
/* One repository of one registry, with a hull-transport of its own. */
#pragma once

#include "image/image.h"
#include "image/registry/credentials.h"
#include "image/registry/registries.h"
#include "image/registry/transport_job.h"

struct remote {
	struct transport_job job;
	struct image_store *store;
	struct arena *arena;
	const char *path;       /* of the repository, at this endpoint */
	const char *repository; /* "docker.io/library/busybox": what the user calls it */
	bool plain;             /* it speaks http */
};
#define REMOTE_NONE                                                                                \
	{                                                                                          \
		.job = TRANSPORT_JOB_NONE                                                          \
	}
#define CLEANUP_REMOTE __attribute__((cleanup(remote_close)))

/** @scope: what will be done, as tokens name it ("repository:PATH:pull"), blanks between.
 * @credentials: NULL: what is kept for @domain. */
int remote_open(struct remote *r, struct image_store *s, const struct image_registry *how,
		const char *domain, const char *path, const struct endpoint *at, const char *scope,
		const struct credentials *credentials, struct arena *a, struct err *e);
void remote_close(struct remote *r);
/** Fill in a request for "/v2/<path of the repository>/<what>". */
void remote_request(const struct remote *r, struct transport_request *q, uint32_t op,
		    const char *what);
/** The text as a file without a name; -errno. */
int remote_memory(const char *text, struct err *e);
/** Put a manifest or index there, by a tag or its digest. */
int remote_put_manifest(struct remote *r, const char *name, const char *type, const char *text,
			struct err *e);
/** A document of at most @most bytes (@size: exactly so many, UINT64_MAX: unknown), without NUL.
 *  @m says of which type it is. */
int remote_text(struct remote *r, struct transport_request *q, uint64_t size, size_t most,
		char **ret, size_t *ret_len, struct transport_message *m, struct err *e);
