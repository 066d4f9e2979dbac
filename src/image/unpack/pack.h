/* SPDX-License-Identifier: Apache-2.0 */
/* The other way: a tree as a tar stream. */
#pragma once

#include "image/unpack.h"
#include "image/unpack/layer.h"

struct pack {
	int folder;            /* in which the tree lies */
	const char *name, *as; /* see struct unpack_request */
	bool whiteouts; /* the tree is the upper folder of an overlay: its marks become a layer's */
	int to;         /* where the tar goes; -1: nowhere */
	bool gzip;
	struct unpack_layer *digest; /* or NULL: what it is is told there */
	layer_progress_fn progress;  /* with the bytes of the files so far */
	void *ctx;
};

/**
 * Write the tree as a pax tar: owners by number, modes, times, links of both kinds, devices, FIFOs,
 * holes, and the extended attributes that unpacking takes. Sockets, and what lies in procfs, sysfs
 * and control groups, are left out. On failure the text names the entry.
 */
int pack_tree(const struct pack *pack, struct err *e);
