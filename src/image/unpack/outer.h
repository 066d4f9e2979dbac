/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive that holds an image: its members, and the layers among them. What the members mean
 * (manifests, configs) is for the engine; here they are bytes with names.
 */
#pragma once

#include "image/unpack/layer.h"

/** Send a message to the engine; 0 or negative errno. */
typedef int (*outer_send_fn)(void *ctx, const struct unpack_message *m);

struct outer {
	int stage; /* folder for what is kept */
	int times, socket;
	struct layer_limits limits;
	layer_progress_fn progress;
	outer_send_fn send;
	void *ctx; /* of progress and send */
};

/** List the members of a plain tar without reading their data. */
int outer_index(const struct outer *o, struct source *source, struct err *e);
/** Read it all, once: keep small members, unpack layers. */
int outer_unpack(const struct outer *o, struct source *source, struct err *e);
