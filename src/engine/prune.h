/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nothing uses goes. What is taken into use meanwhile is kept: each removal is the ordinary
 * one, not forced. Each of these is an event, "prune", too.
 */
#pragma once

#include "engine/engine.h"

struct prune {
	struct engine *engine;
	struct arena *arena;
	bool all;      /* of volumes also those with a name, of images those with one */
	int64_t until; /* created before; 0: any */
	struct kvs labels, not_labels;
	int64_t freed; /* bytes, of all that was done with it */
};

/** Take "label=", "label!=" or "until=". 1: taken, 0: another key, or negative errno. */
int prune_filter_add(struct prune *p, const char *filter, struct err *e);
/* @ret gets what went, also when they fail: ids, names, and of images docker's lines "untagged:
 * NAME" and "deleted: sha256:ID". */
int prune_containers(struct prune *p, struct strv *ret, struct err *e);
int prune_volumes(struct prune *p, struct strv *ret, struct err *e);
int prune_networks(struct prune *p, struct strv *ret, struct err *e);
int prune_images(struct prune *p, struct strv *ret, struct err *e);
/** Note that @freed bytes of @type were; returns @r. */
int prune_tell(struct prune *p, const char *type, int64_t freed, int r);
