/* SPDX-License-Identifier: Apache-2.0 */
/* One RUN: what step_run.c and step_mount.c share. */
#pragma once

#include "base/frames.h"
#include "build/internal.h"

struct run {
	struct strv args;   /* of the command */
	const char *script; /* a here-document with an interpreter of its own, or NULL */
	const char *network;
	struct strv env;      /* the image's and ARGs */
	struct strv secrets;  /* variables that are no part of the key */
	struct array folders; /* of struct container_folder */
	struct strbuf key;    /* what of its mounts counts */
	struct strv targets;  /* of its mounts */
	struct strv missing;  /* paths of those that the tree does not have, the deepest first */
	struct array held;    /* of int: locked caches, agents of a client */

	/* once it is a container */
	struct step_key key_of;
	struct layer *layer;
	size_t slot; /* of BUILD_RUNS_MAX, none of which two have */
	char id[ID_LEN + 1];
	int output; /* in docker's frames */
	struct frames frames;
	struct container_end end;
};

/** Open what RUN --mount says. STEP_WAITS: a cache is locked by another RUN, of any build. */
int mounts_open(struct build *b, struct build_stage *s, const struct instruction *in,
		struct run *run, struct err *e);
/** That cache is still locked. */
bool mounts_blocked(struct build_stage *s);
/** Note which targets are missing below, and remove them from the layer when the step is done. */
int mounts_missing(struct build *b, const struct build_stage *s, struct run *run, struct err *e);
void mounts_clean(struct build *b, struct run *run, const struct layer *layer);
/** @taken: the mounts became a container's. */
void mounts_close(struct run *run, bool taken);
