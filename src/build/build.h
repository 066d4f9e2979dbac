/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building images from Dockerfiles: what the command line calls.
 *
 * A Dockerfile becomes stages; each step of a stage that changes files makes one folder, the upper
 * folder of an overlay upon the folders below: RUN is a container of the engine on it, COPY writes
 * into it. That folder is the layer, where it lies; only its digest is computed (hull-unpack). All
 * of a build lies in one locked staging folder (image/stage.h) until its end, when layers, cache
 * and image come into the store in one transaction.
 */
#pragma once

#include "engine/engine.h"

/** --secret: from a file, a variable, or (both NULL) the variable of its own name. */
struct build_secret {
	char *id, *source, *env;
};

/** --ssh: the socket of an agent. */
struct build_agent {
	char *id, *socket;
};

/** --build-context: what FROM, COPY --from and RUN --mount=from take by this name. */
struct build_named {
	char *name;
	char *image, *folder; /* one of the two */
};

enum build_output { BUILD_IMAGE, BUILD_TAR, BUILD_FILES };

struct build_request {
	const char
		*context; /* folder; "-": a tar, or a Dockerfile, on stdin; NULL: of the session */
	const char *session; /* of a client, by which his hull-session waits (engine/waiting.h), or
				NULL */
	/* What happens, as BuildKit's StatusResponse, in place of what goes to stderr; or NULL. */
	void (*trace)(void *ctx, const void *status, size_t len);
	void *trace_ctx;
	const char *file; /* -f; NULL: "Dockerfile" in the context; "-": standard input */
	struct strv tags;
	struct strv args; /* NAME=VALUE, or NAME: from the environment */
	struct strv extra_hosts;
	struct array secrets;        /* of struct build_secret */
	struct array agents;         /* of struct build_agent */
	struct array contexts;       /* of struct build_named */
	struct strv no_cache_stages; /* names of stages that are built anew */
	bool allow_host_network;     /* RUN --network=host may, whatever `network` is */
	struct kvs labels;
	struct strv cache_from; /* images whose steps are taken over */
	bool cache_inline;      /* the image says what its steps were, for that */
	const char *target;
	const char *platform; /* "linux/arm64"; NULL: this machine's, or what FROM's image is for */
	const char *network;  /* of RUN, as of a container */
	bool no_cache, quiet, pull;
	struct image_registry registry; /* where images are pulled from */
	bool squash;                    /* what is built becomes one layer */
	bool tty;                       /* progress in place on stderr; else in lines */
	bool json;                      /* lines of JSON on stdout, as docker's API has them */
	bool check;                     /* build nothing, but look at the Dockerfile */
	struct container_config limits; /* of each RUN */
	enum build_output output;       /* what else than an image */
	int output_fd;                  /* where the tar goes */
	const char *output_dir;         /* where the files go */
};

/** OS/ARCHITECTURE[/VARIANT], or the architecture alone; one of them. */
int build_platform_parse(const char *text, struct arena *a, const char **ret, struct err *e);

/** Build; progress and failures' places go to stderr. With `check` 1: there is something to say. */
int build_image(struct engine *en, const struct build_request *q, struct arena *a,
		char ret_id[ID_LEN + 1], struct err *e);

struct build_prune {
	bool all;      /* also what images have, and the folders of RUN --mount=type=cache */
	int64_t until; /* not used since, ns; 0: any */
	int64_t keep;  /* bytes that may stay, of what was used last; 0: none */
};
/** Remove rows of the cache, and what only they held. @ret: what went. -EBUSY: a build runs. */
int build_prune(struct engine *en, const struct build_prune *q, struct arena *a, struct strv *ret,
		int64_t *ret_freed, struct err *e);
