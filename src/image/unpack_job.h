/* SPDX-License-Identifier: Apache-2.0 */
/* Running hull-unpack and listening to it. One job is one process. */
#pragma once

#include <stdbool.h>

#include "image/helper.h"
#include "image/image.h"
#include "image/unpack.h"

struct unpack_job {
	struct helper helper;
	struct unpack_layer layer; /* of UNPACK_LAYER, once unpack_handle returned 0 */
};

#define UNPACK_JOB_NONE                                                                            \
	{                                                                                          \
		.helper = HELPER_NONE                                                              \
	}

struct unpack_events {
	void (*progress)(void *ctx, uint64_t done);                              /* or NULL */
	int (*member)(void *ctx, const struct unpack_message *m, struct err *e); /* or NULL */
	void *ctx;
};

/** The defaults of the limits that are 0, in the form of a request. */
void unpack_limits(struct unpack_request *q, const struct image_limits *limits);
/** Start it; @source_fd and @stage_fd stay the caller's. */
int unpack_start(struct unpack_job *j, const char *libexec, const struct unpack_request *q,
		 int source_fd, int stage_fd, struct err *e);
/** Start it the other way: the tree @name below @folder ("": the folder itself) as a tar to @to, by
 *  the name @as; @flags: enum unpack_flag. */
int unpack_start_pack(struct unpack_job *j, const char *libexec, int folder, const char *name,
		      const char *as, uint32_t flags, int to, struct err *e);
/** Start it to write the tar that the layer <@folder>/fs was unpacked from to @to. */
int unpack_start_replay(struct unpack_job *j, const char *libexec, int folder, bool gzip, int to,
			struct err *e);
/** Start it for the diff id and size of the layer that the upper folder @folder of an overlay is:
 *  job.layer once it is done. */
int unpack_start_digest(struct unpack_job *j, const char *libexec, int folder, struct err *e);
/** Start it to pack what @from has with gzip to @to, or (not @gzip) to unpack it; regular files. */
int unpack_start_bytes(struct unpack_job *j, const char *libexec, int from, bool gzip, int to,
		       struct err *e);
/** Start it with a tar of any size that goes among the files in @folder; with @below ("": not)
 * below that root directory there, and links that its paths meet are followed. @owner: two numbers,
 * whose everything is, or NULL. */
int unpack_start_into(struct unpack_job *j, const char *libexec, int from, int folder,
		      const char *below, const uint32_t *owner, struct err *e);
/** Take one message (blocks for it): 1: go on, 0: done and reaped, negative errno: failed, reaped.
 */
int unpack_handle(struct unpack_job *j, const struct unpack_events *on, struct err *e);
/** unpack_handle until it is done. */
int unpack_finish(struct unpack_job *j, const struct unpack_events *on, struct err *e);
/** Both until they are done: @pack writes into a pipe that @into reads, which has been closed here;
 *  @on hears @into only. The failure of the one that failed first is told. */
int unpack_finish_pair(struct unpack_job *pack, struct unpack_job *into,
		       const struct unpack_events *on, struct err *e);
/** Kill and reap it if it still runs. */
void unpack_stop(struct unpack_job *j);
#define CLEANUP_JOB __attribute__((cleanup(unpack_stop)))
