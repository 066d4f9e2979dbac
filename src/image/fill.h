/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out a plan: its layers are unpacked into the staging folder, some at a time, each by a
 * hull-unpack of its own; every diff id and blob digest is checked; then all of it is committed.
 * What load.c and registry/pull.c share: the one has layers in an archive, the other has them come
 * through pipes.
 */
#pragma once

#include "image/plan.h"

enum { FILL_JOBS_MAX = 8, FILL_ZSTD_WEIGHT = 5 };

struct fill {
	struct image_store *store;
	struct stage stage;
	struct plan plan;
	struct arena *arena;
	struct image_limits limits;
	image_progress_fn progress; /* or NULL */
	void *ctx;                  /* of it */
	size_t jobs;                /* hull-unpacks at a time */
	size_t room; /* memory for them: one of zstd, with its window, takes FILL_ZSTD_WEIGHT of it,
			others 1 */
	const char *event; /* "load", "pull" */
	bool by_blob;      /* progress names layers by their blobs, as docker pull does */
	/* For layers that come through a pipe: its reading end, which fill closes. NULL: layers are
	 * where plan_layer.source says. */
	int (*open)(struct fill *f, struct plan_layer *l, size_t index, struct err *e);
	/* For whoever writes into those: heard while layers are unpacked. It fails first where both
	 * do, as what is cut off is only a consequence. -1: nobody. */
	int other;
	int (*heard)(struct fill *f, struct err *e);
};

/** Unpack all layers that are not `ready`. */
int fill_layers(struct fill *f, struct err *e);
/** stage_commit of all images of the plan. */
int fill_commit(struct fill *f, struct err *e);
/** What was unpacked is what the config and the manifest say. */
int fill_check(const struct plan_layer *l, const struct unpack_layer *got, struct err *e);
int fill_wrong_blob(const struct plan_layer *l, const char *digest, struct err *e);
void fill_tell(struct fill *f, const struct plan_layer *l, size_t index, uint64_t done,
	       bool finished, bool existed);
