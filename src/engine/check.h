/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the checks of `hull system check` share: check.c has those of the store and of folders,
 * check_left.c those of the kernel.
 */
#pragma once

#include <limits.h>

#include "engine/internal.h"

struct check {
	struct engine *en;
	bool repair;
	struct arena *a;
	struct strv *problems;
	int kept;                           /* problems that only a person can mend */
	char root[PATH_MAX], run[PATH_MAX]; /* as the kernel names them in /proc */
};

/** A line of what was found, and is removed if it is to be. */
void check_tell(struct check *k, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Is nothing of @id to stay: no row, nobody who makes it or runs it, not of another store's time?
 * 1, 0 or negative errno. */
int check_is_left(struct check *k, const char *id, struct err *e);
/** Was the container, or the network, @id made in this store, whether it is still there or not? As
 * far as the events go back. */
bool check_was_ours(struct check *k, const char *id);

/** Programs that watch or serve a container, or a network, that is gone. All of these return 0 or
 * negative errno. Nothing is touched that is not known to be of this --root and --runroot. */
int check_processes(struct check *k, struct err *e);
/** Control groups, and scopes of systemd, with what lives in them. */
int check_groups(struct check *k, struct err *e);
/** What is mounted in our mount namespace below folders of containers and volumes. */
int check_mounts(struct check *k, struct err *e);
/** Loop devices on disk images of containers. */
int check_loops(struct check *k, struct err *e);
